"""Names that anybody chose are shown as they are, wherever they stand."""

import csv
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from genre_engine.storage import escape

HOSTILE = [
    "[pop](https://example.org)",
    "<b>jazz</b>",
    "![x](https://example.org/x.png)",
    "`code` *bold* _it_ ~~no~~",
    "https://example.org/a",
    "www.example.org",
    "a@example.org",
    "<a href='https://example.org'>x</a>",
    "a | b",
    ":red[loud] $x^2$ :smile:",
    "&lt;b&gt;",
    "# heading",
    "\\[x\\](y)",
]
# Letters, and all that means something in one of the languages.
TEXT = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("\\`*_{}[]()#+-.!|<>~$:^&=@\"'\r\n\t "),
    ),
    max_size=40,
)


class Content(HTMLParser):
    """The text of HTML, and the tags in it."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", []
        self.feed(source)
        self.close()

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


def rendered(source):
    markdown = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    return Content(markdown.render(source))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("function", [escape.streamlit, escape.markdown])
def test_names_stay_text_in_markdown(function, text):
    found = rendered(f"It is {function(text)}, they say")
    assert found.text.strip() == f"It is {text}, they say"
    assert found.tags == ["p"]


@given(TEXT)
def test_any_text_stays_text_in_markdown(text):
    expected = f"It is {escape.one_line(text)}, they say"
    for function in (escape.streamlit, escape.markdown):
        found = rendered(f"It is {function(text)}, they say")
        assert "".join(found.text.split()) == "".join(expected.split())
        assert found.tags == ["p"]


@pytest.mark.parametrize("text", ["https://example.org", "HTTP://a.b", "www.a.b", "x@a.b"])
def test_bare_addresses_are_no_links(text):
    for function in (escape.streamlit, escape.markdown):
        assert not re.search(r"(https?|HTTP)://|www\.|[^\\]@", function(text))


@given(TEXT)
def test_a_markdown_table_keeps_its_cells(text):
    found = rendered(f"| a | b |\n|---|---|\n| {escape.markdown(text)} | x |")
    assert found.tags.count("td") == 2
    assert set(found.tags) <= {"table", "thead", "tbody", "tr", "th", "td"}


@given(TEXT)
def test_html_and_figures_have_no_tag_of_a_name(text):
    found = Content(f'<p title="{escape.html(text)}">{escape.html(text)}</p>')
    assert found.tags == ["p"]
    assert found.text == escape.one_line(text)
    label = Content(f"<b>{escape.plotly(text)}</b>")
    assert label.tags == ["b"]
    assert label.text == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40))
def test_a_cell_is_read_again_as_it_was_but_for_an_apostrophe(text):
    file = io.StringIO()
    csv.writer(file).writerow([escape.cell(text), "x"])
    (row,) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert row[0].removeprefix("'") == text.removeprefix("'")
    assert not row[0].startswith(("=", "+", "-", "@", "\t"))


def test_formulas_become_text():
    assert escape.cell('=HYPERLINK("https://example.org").wav').startswith("'=")
    assert escape.cell("-1+cmd|' /C calc'!A0").startswith("'-")
    assert escape.cell("two\r\nlines") == "two\\r\nlines"

"""Text of others as text: one escape for each place where some letters mean something.

Names of files, genres, artists, runs and data sets come from anybody. In Markdown one could be a
link, in a Plotly figure markup, in a table a formula. Each function gives what shows the text as it
is; one escape doesn't serve another's place.
"""

import html as _html
import re

# Streamlit's Markdown has colours (`:red[`), formulas (`$`), emoji and bare addresses besides.
_STREAMLIT = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:^&=@])")
_MARKDOWN = re.compile(r"([\\`*_<>\[\]|~&$])")
_ADDRESS = re.compile(r"(?i)(https?|ftp|mailto|xmpp)(:)|(www)(\.)|(@)")
# What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def streamlit(text: str) -> str:
    """For a page's Markdown.

    >>> streamlit("[pop](https://example.org)")
    '\\\\[pop\\\\]\\\\(https\\\\://example\\\\.org\\\\)'
    """
    return _STREAMLIT.sub(r"\\\1", _printable(text))


def markdown(text: str) -> str:
    """For a Markdown file, on one line, also within a table.

    >>> markdown("[pop](https://example.org) | *jazz*")
    '\\\\[pop\\\\](https\\\\://example.org) \\\\| \\\\*jazz\\\\*'
    """
    escaped = _MARKDOWN.sub(r"\\\1", one_line(text))
    return _ADDRESS.sub(lambda found: _before_last(found[0]), escaped)


def plotly(text: str) -> str:
    """For a figure's labels and hovers, which know some of HTML's tags.

    >>> plotly("<b>R&B</b>")
    '&lt;b&gt;R&amp;B&lt;/b&gt;'
    """
    return _html.escape(text, quote=False)


def html(text: str) -> str:
    """For an HTML file, within an element or a quoted attribute, on one line.

    >>> html('"R&B"')
    '&quot;R&amp;B&quot;'
    """
    return _html.escape(one_line(text))


def cell(text: str) -> str:
    """For a cell of a CSV: an apostrophe goes before what begins like a formula.

    A carriage return would end the row in some readers, so it is spelt out.

    >>> cell("=HYPERLINK(1).wav"), cell("song.wav")
    ("'=HYPERLINK(1).wav", 'song.wav')
    """
    readable = text.encode("utf-8", "backslashreplace").decode().replace("\r", "\\r")
    return f"'{readable}" if readable.startswith(_FORMULA) else readable


def one_line(text: str) -> str:
    """Text without line breaks or other control characters."""
    return " ".join(_printable(text).split())


def _before_last(text: str) -> str:
    return f"{text[:-1]}\\{text[-1]}"


def _printable(text: str) -> str:
    readable = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else " " for c in readable)

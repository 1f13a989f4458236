"""Genres, runs and tracks called like links and markup, on every page that shows them."""

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.finished_runs import finished
from tests.pages.test_metrics import whole

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")
GENRES = ("[pop](https://example.org)", "<b>jazz</b>", ":red[rock]")

TABS = ("Figures", "Genres", "Mistakes", "Thresholds", "Curves", "Calibration", "History")
_LINK = re.compile(r"(?<!\\)\]\(https|(?<!\\):red\[|(?<!\\)<b>")


@pytest.fixture(autouse=True)
def _fresh(workspace):
    """Every test has a workspace of its own."""


def shown(app):
    """What is drawn as Markdown; the options of lists are text."""
    for kind in ("markdown", "header", "subheader", "title", "caption", "info", "warning", "error"):
        yield from (str(element.value) for element in getattr(app, kind))
    for kind in ("checkbox", "button", "radio", "expander", "tabs", "metric"):
        yield from (str(element.label) for element in getattr(app, kind))


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


@pytest.mark.parametrize(
    ("place", "tab"),
    [
        *(("metrics", tab) for tab in TABS),
        ("compare", None),
    ],
)
def test_names_stay_text(place, tab):
    for number, skill in enumerate((0.3, 0.5)):
        whole(finished(f"run-{number}", skill=skill, genres=GENRES))
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page(f"pages/{place}.py").run()
    if tab is not None:
        app.session_state["shown"] = tab
        app.run()
        assert app.session_state["shown"] == tab
    assert not app.exception
    for text in shown(app):
        assert not _LINK.search(text), text
    for chart in app.get("plotly_chart"):
        for text in texts(json.loads(chart.proto.spec)):
            assert "<b>jazz" not in text

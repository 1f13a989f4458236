"""Pages that had a run open when it was renamed or removed elsewhere."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import runs
from tests.finished_runs import finished

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.mark.parametrize("change", ["rename", "discard"])
@pytest.mark.parametrize(
    ("page", "key", "value"),
    [
        ("metrics", "run", "one"),
        ("compare", "compared", ["one", "other"]),
    ],
)
def test_the_page_goes_on_with_what_is_there(page, key, value, change):
    one = finished("one")
    finished("other", seed=4)
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page(f"pages/{page}.py").run()
    app.session_state[key] = value
    app.run()
    assert not app.exception
    if change == "rename":
        runs.rename(one, "new-name")
    else:
        runs.discard(one)
    app.run()
    assert not app.exception
    widgets = [*app.selectbox, *app.multiselect]
    (widget,) = [one for one in widgets if one.key == key]
    assert set(widget.options) == ({"new-name", "other"} if change == "rename" else {"other"})
    assert set([widget.value] if isinstance(widget.value, str) else widget.value) <= set(
        widget.options
    )

"""The glossary, through Streamlit's own test client."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")

pytestmark = pytest.mark.usefixtures("workspace")


def test_a_word_is_found_by_its_name_or_what_it_says():
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("pages/glossary.py").run()
    everything = "\n".join(one.value for one in app.markdown)
    assert "**Macro and micro.**" in everything
    app.text_input(key="glossary-find").set_value("recall").run()
    assert not app.exception
    found = "\n".join(one.value for one in app.markdown)
    assert "**Precision and recall.**" in found
    assert "**Epoch.**" not in found
    app.text_input(key="glossary-find").set_value("zebra").run()
    assert "No word here is like that" in app.info[0].value

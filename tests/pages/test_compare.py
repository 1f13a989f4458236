"""The Compare page, through Streamlit's own test client."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import runs
from tests.finished_runs import finished

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")

pytestmark = pytest.mark.usefixtures("workspace")


def compare(**choices):
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("pages/compare.py").run()
    for name, value in choices.items():
        app.session_state[name] = value
    if choices:
        app.run()
    assert not app.exception
    return app


def said(app):
    kinds = ("markdown", "header", "subheader", "info", "error", "title", "warning")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind)).replace("\\", "")


def test_without_a_finished_run_it_says_what_to_do():
    assert "No run has finished yet" in said(compare())


def test_the_newest_two_that_answer_the_same_question_are_compared_at_once():
    finished("old", ids=[f"x {i}" for i in range(90)])
    finished("weak", skill=0.1)
    finished("strong", skill=0.7)
    finished("newest", ids=[f"y {i}" for i in range(90)])
    app = compare()
    assert sorted(app.multiselect(key="compared").value) == ["strong", "weak"]
    assert "strong beats weak by" in said(app)
    assert "a real difference" in said(app)
    assert len(app.get("plotly_chart")) == 3


def test_runs_on_other_tracks_get_boards_of_their_own_and_a_reason():
    finished("one")
    finished("other", ids=[f"x {i}" for i in range(90)])
    app = compare(compared=["one", "other"])
    assert "can't be ranked with" in said(app)
    assert said(app).count("90 validation tracks") >= 2


def test_test_is_sealed_until_asked_for_and_the_look_is_counted():
    one, other = finished("one"), finished("other", seed=4)
    app = compare(compared=["one", "other"])
    app.session_state["compared_part"] = "test"
    app.run()
    assert "Test is sealed" in said(app)
    assert one.looks() == []
    next(b for b in app.button if "Unseal" in b.label).click().run()
    assert not app.exception
    assert "90 test tracks" in said(app)
    assert (len(one.looks()), len(other.looks())) == (1, 1)
    app.selectbox(key="figure").select("loss").run()
    assert len(one.looks()) == 1


def test_ten_runs_of_one_model_have_their_settings_drawn_as_lines():
    for number in range(10):
        finished(f"run{number}", seed=number, settings={"dropout": number / 20})
    app = compare()
    assert "10 runs of fcn" in said(app)
    assert any('"parcoords"' in chart.proto.spec for chart in app.get("plotly_chart"))


def test_a_damaged_run_is_named_and_spoils_nothing():
    finished("one")
    finished("other", seed=4)
    broken = finished("broken")
    (broken.folder / "config.json").write_text("{")
    app = compare()
    assert "can't be read" in said(app)
    assert "ahead of" in said(app)
    assert len(runs.listing()) == 3


def test_runs_of_a_reproduction_are_offered_on_request_only():
    for name, origin in (("a", "app"), ("b", "app"), ("stage", "reproduction")):
        finished(name, origin=origin)
    app = compare()
    (chosen,) = [one for one in app.multiselect if one.key == "compared"]
    assert set(chosen.options) == {"a", "b"}
    app.toggle(key="show-reproductions").set_value(True).run()
    (chosen,) = [one for one in app.multiselect if one.key == "compared"]
    assert "stage" in chosen.options

"""The Reproduce page, through Streamlit's own test client."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import jobs, reproduce
from genre_engine.jobs import hosted
from genre_engine.prediction import vocabulary
from genre_engine.reproduce import drawing
from genre_engine.reproduce.state import Reproduction
from tests.owned import own
from tests.reproduce.conftest import import_table

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture(autouse=True)
def idle(monkeypatch):
    """Jobs wait in their queue: no process is started."""
    monkeypatch.setattr(jobs, "supervisor", lambda: None)


def opened(part=None):
    app = AppTest.from_file(ENTRY, default_timeout=180)
    if part is not None:
        app.query_params["part"] = part
    app.switch_page("pages/reproduce.py").run()
    assert not app.exception
    return app


def said(app):
    kinds = ("markdown", "header", "info", "error", "title", "warning", "html")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind)).replace("\\", "")


def button(app, label):
    return next(one for one in app.button if one.label == label)


def test_what_is_not_yet_run_stands_in_grey_beside_the_published_figures(tmp_path):
    import_table(tmp_path)
    text = said(opened())
    assert "| Macro F1 | 0.08 | :gray[*not yet run*] |" in text
    assert "| Ours |" in text
    # A phone's cards name the columns that are there.
    assert 'td:nth-child(3)::before { content: "Ours: "; }' in text
    assert "300 tracks take part; 22 stages are left" in text


def test_start_puts_the_experiment_into_the_queue_and_stop_takes_it_out(tmp_path):
    import_table(tmp_path)
    app = opened()
    app.toggle(key="reproduced_quick-small").set_value(True).run()
    assert app.code[0].value == "python -m genre_engine reproduce small --quick"
    button(app, "Start").click().run()
    assert not app.exception
    (job,) = jobs.listing()
    assert (job.kind, job.status) == ("reproduction", "queued")
    assert reproduce.Request.of(job.request) == reproduce.Request("small", quick=True)
    button(app, "Stop").click().run()
    assert jobs.open(job.id).status == "paused"


def test_a_stage_that_failed_says_why_and_one_that_is_done_what_it_found(tmp_path):
    import_table(tmp_path)
    kept = Reproduction("small")
    counts = dict.fromkeys(vocabulary.TEN, 3)
    kept.set("honest-fcn", status="skipped", quick=True)
    found = {"tracks": 30, "artists": 3, "genres": counts, "same_as_course": True}
    kept.set("tracks", status="done", message="30 tracks.", output=found)
    kept.set("summary", status="failed", message="The disk is full.")
    text = said(opened(part="Stages"))
    assert "done · 30 tracks." in text
    assert "failed · The disk is full." in text
    assert "Some trainings were cut short" in text


def test_after_a_quick_run_a_reload_says_that_nothing_is_left(tmp_path, monkeypatch):
    import_table(tmp_path)
    monkeypatch.setattr(drawing, "incomplete", lambda found: False)
    kept = Reproduction("small")
    kept.request = reproduce.Request("small", quick=True)
    found = {key: {} for key in ("figures", "intervals", "no_skill", "artist_prior")}
    for stage in reproduce.STAGES:
        trained = stage.training is not None
        kept.set(stage.name, status="done", quick=trained, output=found if trained else {})
    app = opened()
    quick = app.toggle(key="reproduced_quick-small")
    assert quick.value
    assert "All stages are done. They ran quickly: turn Quick off" in said(app)
    assert not any(one.label == "Go on" for one in app.button)
    n_trainings = sum(stage.training is not None for stage in reproduce.STAGES)
    quick.set_value(False).run()
    assert f"{n_trainings} stages are left" in said(app)
    assert f"{n_trainings} of them ran quickly, and run again in full" in said(app)
    assert button(app, "Go on")


def test_stages_that_the_data_set_cannot_have_are_not_left_to_do(tmp_path, monkeypatch):
    import_table(tmp_path)
    monkeypatch.setattr(drawing, "incomplete", lambda found: False)
    kept = Reproduction("small")
    found = {key: {} for key in ("figures", "intervals", "no_skill", "artist_prior")}
    for stage in reproduce.STAGES:
        kept.set(stage.name, status="done", output=found if stage.training else {})
    kept.set(reproduce.STAGES[-1].name, status="skipped", message="Only MTG-Jamendo has several.")
    app = opened()
    assert "All stages are done but the one left out." in said(app)
    assert button(app, "Try those again")


def test_a_tab_draws_what_it_holds_and_no_other_does(tmp_path):
    import_table(tmp_path)
    first, stages = said(opened()), said(opened(part="Stages"))
    assert "| Macro F1 |" in first
    assert "The 498 features" not in first
    assert "The 498 features" in stages
    assert "| Macro F1 |" not in stages


def test_without_a_data_set_tracks_can_be_fetched_and_the_command_says_so():
    app = opened()
    app.number_input[0].set_value(200).run()
    assert "reproduce jamendo-200 --tracks 200" in app.code[0].value
    assert "to fetch" in said(app)


def test_a_shared_server_runs_no_experiment_and_names_no_other_visitor_s_data(
    tmp_path, monkeypatch
):
    data = import_table(tmp_path)
    monkeypatch.setenv(hosted.VARIABLE, "1")
    app = opened()
    assert "doesn't run the whole experiment" in said(app)
    assert not any(one.label == "Start" for one in app.button)
    assert app.selectbox(key="reproduced").options == ["small"]
    own(data.folder, "somebody", private=True)
    assert "There is no data set yet" in said(opened())

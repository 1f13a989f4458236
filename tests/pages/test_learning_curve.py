"""What Results says of a run's learning curve and of its features."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import jobs, runs, training
from genre_engine.evaluation import learning_curve as stored
from genre_engine.storage import owners
from genre_engine.training import learning_curve
from tests.training.conftest import import_table, table

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")
SHARES = (20, 35, 50, 75)


@pytest.fixture(autouse=True)
def _fresh(workspace, monkeypatch):
    """Every test has a workspace of its own, and no server that starts its jobs."""
    monkeypatch.setattr(jobs, "supervisor", lambda: None)


def trained(tmp_path, frame=None, **options):
    import_table(tmp_path, "small", frame)
    config = training.new_config(
        "small", model="linear", name="mine", settings={"strength": 0.1}, **options
    )
    return training.train(runs.create(config))


@pytest.fixture
def run(tmp_path):
    return trained(tmp_path)


def results(tab):
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("pages/metrics.py").run()
    app.session_state["shown"] = tab
    app.run()
    assert not app.exception
    return app


def said(app):
    kinds = ("markdown", "header", "info", "error", "warning")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind)).replace("\\", "")


def labels(app):
    return [button.label for button in app.button]


def charts(app):
    return app.get("plotly_chart")[1:]  # the first is the verdict's


def test_without_a_curve_it_says_what_one_is_for_and_how_long_it_takes(run):
    report = run.report()
    report["fit"]["seconds"] = 100.0
    run.write_json("report.json", report)
    app = results("Learning curve")
    assert "Would more songs help?" in said(app)
    assert "Test stays sealed" in said(app)
    assert charts(app) == []
    minutes = round((100 * (3 * 0.65 + 2 * 1.25) + 13 * 0.3 + 8) / 60)
    assert f"Measure it (about {minutes} min)" in labels(app)


def test_the_button_puts_it_into_the_queue_and_the_page_shows_that(run):
    app = results("Learning curve")
    app.button(key="learning-measure").click().run()
    assert not app.exception
    (job,) = jobs.listing()
    assert (job.kind, job.request["run"]) == ("learning-curve", "mine")
    assert job.request["shares"] == list(learning_curve.SHARES)


def test_a_job_that_waits_can_be_cancelled_and_begun_again(run):
    jobs.submit("learning-curve", {"run": "mine"})
    app = results("Learning curve")
    assert "Waiting in the queue, next" in said(app)
    assert "learning-measure" not in [button.key for button in app.button]
    app.button(key="learning-cancel").click().run()
    assert not app.exception
    assert "It was cancelled; what was trained is kept" in said(app)
    assert [button.key for button in app.button if button.key == "learning-measure"]


def test_a_measured_curve_has_its_advice_in_words_a_chart_and_the_command(run):
    found = learning_curve.measure(run, SHARES)
    app = results("Learning curve")
    text = said(app)
    if found["advice"]["best"]:
        assert "would help most" in text
    else:
        assert found["advice"]["text"] in text
    assert "bars are 95 % intervals, over artists and the choice of tracks" in text
    assert "a guide, not a promise" in text
    assert len(charts(app)) == 2
    first = charts(app)[0].proto.spec
    assert "Tracks learnt from" in first
    assert any("learning-curve mine" in code.value for code in app.code)
    assert "learning-measure" not in [button.key for button in app.button]
    table_ = app.dataframe[0].value
    assert list(table_["Share"]) == ["20 %", "35 %", "50 %", "75 %", "100 %"]
    app.segmented_control(key="learning-figure").set_value("f1").run()
    assert not app.exception
    assert "Macro F1" in charts(app)[0].proto.spec


def test_the_genre_that_gains_most_is_the_title(run):
    found = learning_curve.measure(run, SHARES)
    row = {"tracks": 40.0, "from": 0.6, "gain": 0.05, "interval": [0.01, 0.09], "rises": True}
    advice = {**found["advice"], "best": ["jazz"]}
    advice["genres"] = {**advice["genres"], "jazz": row}
    run.write_json(stored.FILE, {**found, "advice": advice})
    text = said(results("Learning curve"))
    assert "More songs of Jazz would help most" in text
    assert "0.60 with 40 songs, would rise by about 0.05 (0.01 to 0.09)" in text


def test_a_stopped_curve_shows_what_there_is_and_goes_on(run):
    done = []
    learning_curve.measure(
        run, progress=lambda *said: done.append(said), should_stop=lambda: len(done) > 40
    )
    measured = len(stored.read(run)["points"]) - 1
    assert 0 < measured < 5
    app = results("Learning curve")
    assert f"{measured} of 5 smaller shares are measured" in said(app)
    assert any(label.startswith("Measure the rest") for label in labels(app))


def test_few_artists_get_words_and_no_title_that_promises(tmp_path):
    run = trained(tmp_path, table(n_artists=16))
    learning_curve.measure(run, (50,))
    text = said(results("Learning curve"))
    assert "How the scores grow with the tracks" in text
    assert "too few to say how far a score could be off" in text
    assert "too few for intervals" in text


def test_another_visitor_s_run_cannot_be_measured(run, monkeypatch):
    monkeypatch.setattr(owners, "may_change", lambda folder: False)
    app = results("Learning curve")
    assert "This run isn't yours" in said(app)
    assert "learning-measure" not in [button.key for button in app.button]


def test_a_damaged_curve_is_reported_in_its_tab(run):
    (run.folder / stored.FILE).write_text("{")
    assert "can't be read" in said(results("Learning curve"))


def test_features_are_shuffled_when_that_is_asked_for(run):
    app = results("Features")
    assert "What do the features carry?" in said(app)
    assert charts(app) == []
    app.button(key="features-measure").click().run()
    assert not app.exception
    text = said(app)
    assert "is missed most: 0." in text
    n = len(run.predictions("validation").y)
    assert f"On {n} tracks of validation" in text
    assert len(charts(app)) == 1
    assert "Drop in macro average precision" in charts(app)[0].proto.spec
    assert any("evaluate mine --importance" in code.value for code in app.code)
    assert set(app.dataframe[0].value["Group"]) == {f"x{n}" for n in range(8)}


def test_a_cross_validated_run_says_why_its_features_cannot_be_shuffled(tmp_path):
    trained(tmp_path, split="kfold:3")
    app = results("Features")
    assert "folds' models aren't kept" in said(app)
    assert "features-measure" not in [button.key for button in app.button]

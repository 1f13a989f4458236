"""The Results page, through Streamlit's own test client."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import datasets, metrics, runs
from genre_engine.datasets import label_issues
from tests.finished_runs import GENRES, finished, scores, truth

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")
N = 90


@pytest.fixture(autouse=True)
def _fresh(workspace):
    """Every test has a workspace of its own."""


@pytest.fixture
def run():
    """A finished run whose report.json has all that a training writes."""
    return whole(finished("first", skill=0.4))


def whole(run, *, overlap=0.0):
    stored = run.report()
    task = run.config.task
    predicted = run.predictions("validation")
    platt = metrics.calibration.fit(
        metrics.check(predicted.y, predicted.p, run.config.genres, task)
    )
    thresholds = None if task != "multilabel" else stored["thresholds"]
    stored |= {"calibration": platt.to_dict(), "artist_overlap": overlap, "thresholds": thresholds}
    run.write_json("report.json", stored)
    return run


def results(**choices):
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("pages/metrics.py").run()
    for name, value in choices.items():
        app.session_state[name] = value
    if choices:
        app.run()
    assert not app.exception
    return app


def said(app):
    kinds = ("markdown", "header", "info", "error", "title", "success", "warning")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind)).replace("\\", "")


def charts(app):
    return app.get("plotly_chart")


def figure(run, name, part="validation"):
    predicted = run.predictions(part)
    return metrics.evaluate(
        predicted.y, predicted.p, genres=GENRES, thresholds=0.5, draws=0
    ).figure(name)


def test_what_the_model_chose_for_itself_is_said():
    one = whole(finished("first", model="svm", settings={"strength": 0.0}))
    one.write_json("report.json", one.report() | {"fit": {"chosen": {"strength": 3.0}}})
    assert "The model chose for itself: C 3." in said(results())


def test_without_a_finished_run_the_page_says_what_it_is_for_and_how_to_get_one():
    assert "No run has finished yet" in said(results())


def test_the_verdict_comes_first_beside_what_needs_no_listening(run):
    app = results()
    text = said(app)
    assert f"Macro F1 {figure(run, 'f1.macro'):.2f} [" in text
    assert "; no-skill 0." in text
    assert "It has learnt something" in text
    assert len(charts(app)) == 1


def test_a_run_that_knows_nothing_is_described_so():
    whole(finished("idle", skill=0.0))
    text = said(results())
    assert "It has shown nothing yet" in text or "Perhaps it has learnt something" in text


def test_a_leaking_split_carries_a_warning():
    whole(finished("leaky", skill=0.4), overlap=0.954)
    app = results()
    assert "The split leaks" in app.warning[0].value
    assert "95.4%" in app.warning[0].value


def test_without_a_leak_there_is_no_warning(run):
    assert not results().warning


def test_the_course_projects_tables_stand_beside_its_published_figures(run):
    tables = [table.value for table in results().table]
    assert [len(table) for table in tables] == [8, 6]
    row = tables[1][tables[1]["Figure"] == "Micro F1"].iloc[0]
    assert row["This run"].startswith(f"**{figure(run, 'f1.micro'):.2f}**")
    assert row["Course project"] == "0.68"
    hamming = tables[0][tables[0]["Figure"] == "Hamming loss"].iloc[0]
    assert hamming["Course project"] == "0.043"
    assert (tables[0]["Course project"] == "–").sum() == 4


def test_micro_and_macro_are_explained_on_the_runs_own_numbers(run):
    text = said(results())
    assert f"micro F1 ({figure(run, 'f1.micro'):.2f}) counts labels" in text
    assert f"Macro F1 ({figure(run, 'f1.macro'):.2f}) counts genres" in text


def test_test_is_sealed_and_a_look_is_counted_once_a_visit(run):
    app = results()
    app.segmented_control(key="part").set_value("test").run()
    assert "Test is sealed" in said(app)
    assert not charts(app)
    assert runs.open("first").looks() == []
    next(b for b in app.button if b.label.startswith("Unseal test")).click().run()
    assert not app.exception
    assert len(charts(app)) == 1
    app.selectbox(key="kind").set_value("0.5").run()
    app.segmented_control(key="part").set_value("validation").run()
    app.segmented_control(key="part").set_value("test").run()
    assert "Test is sealed" not in said(app)
    assert len(runs.open("first").looks()) == 1


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("Genres", "is recognised best"),
        ("Mistakes", "Listen to its mistakes"),
        ("Thresholds", "A lower threshold finds more"),
        ("Curves", "ROC: mean area"),
        ("Calibration", "Platt's scaling leaves"),
        ("History", "is kept"),
    ],
)
def test_each_tab_says_what_it_found(run, tab, expected):
    with run.writing() as events:
        events.write("epoch", epoch=4, epochs=4, loss=0.4, val_loss=0.4, best=True)
    assert expected in said(results(shown=tab))


def test_what_is_closed_is_not_computed(run, monkeypatch):
    from genre_engine.metrics import curves, mistakes, thresholds

    def never(*args):
        raise AssertionError("computed without having been opened")

    for module, name in (
        (curves, "roc_curves"),
        (mistakes, "together"),
        (thresholds, "curves"),
    ):
        monkeypatch.setattr(module, name, never)
    results()


def test_all_figures_follow_the_threshold(run):
    app = results(shown="Thresholds")
    slider = app.slider(key=f"threshold-{run.id}-global")
    assert slider.value == 0.5
    slider.set_value(0.3).run()
    assert not app.exception
    predicted = run.predictions("validation")
    at = metrics.evaluate(predicted.y, predicted.p, genres=GENRES, thresholds=0.3, draws=0)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Macro F1"] == f"{at.figure('f1.macro'):.2f}"
    assert shown["Micro recall"] == f"{at.figure('recall.micro'):.2f}"
    assert shown["All genres right"] == f"{at.figure('accuracy.subset'):.2f}"
    assert shown["Hamming loss"] == f"{at.figure('hamming_loss'):.2f}"


def test_a_wanted_precision_sets_the_threshold_of_the_whole_page(run):
    app = results(shown="Thresholds")
    app.selectbox(key="kind").set_value("precision").run()
    app.slider(key="precision").set_value(0.9).run()
    assert not app.exception
    predicted = run.predictions("validation")
    tuning = np.arange(N) % 2 == 1
    wanted = metrics.for_precision(predicted.y[tuning], predicted.p[tuning], GENRES, 0.9)
    at = metrics.evaluate(predicted.y, predicted.p, genres=GENRES, thresholds=wanted, draws=0)
    assert f"predicted from **{wanted:.2f}** on" in said(app)
    assert f"it is **{at.figure('precision.micro'):.2f}**" in said(app)
    assert app.slider(key=f"threshold-{run.id}-precision:0.9").value == round(wanted, 2)
    assert any("--thresholds precision:0.9" in code.value for code in app.code)


def test_a_precision_that_no_threshold_reaches_is_reported(run):
    same = run.predictions("validation")
    even = np.full_like(same.p, 0.5)
    runs.Predictions(same.track_ids, same.y, even, same.groups).save(
        run.folder / "predictions" / "validation.npz"
    )
    app = results(kind="precision", precision=1.0)
    assert "No threshold reaches a micro precision of 1" in app.error[0].value.replace("\\", "")


def test_one_genre_a_track_has_a_confusion_matrix_and_no_threshold():
    rng = np.random.default_rng(0)
    y = np.eye(3, dtype=np.uint8)[rng.integers(0, 3, N)]
    run = finished("single", y=y)
    config = {**run.config.to_dict(), "task": "multiclass"}
    run.write_json("config.json", config)
    run = runs.open("single")
    p = scores(y, 0.4)
    p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
    for part in ("validation", "test"):
        stored = run.predictions(part)
        runs.Predictions(stored.track_ids, y, p, stored.groups).save(
            run.folder / "predictions" / f"{part}.npz"
        )
    whole(run)
    app = results(shown="Thresholds")
    assert "there is no threshold to move" in said(app)
    assert "kind" not in [control.key for control in app.selectbox]
    app = results(shown="Mistakes")
    assert "Every track is in one cell" in said(app)
    assert "(none)" not in charts(app)[-1].proto.spec


def mine(tmp_path):
    y = truth()
    path = tmp_path / "mine.csv"
    rows = [
        f"track {i:03},{i}.5,{';'.join(g for g, on in zip(GENRES, row, strict=True) if on)}"
        for i, row in enumerate(y)
    ]
    path.write_text("\n".join(["track_id,a,genre", *rows]))
    return datasets.import_table("mine", path, label="genre", label_separator=";")


def test_a_label_that_looks_wrong_is_marked_beside_the_data_set(run, tmp_path):
    dataset = mine(tmp_path)
    app = results(shown="Mistakes")
    boxes = [box for box in app.checkbox if str(box.key).startswith("mark-")]
    assert boxes
    boxes[0].check().run()
    assert not app.exception
    (mark,) = label_issues.read(dataset)
    assert boxes[0].key == f"mark-{mark.track_id}-{mark.genre}"
    assert "1 label of this data set marked so far" in said(app)


def test_labels_of_test_cannot_be_marked(run, tmp_path):
    mine(tmp_path)
    app = results(shown="Mistakes", unsealed={run.id}, part="test")
    assert "Labels of test can't be marked" in said(app)
    assert not [box for box in app.checkbox if str(box.key).startswith("mark-")]


def test_without_its_data_set_a_run_can_still_be_looked_at(run):
    app = results(shown="Mistakes")
    assert "nothing to play" in said(app)


def test_the_genre_and_the_kind_of_mistake_choose_the_tracks(run):
    app = results(shown="Mistakes")
    app.selectbox(key="mistakes-of").set_value(1).run()
    app.segmented_control(key="mistakes-kind-1").set_value("invented").run()
    assert not app.exception
    table = app.dataframe[0].value
    assert all("Rock" in row for row in table["Predicted"])
    assert not any("Rock" in row for row in table["True"])


def test_the_room_opens_on_the_genre_and_kind_that_have_mistakes(run):
    app = results(shown="Mistakes")
    y, p = run.predictions("validation").y == 1, run.predictions("validation").p
    wrong = y != (p >= run.report()["thresholds"]["global"])
    assert app.selectbox(key="mistakes-of").value == int(wrong.sum(axis=0).argmax())
    assert "No track is of this kind" not in said(app)


def test_a_threshold_of_the_slider_becomes_the_page_s(run):
    app = results(shown="Thresholds")
    (slider,) = [one for one in app.slider if one.label == "Threshold for all genres"]
    slider.set_value(0.31).run()
    next(one for one in app.button if one.label == "Use this threshold").click().run()
    assert not app.exception
    assert app.selectbox(key="kind").value == "own"
    assert "--thresholds 0.31" in "\n".join(one.value for one in app.code)


def test_a_scaling_that_does_not_help_is_not_kept(run):
    stored = run.report()
    stored["calibration"]["kept"] = False
    run.write_json("report.json", stored)
    app = results(shown="Calibration")
    assert "made them worse on the others" in said(app)
    assert not [one for one in app.segmented_control if one.key == "calibrated"]


def test_a_damaged_run_is_reported_in_place(run):
    (run.folder / "predictions" / "validation.npz").write_bytes(b"no archive")
    app = results()
    assert "is damaged" in app.error[0].value.replace("\\", "")


def test_a_report_without_calibration_is_reported_in_its_tab_only():
    finished("old", skill=0.4)
    assert not results().error
    app = results(shown="Calibration")
    assert "holds no calibration" in app.error[0].value.replace("\\", "")


def test_runs_of_a_reproduction_are_offered_on_request_only(run):
    finished("stage", origin="reproduction")
    app = results()
    assert "stage" not in app.selectbox(key="run").options
    app.toggle(key="show-reproductions").set_value(True).run()
    assert "stage" in app.selectbox(key="run").options

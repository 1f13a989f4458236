import pytest

from genre_engine import datasets, evaluation, reproduce, runs
from genre_engine.errors import DatasetMissing, ModelError, RunError
from genre_engine.reproduce import drawing, material, tables, trainings
from genre_engine.storage import lock, workspace
from tests.reproduce.conftest import SHORT, import_table


def run(*stages, **options):
    return reproduce.reproduce(
        {"dataset": "small", "stages": list(stages), "settings": SHORT}, **options
    )


def test_without_a_data_set_there_is_nothing_to_reproduce(workspace):
    with pytest.raises(DatasetMissing):
        run()
    assert not (workspace / "reproductions").exists()


def test_the_course_part_runs_and_stands_beside_the_published_figures(small):
    found = run("course", "honest")
    wrong = {k: o.message for k, o in found.outcomes.items() if o.status == "failed"}
    assert wrong == {}
    chosen = found.output("tracks")
    assert chosen["tracks"] == 300
    assert chosen["same_as_course"]
    overlap = {
        name: one["artist_overlap"] for name, one in found.output("splits")["splits"].items()
    }
    assert overlap["random:course"] > 0.9
    assert overlap["artist"] == 0
    # Of a table there is no track to draw.
    assert set(found.output("figures")["figures"]) == {
        *("counts-train", "counts-validation", "accuracy", "loss"),
    }
    made = {one.name: one for one in runs.listing()}
    assert {"small-binary-fcn", "small-multilabel-fcn-ran", "small-honest-xgboost"} <= set(made)
    assert made["small-multilabel-fcn-ran"].config.split["fractions"] == {
        "train": 0.70,
        "validation": 0.15,
        "test": 0.15,
    }
    assert {len(one.looks()) for one in made.values()} == {1}
    # What stands in the table is what the run itself says.
    honest = made["small-honest-fcn"]
    report = evaluation.evaluate_run(honest, "test", "global").to_dict()
    f1 = next(row for row in tables.published(found)[1].rows if row[0] == "Macro F1")
    assert f1[1] == "0.08"
    assert f1[4] == f"{report['f1']['macro']:.3f}"
    assert tables.NOT_YET not in f1
    page = found.report_html.read_text()
    assert page.count("plotly.js v") == 1
    assert 'src="http' not in page
    assert len(drawing.stored(found)) == 4
    assert "## All trainings" in found.report_md.read_text()
    assert "Macro F1 | 0.08 |" in found.report_md.read_text()


def test_a_stage_that_is_done_is_not_done_again(small, monkeypatch):
    run("honest-fcn")

    def never(*_args, **_options):
        raise AssertionError

    monkeypatch.setattr(trainings, "train", never)
    monkeypatch.setattr(material, "choose_tracks", never)
    found = run("honest-fcn")
    assert found.outcomes["honest-fcn"].status == "done"
    assert len(runs.open("small-honest-fcn").looks()) == 1


def test_a_quick_training_is_done_again_in_earnest(small):
    reproduce.reproduce(
        {"dataset": "small", "stages": ["linear"], "settings": SHORT, "quick": True}
    )
    assert reproduce.load("small").outcomes["linear"].quick
    found = run("linear")
    assert not found.outcomes["linear"].quick
    assert {one.name for one in runs.listing()} == {"small-linear", "small-linear-quick"}


def test_a_stage_that_fails_says_why_and_the_others_go_on(small, monkeypatch):
    train = trainings.train

    def failing(dataset, name, *rest):
        if name == "small-forest":
            raise ModelError("This forest is on fire. Water it.")
        return train(dataset, name, *rest)

    monkeypatch.setattr(trainings, "train", failing)
    found = run("forest", "linear", "cnn")
    assert found.outcomes["forest"].status == "failed"
    assert found.outcomes["forest"].message == "This forest is on fire. Water it."
    assert found.outcomes["linear"].status == "done"
    assert found.outcomes["cnn"].status == "skipped"
    assert "'patches'" in found.outcomes["cnn"].message
    assert "on fire" in found.report_md.read_text()


def test_a_failed_stage_is_tried_again(small, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(trainings, "judge", lambda *_: 1 / 0)
        assert "ZeroDivisionError" in run("linear").outcomes["linear"].message
    # Its run had finished, so that is judged and not trained again.
    assert run("linear").outcomes["linear"].status == "done"
    assert len(runs.listing()) == 1


def test_a_stop_in_a_training_keeps_its_epochs_and_the_same_run_goes_on(small):
    asked = []

    def progress(done, total, note):
        if "epoch 2 of" in note:
            asked.append(note)

    settings = {**SHORT, "fcn": {**SHORT["fcn"], "epochs": 30, "learning_rate": 0.01}}
    request = {"dataset": "small", "stages": ["honest-fcn"], "settings": settings}
    found = reproduce.reproduce(request, progress=progress, should_stop=lambda: bool(asked))
    assert found.outcomes["honest-fcn"].status == "waiting"
    (stopped,) = runs.listing()
    assert stopped.status == "cancelled"
    kept = len(stopped.epochs())
    assert 1 <= kept < 30
    found = reproduce.reproduce(request)
    assert found.outcomes["honest-fcn"].runs == {"run": stopped.id}
    (done,) = runs.listing()
    assert done.status == "finished"
    assert [event["epoch"] for event in done.epochs()][: kept + 1] == list(range(1, kept + 2))


def test_a_data_set_that_was_made_anew_starts_over(small, tmp_path):
    run("tracks")
    kept = reproduce.load("small")
    kept.dataset_created = "long ago"
    kept.save()
    datasets.remove("small")
    import_table(tmp_path, n_artists=40)
    assert run("tracks").output("tracks")["tracks"] == 200


def test_two_processes_do_not_work_on_the_same(small):
    folder = workspace.make_folder(reproduce.load("small").folder)
    with lock.hold(folder, ""), pytest.raises(RunError, match="another process"):
        run("tracks")


def test_all_is_estimated_before_it_starts_and_nothing_is_left_after(small):
    request = reproduce.Request("small", stages=("linear",), settings=SHORT)
    before = reproduce.estimate(request, reproduce.chosen(request.stages))
    assert (before.tracks, before.stages) == (300, 4)
    assert before.seconds > 0
    reproduce.reproduce(request)
    after = reproduce.estimate(request, reproduce.chosen(request.stages))
    assert after.stages == 0
    assert after.sentence() == "All stages are done."


class Reporter:
    """The worker's, as far as it is asked."""

    def __init__(self):
        self.said, self.results = [], {}

    def progress(self, done, total, note):
        self.said.append((done, total, note))

    def should_stop(self):
        return False

    def result(self, **values):
        self.results |= values


def test_as_a_job_it_says_how_far_it_is(small):
    reporter = Reporter()
    reproduce.work({"dataset": "small", "stages": ["tracks"]}, reporter)
    shares = [done / total for done, total, _ in reporter.said]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert reporter.results == {"dataset": "small", "failed": []}

"""Searches: their budgets, stopping and going on, and what they leave."""

import errno
import json
import os
from types import SimpleNamespace

import pytest

from genre_engine import datasets, models, runs, training
from genre_engine.errors import ModelError, RunError, RunExists, StorageError, WrongUsage
from genre_engine.models.linear import Linear
from genre_engine.training import search as settings_search
from genre_engine.training import trials
from genre_engine.training.search import Search
from tests.training.conftest import import_table

LINEAR = {"dataset_name": "small", "model": "linear"}
FOREST = {"dataset_name": "small", "model": "forest", "seed": 3}


@pytest.fixture(autouse=True)
def small(tmp_path, workspace):
    return import_table(tmp_path)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "search"


def without_times(ended):
    """Trials without their times."""
    return [(t.number, dict(t.settings), t.state, t.score, dict(t.curve)) for t in ended]


def after(n_trials):
    """A `should_stop` that waits for so many trials, and an `ended` that counts them."""
    ended = []
    return (lambda: len(ended) >= n_trials), ended.append


def test_a_budget_in_trials_is_kept_and_the_first_trial_has_the_defaults(folder):
    search = Search(folder, {**LINEAR, "trials": 4})
    best = search.run()
    found = search.trials()
    assert [trial.number for trial in found] == [0, 1, 2, 3]
    defaults = models.model("linear").Settings().to_dict()
    assert found[0].settings == {name: defaults[name] for name in found[0].settings}
    assert set(found[0].settings) == {info.name for info in settings_search.searchable("linear")}
    assert len({json.dumps(dict(trial.settings)) for trial in found}) == 4
    scores = [trial.score for trial in found if trial.score is not None]
    assert best.score == max(scores) >= found[0].score
    assert best == trials.best(found)


def test_every_suggestion_lies_in_the_declared_range(folder):
    search = Search(folder, {**LINEAR, "trials": 6})
    search.run()
    low, high = models.model("linear").Settings.info("strength").search
    for trial in search.trials()[1:]:
        assert low <= trial.settings["strength"] <= high
        assert trial.settings["class_weights"] in (False, True)


def test_a_budget_in_minutes_ends_the_search_within_the_trial_that_uses_it_up(folder, monkeypatch):
    """By a clock that goes on by 20 s whenever it is looked at."""
    now = [0.0]

    def monotonic():
        now[0] += 20.0
        return now[0]

    monkeypatch.setattr(settings_search, "time", SimpleNamespace(monotonic=monotonic))
    search = Search(folder, {**LINEAR, "minutes": 10})
    search.run()
    assert 1 <= len(search.trials()) < 20
    assert sum(trial.seconds for trial in search.trials()) <= 600
    n = len(search.trials())
    again = Search(folder, {**LINEAR, "minutes": 10})
    before = sum(trial.seconds for trial in again.trials())
    again.run()
    # What was used up before counts; only what is left of it is searched for.
    assert sum(trial.seconds for trial in again.trials()) <= 600
    assert len(again.trials()) - n <= (600 - before) / 20


def test_it_is_stopped_at_any_time_and_goes_on_as_if_it_had_not_been(folder, tmp_path):
    whole = Search(tmp_path / "whole", {**LINEAR, "trials": 4})
    whole.run()
    should_stop, ended = after(2)
    stopped = Search(folder, {**LINEAR, "trials": 4})
    best = stopped.run(should_stop=should_stop, ended=ended)
    assert [trial.number for trial in stopped.trials()] == [0, 1]
    assert best == trials.best(stopped.trials())
    # A writer that was killed left half a line: that trial is tried again.
    with (folder / "trials.jsonl").open("a") as file:
        file.write('{"number": 2, "settings": {"tre')
    Search(folder, {**LINEAR, "trials": 4}).run()
    assert without_times(Search(folder, {**LINEAR, "trials": 4}).trials()) == without_times(
        whole.trials()
    )


def test_the_trial_under_way_is_dropped_by_a_stop(folder):
    class Impatient:
        asked = 0

        def __call__(self):
            self.asked += 1
            return self.asked > 2  # within the first trial's epochs

    search = Search(folder, {**FOREST, "trials": 4})
    assert search.run(should_stop=Impatient()) is None
    assert search.trials() == []
    with pytest.raises(RunError, match="No trial has finished"):
        search.make_run()


def test_more_trials_than_before_go_on_with_those_there_are(folder):
    Search(folder, {**LINEAR, "trials": 2}).run()
    before = trials.read(folder)
    search = Search(folder, {**LINEAR, "trials": 3, "name": "found"})
    search.run()
    assert search.trials()[:2] == before
    assert len(search.trials()) == 3


@pytest.mark.parametrize("change", [{"model": "forest"}, {"seed": 1}, {"split": "random"}])
def test_trials_of_another_search_are_not_gone_on_with(change, folder):
    search = Search(folder, {**LINEAR, "seed": 0, "split": "artist", "trials": 1})
    search.run()
    other = {**LINEAR, "seed": 0, "split": "artist", "trials": 1, **change}
    with pytest.raises(RunError, match=f"another {next(iter(change))}. Begin a new search"):
        Search(folder, other)
    assert len(search.trials()) == 1


def test_trials_on_a_data_set_that_was_imported_again_are_not_gone_on_with(folder, tmp_path):
    Search(folder, {**LINEAR, "trials": 1}).run()
    info = datasets.open("small").folder / "dataset.json"
    values = json.loads(info.read_text())
    info.write_text(json.dumps(values | {"created": "2020-01-01T00:00:00+00:00"}))
    with pytest.raises(RunError, match="another dataset_created"):
        Search(folder, {**LINEAR, "trials": 1})


def test_a_search_that_an_earlier_version_began_goes_on(folder):
    """It wrote only what it was asked for, without what was at its default."""
    Search(folder, {**LINEAR, "trials": 2}).run()
    values = json.loads((folder / "search.json").read_text())
    kept = ("dataset_name", "model", "dataset_created")
    (folder / "search.json").write_text(json.dumps({name: values[name] for name in kept}))
    before = trials.read(folder)
    search = Search(folder, {**LINEAR, "trials": 3})
    search.run()
    assert search.trials()[:2] == before
    assert len(search.trials()) == 3


def test_a_damaged_search_is_named(folder):
    Search(folder, {**LINEAR, "trials": 1}).run()
    (folder / "search.json").write_text("{")
    with pytest.raises(RunError, match=r"search\.json of this search cannot be read"):
        Search(folder, {**LINEAR, "trials": 1})


def test_the_best_becomes_a_normal_run_that_reaches_its_score(folder):
    from genre_engine import metrics

    search = Search(folder, {**LINEAR, "trials": 3, "name": "found"})
    best = search.run()
    run = search.make_run()
    assert (run.name, run.status, run.config.origin) == ("found", "queued", "tuning")
    assert best.settings.items() <= run.config.settings.items()
    training.train(run)
    assert run.status == "finished"
    parts = run.parts().set_index("track_id")["half"]
    predicted = run.predictions("validation")
    selecting = [parts[name] == "selecting" for name in predicted.track_ids]
    score = metrics.average_precision_macro(predicted.y[selecting], predicted.p[selecting])
    assert score == pytest.approx(best.score, abs=1e-6)
    with pytest.raises(RunExists):
        search.make_run()


@pytest.mark.parametrize(
    ("request_", "match"),
    [
        ({**LINEAR, "trials": 0}, "1 to 1000 trials, not 0"),
        ({**LINEAR, "minutes": 0}, "up to 10080 minutes, not 0"),
        ({**LINEAR, "model": "linaer"}, "Did you mean 'linear'"),
        ({**LINEAR, "genres": "polka,rock"}, "no genre 'polka'"),
    ],
)
def test_what_cannot_be_searched_is_refused_and_nothing_is_written(request_, match, folder):
    with pytest.raises(WrongUsage, match=match):
        settings_search.check(request_)
    with pytest.raises(WrongUsage, match=match):
        Search(folder, request_)
    assert not folder.exists()


def test_trials_that_fail_are_kept_and_three_of_them_end_the_search(folder, monkeypatch):
    def diverge(*_, **__):
        raise ModelError("The numbers overflowed. Choose a smaller learning rate.")

    monkeypatch.setattr(Linear, "fit", diverge)
    search = Search(folder, {**LINEAR, "trials": 9})
    with pytest.raises(ModelError, match=r"first trials all failed\. The numbers overflowed"):
        search.run()
    assert [trial.state for trial in search.trials()] == ["failed"] * 3
    assert search.best() is None


def test_one_failed_trial_does_not_end_the_search(folder, monkeypatch):
    fit, calls = Linear.fit, []

    def sometimes(self, *arguments, **options):
        calls.append(self)
        if len(calls) == 2:
            raise ModelError("It diverged.")
        return fit(self, *arguments, **options)

    monkeypatch.setattr(Linear, "fit", sometimes)
    search = Search(folder, {**LINEAR, "trials": 3})
    search.run()
    assert [trial.state for trial in search.trials()] == ["finished", "failed", "finished"]
    assert search.trials()[1].message == "It diverged."


def test_a_full_disk_is_reported_and_the_trials_before_it_stay(folder, monkeypatch):
    search = Search(folder, {**LINEAR, "trials": 3})
    write = trials.add

    def full(folder, trial):
        if trial.number == 1:
            with settings_search.workspace.storage_errors(folder):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(folder, trial)

    with monkeypatch.context() as patch:
        patch.setattr(trials, "add", full)
        with pytest.raises(StorageError, match="is full"):
            search.run()
    assert len(search.trials()) == 1
    search.run()
    assert len(search.trials()) == 3


def test_progress_names_trials_and_the_best(folder):
    said = []
    search = Search(folder, {**LINEAR, "trials": 2})
    search.run(progress=lambda done, total, text: said.append((done, total, text)))
    assert all(0 <= done <= total for done, total, _ in said)
    assert said[0][2] == "Trial 1 of 2"
    assert said[-1][2].startswith("Trial 2 of 2, the best so far 0.")
    assert runs.listing() == []

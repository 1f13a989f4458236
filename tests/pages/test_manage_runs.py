"""The Compare page: seeds as one row, runs that are managed, and the pretrained networks."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from genre_engine import datasets, jobs, runs
from genre_engine.errors import JobError
from genre_engine.evaluation import repeats
from genre_engine.jobs import queue, worker
from genre_engine.prediction import reference
from genre_engine.storage import owners
from pages.components.compare import repeat
from tests import sounds
from tests import stub_networks as stubs
from tests.finished_runs import finished

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")

pytestmark = pytest.mark.usefixtures("workspace")


def compare():
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("pages/compare.py").run()
    assert not app.exception
    return app


def said(app):
    kinds = ("markdown", "header", "subheader", "info", "error", "title", "warning", "success")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind)).replace("\\", "")


def tables(app, column):
    return [table.value for table in app.dataframe if column in table.value]


def select(app, *found):
    app.multiselect(key="managed").set_value([run.id for run in found]).run()
    assert not app.exception
    return app


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception
    return app


def fold_report(run, sd=0.05):
    run.write_json(
        "report.json",
        run.report()
        | {
            "cross_validation": {
                "folds": 5,
                "repeats": 1,
                "mean": {"average_precision": 0.6, "f1": 0.5},
                "sd": {"average_precision": sd, "f1": 0.04},
            }
        },
    )


def test_seeds_are_one_row_with_mean_and_spread_and_open_into_single_ones():
    made = [finished(f"fcn-{s}", config_seed=s, seed=s + 1) for s in range(3)]
    finished("linear", model="linear", skill=0.9)
    app = compare()
    (board,) = tables(app, "Place")
    assert board["Run"].tolist() == ["linear", "fcn-0"]
    values = [run.report()["validation"]["average_precision"]["macro"] for run in made]
    row = board.iloc[1]
    assert row["Macro average precision"] == pytest.approx(np.mean(values))
    assert row["±"] == pytest.approx(np.std(values, ddof=1))
    assert row["Over"] == "3 seeds"
    app.toggle(key="each-seed").set_value(True).run()
    (board,) = tables(app, "Place")
    assert board["Run"].tolist()[1:] == [
        "fcn-0",
        *(f"· fcn-{seed}, seed {seed}" for seed in range(3)),
    ]
    assert board["Place"].isna().tolist() == [False, False, True, True, True]


def test_a_cross_validated_run_is_one_row_with_its_spread_over_folds():
    fold_report(finished("folds"))
    (board,) = tables(compare(), "Place")
    row = board.iloc[0]
    assert (row["Run"], row["Over"]) == ("folds", "5 folds")
    assert row["±"] == pytest.approx(0.05)


def test_a_run_is_renamed_and_stays_selected_and_compared():
    one, other = finished("one"), finished("other", seed=4)
    app = select(compare(), one)
    app.text_input(key=f"rename-{one.id}").set_value("baseline")
    press(app, "Save name")
    assert runs.open(one.id).name == "baseline"
    assert app.multiselect(key="managed").value == [one.id]
    assert "baseline" in said(app)
    # A name that is taken, or can't be one, is refused in words.
    app.text_input(key=f"rename-{one.id}").set_value("other")
    press(app, "Save name")
    assert "There is a run 'other' already" in said(app)
    app.text_input(key=f"rename-{one.id}").set_value("a/b")
    press(app, "Save name")
    assert "can't be a name" in said(app)
    assert {run.name for run in runs.listing()} == {"baseline", other.name}


def test_notes_and_tags_are_written_and_the_page_shows_only_what_is_tagged():
    one, _, third = finished("one"), finished("other", seed=4), finished("third", seed=5)
    app = select(compare(), one)
    app.text_area(key=f"note-{one.id}").set_value("the one to beat")
    press(app, "Save note")
    assert one.notes().note == "the one to beat"
    runs.tag(one, ["old"])
    app = select(compare(), one, third)
    box = next(b for b in app.multiselect if b.label.startswith("Tags that all 2"))
    assert box.value == []
    box.set_value(["old"])
    press(app, "Save tags")
    assert (one.notes().tags, third.notes().tags) == (("old",), ("old",))
    (managed,) = tables(app, "Status")
    assert managed.set_index("Run")["Note"]["one"] == "the one to beat"
    app.button_group(key="tagged").set_value(["old"]).run()
    assert not app.exception
    (board,) = tables(app, "Place")
    assert set(board["Run"]) == {"one", "third"}
    (managed,) = tables(app, "Status")
    assert set(managed["Run"]) == {"one", "third"}
    select(app, one, third)
    box = next(b for b in app.multiselect if b.label.startswith("Tags that all 2"))
    assert box.value == ["old"]
    box.set_value([])
    press(app, "Save tags")
    assert one.notes().tags == third.notes().tags == ()
    assert len(tables(app, "Place")[0]) == 3


def test_removed_runs_come_back_with_undo_and_later_from_the_trash():
    one, other = finished("one"), finished("other", seed=4)
    app = select(compare(), one, other)
    assert "Remove these 2 runs" in said(app)
    press(app, "Yes, remove")
    assert runs.listing() == []
    assert "Removed" in said(app)
    press(app, "Undo")
    assert {run.id for run in runs.listing()} == {one.id, other.id}
    press(select(app, one), "Yes, remove")
    app = compare()  # another visit has no undo, but the trash
    assert "Undo" not in [button.label for button in app.button]
    press(app, "Bring back one")
    assert runs.open("one").id == one.id


def test_the_selected_runs_are_compared_on_request():
    made = [finished(name, seed=n) for n, name in enumerate(("one", "two", "three"))]
    app = select(compare(), made[0], made[1])
    press(app, "Compare these")
    assert sorted(app.multiselect(key="compared").value) == ["one", "two"]


def test_runs_that_are_damaged_or_failed_can_be_removed_here():
    finished("one")
    broken = finished("broken")
    (broken.folder / "config.json").write_text("{")
    app = select(compare(), runs.open(broken.id, damaged=True))
    labels = [button.label for button in app.button]
    assert "Save name" not in labels
    press(app, "Yes, remove")
    assert [run.name for run in runs.listing()] == ["one"]


def test_hostile_notes_and_tags_are_text():
    run = finished("one")
    runs.annotate(run, note="<b>x</b> [a](http://x)", tags=["**x**", "$y$"])
    app = compare()
    (managed,) = tables(app, "Status")
    assert managed["Note"].tolist() == ["<b>x</b> [a](http://x)"]
    assert len(app.get("button_group")) >= 1


def test_on_a_shared_server_only_ones_own_runs_are_offered(monkeypatch):
    nobodys = finished("nobodys")
    monkeypatch.setenv(owners.VARIABLE, "1")
    app = compare()
    assert "None of these runs is yours" in said(app)
    assert tables(app, "Status") == []
    assert tables(app, "Place")[0]["Run"].tolist() == ["nobodys"]
    with owners.acting_for(app.session_state["visit-owner"]):
        mine = finished("mine", seed=4)
    app.run()
    (managed,) = tables(app, "Status")
    assert managed["Run"].tolist() == ["mine"]
    select(app, mine)
    assert not any(button.label.startswith("Train ") for button in app.button)
    press(app, "Yes, remove")
    assert [run.id for run in runs.listing()] == [nobodys.id]


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """Loud rock and quiet pop, with stand-ins for the networks that know one from the other."""

    def by_level(network, patches):
        loud = patches.mean(axis=(1, 2)) > 0.3
        found = {"rock": np.where(loud, 0.9, 0.05), "pop": np.where(loud, 0.05, 0.9)}
        return {tag: values for tag, values in found.items() if tag in network.tags}

    stubs.install(monkeypatch, by_level)
    for genre, level in (("rock", 0.3), ("pop", 0.01), ("polka", 0.01)):
        (tmp_path / "clips" / genre).mkdir(parents=True)
        for number in range(8):
            samples = sounds.chords(4.0, level=level) + 1e-5 * number
            place = tmp_path / "clips" / genre / f"{number}.wav"
            soundfile.write(place, samples.astype(np.float32), 16000)
    return datasets.import_folder("mine", tmp_path / "clips", jobs=1)


def run_on(dataset, genres, name="run"):
    tracks = dataset.tracks[[set(one) <= set(genres) for one in dataset.tracks["genres"]]]
    y = np.array([[genre in one for genre in genres] for one in tracks["genres"]], np.uint8)
    ids = tracks["track_id"].tolist()
    return finished(name, ids=ids, genres=genres, y=y, artists=0, dataset=dataset.name)


def open_forms(app):
    for expander in app.expander:
        if str(expander.key).startswith("reference-"):
            app.session_state[expander.key] = True
    app.run()
    assert not app.exception
    return app


def work():
    """Do what is in the queue, in this process."""
    for job in queue.startable():
        with queue.claimed(job.id) as claimed:
            worker._work(worker.Reporter(claimed))


def test_the_pretrained_networks_become_a_row_of_the_board(clips, monkeypatch):
    run_on(clips, ("pop", "rock"))
    run_on(clips, ("polka", "rock"), "another-board")
    monkeypatch.setattr(jobs, "supervisor", lambda: None)
    app = open_forms(compare())
    assert "MagnaTagATune" in said(app)
    assert "know 1 of these 2 genres" in said(app)
    press(app, "Judge the three fast ones")
    assert [button.label for button in app.button].count("Stop") == 1
    buttons = [button for button in app.button if button.label.startswith("Judge")]
    assert all(button.disabled for button in buttons)
    (job,) = [job for job in jobs.listing() if job.kind == "reference"]
    assert job.status == "queued"
    work()
    assert jobs.open(job.id).status == "finished"
    app.run()
    assert not app.exception
    (board,) = [b for b in tables(app, "Place") if "run" in b["Run"].tolist()]
    row = board.set_index("Run").loc["Pretrained, fast three"]
    assert row["Macro average precision"] == pytest.approx(1.0)
    assert row["Place"] == 1
    assert "About the pretrained networks" in said(app)
    assert "three fast ones judged" in said(app)


def test_on_some_of_the_genres_networks_and_runs_stand_apart(clips):
    run = run_on(clips, ("polka", "pop", "rock"))
    reference.score(run, "fast")
    app = open_forms(compare())
    assert tables(app, "Place")[0]["Run"].tolist() == ["run"]
    assert "On the 2 of 3 genres that the pretrained networks know (not polka)" in said(app)
    (apart,) = [
        table
        for table in tables(app, "Run")
        if "Place" not in table and "Pretrained, fast three" in table["Run"].tolist()
    ]
    assert set(apart["Run"]) == {"run", "Pretrained, fast three"}
    assert "don't know polka" in said(app)


def test_without_audio_or_known_genres_a_sentence_says_so():
    finished("run", genres=("jazz", "rock", "techno"), dataset="gone")
    assert "isn't here any more" in said(open_forms(compare()))
    finished("other", genres=("a", "b", "c"), dataset="gone", ids=[f"x{n}" for n in range(90)])
    (run,) = [run for run in runs.listing() if run.name == "other"]
    assert "know none of these 3 genres" in reference.obstacle(run)


def test_a_reference_that_cannot_be_made_is_refused_before_it_waits(clips):
    run = run_on(clips, ("pop", "rock"))
    jobs.submit("reference", {"run": run.id, "model": "fast"})
    with pytest.raises(JobError, match="already"):
        jobs.submit("reference", {"run": run.id, "model": "full"})


def test_five_seeds_are_those_that_the_recipe_lacks(workspace):
    from genre_engine import training
    from tests.training.conftest import import_table

    import_table(workspace.parent)
    made = runs.create(training.new_config("small", model="linear", name="first", seed=2))
    wanted = repeat.requests(made)
    assert [request.seed for request in wanted] == [0, 1, 3, 4]
    for request in wanted:
        config = training.config_of(request)
        assert repeats.recipe(config) == repeats.recipe(made.config)
        runs.create(config)
    assert repeat.requests(made) == []


def test_the_queue_gets_four_more_trainings(workspace, monkeypatch):
    from genre_engine import training
    from tests.training.conftest import import_table

    import_table(workspace.parent)
    run = training.train(runs.create(training.new_config("small", model="linear", name="first")))
    monkeypatch.setattr(jobs, "supervisor", lambda: None)
    app = select(compare(), run)
    press(app, "Train 4 more")
    assert "4 trainings are in the queue" in said(app)
    assert sorted(one.config.seed for one in runs.listing()) == [0, 1, 2, 3, 4]
    assert {job.kind for job in jobs.listing()} == {"training"}
    assert json.loads((run.folder / "config.json").read_text())["seed"] == 0

"""The Train page, through Streamlit's own test client; and what it is made of."""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from genre_engine import datasets, jobs, models, runs, training
from genre_engine.figures import Curves, training_curve, training_curve_alt, tuning_trials
from genre_engine.training import TrainingRequest
from pages.components.shared import live_plot
from pages.components.train import request_text
from pages.components.train import settings as train_settings
from pages.components.train import start as train_start
from pages.components.train.tail import Tail
from tests.extracted import make_music, write_features

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")


@pytest.fixture(autouse=True)
def _fresh(workspace, monkeypatch):
    """Every test has a workspace of its own; nothing is started, for nobody starts what waits."""
    monkeypatch.setattr("genre_engine.jobs.supervisor", lambda: None)


@pytest.fixture
def mine(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "features.csv"
    lines = ["track_id,artist,a,b,c,genre"]
    for n in range(60):
        values = rng.normal(n % 3, 1, 3)
        genres = ("rock", "jazz", "pop;rock")[n % 3]
        lines.append(f"song {n:02},artist {n % 12},{','.join(f'{v:.3f}' for v in values)},{genres}")
    path.write_text("\n".join(lines))
    return datasets.import_table("mine", path, label="genre", label_separator=";", group="artist")


def train(**params):
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("pages/train.py")
    for name, value in params.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def said(app):
    kinds = ("markdown", "header", "info", "error", "title", "success", "warning")
    text = "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind))
    return text.replace("\\", "")


def button(app, label):
    return next(b for b in app.button if b.label == label)


def start(app):
    app.button(key="train-go").click().run()
    assert not app.exception
    return app


def a_run(status="finished", epochs=(0.7, 0.5, 0.6), **said_at_end):
    """A run as a training would have left it."""
    run = runs.create(training.new_config("mine", settings={"epochs": 9}), "cli")
    with run.writing() as events:
        events.write("status", status="running", message="Training")
        for number, loss in enumerate(epochs, 1):
            events.write("epoch", **an_epoch(number, loss, best=loss == min(epochs)))
        events.write("status", status=status, **{"message": "", **said_at_end})
    return run


def an_epoch(number, loss, *, best=False, epochs=9):
    return {
        "epoch": number,
        "epochs": epochs,
        "loss": loss + 0.01,
        "val_loss": loss,
        "accuracy": 0.8,
        "val_accuracy": 0.7,
        "auc": 0.9,
        "val_auc": 0.8,
        "best": best,
        "seconds": 0.1,
    }


def test_without_a_data_set_it_offers_to_make_the_demo():
    app = train()
    assert "nothing to train on yet" in said(app)
    assert [b.label for b in app.button] == ["Make the demo set"]


def test_the_sliders_are_the_model_s_own_declaration(mine):
    app = train()
    for info in models.model("fcn").Settings.describe():
        if info.main and info.type in ("int", "float") and not info.log:
            slider = app.slider(key=train_settings.key("fcn", info.name))
            assert (slider.min, slider.max, slider.value) == (info.low, info.high, info.default)
    assert sum(info.main for info in models.model("fcn").Settings.describe()) <= 5


def test_a_changed_setting_is_marked_stands_in_the_address_and_reset_takes_it_back(mine):
    app = train()
    key = train_settings.key("fcn", "dropout")
    app.slider(key=key).set_value(0.4).run()
    assert "●" in app.slider(key=key).label
    assert app.query_params["set"] == "dropout:0.4"
    assert "--set dropout=0.4" in app.code[0].value
    button(app, "Reset").click().run()
    assert app.slider(key=key).value == 0.3
    assert "set" not in app.query_params


@pytest.mark.parametrize("name", models.NAMES)
def test_every_model_has_its_settings_and_presets_on_the_page(mine, name):
    app = train(model=name, data="mine")
    for preset in models.model(name).PRESETS:
        button(app, preset.capitalize()).click().run()
        assert not app.exception
        settings = models.model(name).Settings
        wanted = settings.from_dict(models.model(name).PRESETS[preset]).changed()
        choice = request_text.read({"model": name, "set": app.query_params.get("set", "")})
        assert settings.from_dict(choice.settings).changed() == wanted


def test_the_course_project_s_preset_takes_only_tracks_with_the_chosen_genres(mine):
    app = train()
    button(app, "Course project").click().run()
    assert app.query_params["rule"] == "only"


def test_a_link_brings_the_whole_choice_back(mine):
    app = train(data="mine", model="linear", split="random", genres="jazz,rock", seed="5")
    assert app.selectbox(key="train-model").value == "linear"
    assert app.selectbox(key="train-split").value == "random"
    assert app.multiselect(key="train-genres").value == ["jazz", "rock"]
    assert "--genres jazz,rock --split random --seed 5" in app.code[0].value


def test_an_address_with_nonsense_opens_the_page(mine):
    app = train(data="mine", model="oracle", split="none", seed="x", set="a:b dropout:7 epochs:3")
    assert app.selectbox(key="train-model").value == "fcn"
    assert app.slider(key=train_settings.key("fcn", "epochs")).value == 3


def test_layers_that_make_no_sense_are_refused_in_place(mine):
    app = train()
    app.text_input(key=train_settings.key("fcn", "layers")).set_value("many").run()
    assert "layers" in said(app)
    assert app.button(key="train-go").disabled


def test_start_makes_a_queued_run_with_the_choice(mine):
    app = train(data="mine", set="dropout:0.3 epochs:5")
    start(app)
    (run,) = runs.listing()
    assert (run.status, run.config.origin) == ("queued", "app")
    assert (run.config.settings["dropout"], run.config.settings["epochs"]) == (0.3, 5)
    assert app.query_params["run"] == run.id
    assert "Waiting in the queue, next" in said(app)
    button(app, "Cancel").click().run()
    assert run.status == "cancelled"


def test_how_long_it_takes_is_estimated_from_earlier_ones_of_the_same_size(mine):
    run = a_run()
    parts = {"track_id": ["a", "b"], "part": "train", "half": "", "artist": "", "group": 0}
    pd.DataFrame(parts).to_parquet(run.folder / "parts.parquet")
    train_start._seconds_per_track.clear()
    # 0.1 s an epoch for two tracks: 60 tracks, 9 epochs, and the start.
    assert "training at most 35 s" in said(train(data="mine", set="dropout:0.3 epochs:9"))
    other = said(train(data="mine", set="layers:2048,2048"))
    assert "training at most" not in other
    assert "the time left shows after the first epoch" in other


def test_a_finished_run_shows_its_verdict_and_the_ways_on(mine):
    run = a_run(message="Macro F1 0.41 on validation")
    app = train(run=run.id)
    text = said(app)
    assert "Macro F1 0.41" in text
    assert "**Loss 0.500** · train" in text
    assert "  \n:gray[epoch 2, kept]" in text
    button(app, "Train again with changes").click().run()
    assert app.slider(key=train_settings.key("fcn", "epochs")).value == 9


def test_a_crash_is_said_in_words_and_can_be_resumed(mine):
    run = a_run("failed", message="It failed with OSError: gone (the whole of it is in log.txt).")
    app = train(run=run.id)
    assert "It failed with OSError" in app.error[0].value.replace("\\", "")
    assert button(app, "Resume")


def test_an_unknown_run_is_said_and_leads_back(mine):
    app = train(run="nothing")
    assert "There is no run" in said(app)
    button(app, "All trainings").click().run()
    assert button(app, "Start")


def test_a_search_goes_into_the_queue(mine):
    app = train(data="mine")
    app.number_input(key="train-budget-trials").set_value(3).run()
    app.button(key="train-search").click().run()
    assert not app.exception
    assert "Tune fcn on mine" in said(app)
    assert "Waiting in the queue" in said(app)


def test_a_choice_survives_its_address_and_its_run(mine):
    choice = TrainingRequest(
        "mine",
        model="fcn",
        genres="jazz,rock",
        rule="only",
        split="random:train=0.6,validation=0.2,test=0.2",
        seed=3,
        settings={"layers": [64, 32], "dropout": 0.25, "batch_norm": True},
    )
    assert request_text.read(request_text.params(choice)) == choice
    config = training.config_of(choice)
    again = request_text.of_run(config)
    assert replace(again, settings={}) == TrainingRequest(
        "mine", features="table", genres="jazz,rock", rule="only",
        split="random:train=0.6,validation=0.2,test=0.2", seed=3,
    )  # fmt: skip
    assert again.settings == choice.settings
    assert (
        request_text.sentence(config) == "FCN on mine, 2 genres, random split, the table's features"
    )


@pytest.fixture
def music(tmp_path):
    return make_music(tmp_path)


def test_features_made_with_other_parameters_are_named_and_can_be_chosen(music):
    write_features(music, excerpt_s=15.0)
    app = train(data="music", model="linear")
    assert button(app, "Extract features, then train")
    assert "made with other parameters (excerpt_s 15 there, 30 here)" in said(app)
    assert "extract music --features summary\n" in app.code[0].value
    chosen = app.selectbox(key="train-features")
    assert "498 features of 15 s" in chosen.options
    chosen.select("498 features of 15 s").run()
    assert app.query_params["excerpt"] == "15"
    assert "--excerpt 15" in app.code[0].value
    assert button(app, "Start")
    start(app)
    (run,) = runs.listing()
    assert run.config.features["parameters"]["excerpt_s"] == 15.0
    assert "498 features of 15 s" in request_text.sentence(run.config)


def test_a_link_asks_for_an_excerpt_and_nonsense_is_passed_over(music):
    write_features(music)
    app = train(data="music", model="linear", excerpt="full")
    assert app.selectbox(key="train-features").value == ("summary", "full")
    assert button(app, "Extract features, then train")
    assert "(excerpt_s 30 there, full here)" in said(app)
    assert "--excerpt full" in app.code[0].value
    start(app)
    (job,) = jobs.listing()
    assert (job.status, job.request["excerpt_s"]) == ("queued", None)
    app = train(data="music", model="linear", excerpt="-3")
    assert "excerpt" not in app.query_params
    assert button(app, "Start")


def test_a_choice_of_whole_tracks_survives_its_address():
    choice = TrainingRequest("music", model="linear", excerpt_s=None)
    assert request_text.read(request_text.params(choice)) == choice
    assert request_text.params(choice)["excerpt"] == "full"
    assert "--excerpt full" in request_text.command(choice)
    searched = request_text.command(choice, "tune", "--trials", "5")
    assert "tune" in searched
    assert "--excerpt full" in searched
    assert searched.endswith("--trials 5")
    assert "--set" not in searched
    assert choice.to_dict()["excerpt_s"] is None
    assert request_text.read({"data": "music"}).to_dict()["excerpt_s"] == 30.0


def test_a_tail_reads_only_what_is_new_and_takes_back_what_a_resume_repeats(mine):
    run = a_run("paused")
    known = Tail(run)
    known.read()
    assert [event["epoch"] for event in known.epochs] == [1, 2, 3]
    read = known.offset
    with run.writing() as events:
        events.write("epoch", **an_epoch(3, 0.4, best=True))
        events.write("batch", epoch=4, epochs=9, batch=1, batches=4, loss=0.3)
    known.read()
    assert known.offset > read
    shown = known.curves(ended=False)
    assert [event["val_loss"] for event in shown.epochs] == [0.7, 0.5, 0.4]
    assert shown.now == pytest.approx(3.25)
    assert shown.best["epoch"] == 3


def some_curves(**options):
    epochs = [an_epoch(1, 0.7), an_epoch(2, 0.5, best=True), an_epoch(3, 0.6)]
    return Curves(epochs, 9, **options)


def traces(figure):
    return {trace["name"]: trace for trace in json.loads(figure.to_json())["data"]}


def test_a_curve_has_train_dashed_validation_solid_and_a_star_at_the_best():
    found = traces(training_curve(some_curves(), "loss", no_skill=0.65))
    assert found["train"]["line"]["dash"] == "dash"
    assert found["validation"]["line"]["dash"] == "solid"
    assert found["validation"]["y"] == [0.7, 0.5, 0.6]
    assert (found["best"]["x"], found["best"]["y"]) == ([2], [0.5])
    assert found["no skill"]["y"] == [0.65, 0.65]


def test_a_loss_grows_during_the_epoch_and_the_axis_stays():
    batch = {"epoch": 4, "epochs": 9, "batch": 5, "batches": 10, "loss": 0.42}
    before = training_curve(some_curves(), "loss")
    during = training_curve(some_curves(batch=batch), "loss")
    assert traces(during)["train"]["x"][-1] == 3.5
    assert traces(during)["train"]["y"][-1] == 0.42
    assert traces(training_curve(some_curves(batch=batch), "auc"))["train"]["x"] == [1, 2, 3]
    assert before.layout.xaxis.range == during.layout.xaxis.range


def test_a_batch_of_an_epoch_that_was_taken_back_is_not_drawn():
    late = {"epoch": 8, "epochs": 9, "batch": 5, "batches": 10, "loss": 0.42}
    assert some_curves(batch=late).now is None


def test_early_stopping_is_marked_and_a_full_course_is_not():
    texts = [
        note.text for note in training_curve(some_curves(ended=True), "loss").layout.annotations
    ]
    assert "stopped at 3" in texts
    # The axis ends soon after it: what never came takes no room.
    assert training_curve(some_curves(ended=True), "loss").layout.xaxis.range[1] < 9
    whole = Curves([an_epoch(n, 0.5, epochs=2) for n in (1, 2)], 2, ended=True)
    notes = training_curve(whole, "loss").layout.annotations
    assert not [note.text for note in notes if note.text.startswith("stopped")]


def test_doing_nothing_has_its_name_where_no_curve_ends():
    def side(no_skill):
        figure = training_curve(some_curves(ended=True), "loss", no_skill=no_skill)
        (note,) = [n for n in figure.layout.annotations if n.text == "no skill"]
        return note.xanchor

    assert side(2.0) == "right"
    assert side(0.61) == "left"  # validation ends at 0.6


def test_before_the_first_epoch_no_axis_reaches_below_zero():
    for quantity in ("loss", "accuracy", "auc"):
        axis = training_curve(Curves([], 9), quantity, no_skill=0.7).layout.yaxis
        assert axis.range[0] == 0
        assert axis.range[1] >= 1
    assert training_curve(some_curves(), "loss").layout.yaxis.range is None


def test_few_epochs_or_trials_have_whole_numbers_only():
    assert training_curve(some_curves(), "loss").layout.xaxis.dtick == 1
    assert training_curve(Curves([], 64), "loss").layout.xaxis.dtick == 1
    assert training_curve(Curves([], 64, ended=True), "loss").layout.xaxis.dtick is None


@pytest.mark.parametrize(
    ("done", "most", "ended", "span"),
    [
        (0, 1000, False, 10),
        (8, 1000, False, 10),
        (9, 1000, False, 20),
        (125, 1000, False, 200),
        (5, 9, False, 9),
        (125, 1000, True, 201),
    ],
)
def test_the_axis_of_epochs_grows_in_steps(done, most, ended, span):
    epochs = [an_epoch(done, 0.5)] if done else []
    assert Curves(epochs, most, ended=ended).span == span


def test_few_trials_have_whole_numbers_only():
    assert tuning_trials([0.3, None, 0.2, 0.5], "Score").layout.xaxis.dtick == 1


def test_an_undefined_auc_leaves_a_gap_and_no_star():
    epochs = [{**an_epoch(1, 0.7, best=True), "val_auc": None}]
    found = traces(training_curve(Curves(epochs, 9), "auc"))
    assert "best" not in found
    assert not found["validation"].get("x")


def test_the_curve_in_words_says_what_the_picture_does():
    text = training_curve_alt(some_curves(), "loss", 0.65)
    assert "after epoch 3 of at most 9" in text
    assert "epoch 2 is the best, 0.50" in text
    assert "no skill reaches 0.65" in text


def test_trials_have_the_best_so_far_as_a_line_and_no_point_for_those_given_up():
    found = traces(tuning_trials([0.3, None, 0.2, 0.5], "Score"))
    assert found["trial"]["x"] == [1, 3, 4]
    assert found["best so far"]["y"] == [0.3, 0.3, 0.5]


def test_plotly_js_is_put_where_it_is_served_from_once(tmp_path):
    source = tmp_path / "source.js"
    source.write_text("first")
    place = tmp_path / "static" / "plotly.min.js"
    assert live_plot.put(source, place)
    stamp = place.stat().st_mtime_ns
    time.sleep(0.01)
    assert live_plot.put(source, place)
    assert place.stat().st_mtime_ns == stamp
    source.write_text("a newer one")
    assert live_plot.put(source, place)
    assert place.read_text() == "a newer one"
    assert [path.name for path in place.parent.iterdir()] == ["plotly.min.js"]


def test_a_read_only_deployment_is_noticed_and_nothing_breaks(tmp_path, caplog):
    source = tmp_path / "source.js"
    source.write_text("first")
    (tmp_path / "static").write_text("a file where a folder should be")
    assert not live_plot.put(source, tmp_path / "static" / "plotly.min.js")
    assert "can't be written" in caplog.text


def test_a_shared_server_shows_no_other_visitor_s_private_runs(mine, monkeypatch):
    run = a_run()
    (run.folder / "hosted.json").write_text('{"owner": "someone", "private": true}')
    assert "Earlier trainings" in said(train())
    monkeypatch.setenv("GENRE_ENGINE_HOSTED", "1")
    assert "Earlier trainings" not in said(train())
    assert "There is no run" in said(train(run=run.id))


def test_folds_are_proposed_for_a_small_data_set_and_it_says_why(mine):
    app = train(data="mine")
    assert "tracks are few" in said(app)
    app.button(key="train-use-folds").click().run()
    assert app.selectbox(key="train-split").value == "artist-kfold"
    assert "each track is judged once" in said(app)
    assert "--split artist-kfold" in app.code[0].value
    app.selectbox(key="train-split").set_value("artist").run()
    assert app.selectbox(key="train-split").value == "artist"


def test_a_folder_of_few_songs_is_offered_the_embedding_and_a_simple_model(tmp_path):
    for n in range(12):
        path = tmp_path / "music" / ("jazz", "rock")[n % 2] / f"{n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.sin(np.arange(8000) * (n + 1) / 40) / 2, 8000)
    datasets.import_folder("few", tmp_path / "music")
    app = train(data="few")
    assert "12 tracks are few" in said(app)
    app.button(key="train-use-folds").click().run()
    assert app.selectbox(key="train-model").value == "linear"
    assert app.selectbox(key="train-features").value == ("embedding", "")
    assert app.selectbox(key="train-split").value == "kfold"
    assert "each track is judged once" in said(app)
    assert "Extract features, then train" in [button.label for button in app.button]


def test_a_search_takes_the_split_that_stands_for_folds(mine):
    app = train(data="mine", split="artist-kfold")
    app.number_input(key="train-budget-trials").set_value(3).run()
    app.button(key="train-search").click().run()
    (job,) = [job for job in jobs.listing() if job.kind == "tuning"]
    assert job.request["split"] == "artist"


def test_an_address_with_a_split_is_not_overruled(mine):
    app = train(data="mine", split="random")
    assert app.selectbox(key="train-split").value == "random"


@pytest.mark.parametrize(
    ("split", "title"),
    [("artist-kfold", "5 folds by artist"), ("kfold:10x3", "10 folds, 3 times")],
)
def test_a_split_by_folds_has_words_and_survives_its_run(mine, split, title):
    assert request_text.split_title(split) == title
    choice = TrainingRequest("mine", model="linear", split=split)
    config = training.config_of(choice)
    assert title in request_text.sentence(config)
    back = request_text.of_run(config)
    assert training.config_of(back).split == config.split

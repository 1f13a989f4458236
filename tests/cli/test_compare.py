"""`compare` as a user calls it."""

import json
import statistics

import numpy as np
import pytest
import soundfile

from genre_engine import datasets
from tests import sounds
from tests.finished_runs import finished

pytestmark = pytest.mark.usefixtures("workspace")


def test_a_table_says_who_is_ahead_and_what_differs(run):
    finished("strong", skill=0.7, settings={"dropout": 0.1})
    finished("weak", skill=0.1, settings={"dropout": 0.6})
    status, out, errors = run("compare", "strong", "weak")
    assert status == 0
    assert "strong beats weak by" in " ".join(out.split())
    assert "a real difference" in " ".join(out.split())
    assert "dropout" in out
    assert errors == ""


def test_json_has_every_run_s_figures(run):
    finished("one")
    finished("other", seed=4)
    status, out, _ = run("compare", "one", "other", "--format", "json", "--figure", "f1.macro")
    values = json.loads(out)
    assert status == 0
    assert values["figure"] == "f1.macro"
    assert [entry["run"] for entry in values["runs"]] == ["one", "other"]
    assert values["runs"][0]["intervals"]["f1.macro"][0] < values["runs"][0]["figures"]["f1.macro"]


def test_runs_on_other_tracks_are_distinguished_in_words(run):
    finished("one")
    finished("other", ids=[f"x {i}" for i in range(90)])
    status, _, errors = run("compare", "one", "other")
    assert status == 0
    assert "can't be ranked with" in errors


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "one"], "Name two or more"),
        (["compare", "one", "nobody"], "There is no run 'nobody'"),
        (["compare", "one", "other", "--figure", "f9"], "There is no figure 'f9'"),
    ],
)
def test_wrong_usage_has_status_2(words, said, run):
    finished("one")
    finished("other")
    status, out, errors = run(*words)
    assert (status, out) == (2, "")
    assert said in errors


def test_seeds_of_one_recipe_are_summed_up(run):
    made = [finished(f"fcn-{seed}", config_seed=seed, seed=seed + 1) for seed in range(3)]
    finished("linear", model="linear")
    words = ("compare", "fcn-0", "fcn-1", "fcn-2", "linear")
    out = " ".join(run(*words)[1].split())
    values = [one.report()["validation"]["f1"]["macro"] for one in made]
    mean, sd = statistics.fmean(values), statistics.stdev(values)
    assert "3 seeds of one recipe (fcn-0, fcn-1, fcn-2)" in out
    assert f"Macro F1 {mean:.3f} ± {sd:.3f}" in out
    (repeats,) = json.loads(run(*words, "--format", "json")[1])["repeats"]
    assert repeats["runs"] == ["fcn-0", "fcn-1", "fcn-2"]
    assert (repeats["seeds"], repeats["same_tracks"]) == ([0, 1, 2], True)
    assert repeats["mean"]["f1.macro"] == pytest.approx(mean)
    assert repeats["sd"]["f1.macro"] == pytest.approx(sd)
    assert json.loads(run("compare", "fcn-0", "linear", "--format", "json")[1])["repeats"] == []


@pytest.fixture
def clips(tmp_path, stub_networks):
    """Two genres of clips that the stand-ins for the networks take for rock."""
    for genre in ("pop", "rock"):
        (tmp_path / "clips" / genre).mkdir(parents=True)
        for number in range(6):
            place = tmp_path / "clips" / genre / f"{number}.wav"
            samples = sounds.chords(4.0) + 1e-5 * number
            soundfile.write(place, samples.astype(np.float32), 16000)
    return datasets.import_folder("mine", tmp_path / "clips", jobs=1)


def test_the_pretrained_networks_are_judged_on_the_same_tracks(run, clips):
    genres = ("pop", "rock")
    y = np.array([[g in one for g in genres] for one in clips.tracks["genres"]], np.uint8)
    ids = clips.tracks["track_id"].tolist()
    for name in ("one", "other"):
        finished(name, ids=ids, genres=genres, y=y, artists=0, dataset="mine")
    status, out, errors = run("compare", "one", "other", "--pretrained", "fast")
    assert status == 0
    # Rock everywhere: of two genres with as many tracks each, half are found by chance.
    assert "mine: the pretrained networks: Macro average precision 0.500" in " ".join(out.split())
    assert "MagnaTagATune" in errors
    out = run("compare", "one", "other", "--pretrained", "fast", "--format", "json")[1]
    (found,) = json.loads(out)["pretrained"]
    assert (found["genres"], found["unknown_genres"]) == (["pop", "rock"], [])
    assert found["figures"]["average_precision.macro"] == pytest.approx(0.5)
    assert found["runs"] == ["one", "other"]


def test_where_the_networks_cannot_be_judged_it_is_said_and_the_rest_is_printed(run):
    finished("one")
    finished("other", seed=4)
    status, out, errors = run("compare", "one", "other", "--pretrained", "fast")
    assert status == 0
    assert "ahead of" in out
    assert "isn't here any more" in errors
    status, _, errors = run("compare", "one", "other", "--pretrained", "fast", "--part", "test")
    assert status == 2
    assert "on validation only" in errors

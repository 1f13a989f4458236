"""The demo data set: the same everywhere, honest about its artists, and different by genre."""

import dataclasses
import gc
from collections import Counter

import numpy as np
import pytest
import soundfile

from genre_engine import datasets
from genre_engine.datasets import demo
from genre_engine.datasets.tracks import COLUMNS
from genre_engine.errors import WrongUsage
from genre_engine.features import throughput
from genre_engine.synthesis import demo_tracks, styles
from genre_engine.synthesis.arrange import LOUDEST, play
from tests import golden

TRACKS = 40


def plain(value):
    """As JSON gives it back: lists for tuples."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def flat(score):
    """The numbers and the names of a score apart, for a comparison with a tolerance."""
    numbers, names = [], []
    for value in score.values():
        for item in value if isinstance(value, list) else [value]:
            (names if isinstance(item, str) else numbers).append(item)
    return numbers, names


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    seen = []
    table = demo_tracks.generate(
        folder, tracks=TRACKS, seed=0, jobs=1, progress=lambda *step: seen.append(step)
    )
    return folder, table, seen


@pytest.fixture(scope="module")
def sounds(made):
    folder, table, _ = made
    return {
        row.track_id: soundfile.read(folder / row.path, dtype="float32")
        for row in table.itertuples()
    }


def test_the_same_seed_plans_the_same_tracks_on_every_machine():
    expected = golden.load("demo")["plans"]
    found = golden.demo_plans()
    assert len(found) == len(expected) == 40
    for one, other in zip(found, expected, strict=True):
        assert {k: one[k] for k in one if k != "score"} == {
            k: other[k] for k in other if k != "score"
        }
        numbers, names = flat(plain(one["score"]))
        expected_numbers, expected_names = flat(other["score"])
        assert names == expected_names
        np.testing.assert_allclose(numbers, expected_numbers, rtol=1e-6, atol=1e-9)


def test_the_same_seed_makes_the_same_sound_on_every_machine(sounds):
    for track_id, expected in golden.load("demo")["sounds"].items():
        samples, sample_rate = sounds[track_id]
        found = golden.summary_of(samples, sample_rate)
        assert found["shape"] == expected["shape"]
        for key in ("rms_per_second", "every_9973rd_sample"):
            np.testing.assert_allclose(found[key], expected[key], atol=1e-4, rtol=0)


def test_the_labels_of_all_tracks_are_the_same_on_every_machine():
    assert golden.demo_labels() == golden.load("demo")["labels"]


def test_another_seed_plans_other_tracks_by_the_same_artists():
    first, second = demo_tracks.plan(40, seed=0), demo_tracks.plan(40, seed=1)
    assert [one.artist for one in first] == [one.artist for one in second]
    assert [one.score for one in first] != [one.score for one in second]
    assert sum(a.genres != b.genres for a, b in zip(first, second, strict=True)) > 10


def test_a_smaller_set_is_the_beginning_of_a_larger_one():
    assert demo_tracks.plan(60, seed=5) == demo_tracks.plan(300, seed=5)[:60]


def test_processes_make_what_one_alone_makes(made, tmp_path):
    _, table, _ = made
    again = demo_tracks.generate(tmp_path, tracks=20, seed=0, jobs=2)
    assert again.to_dict("records") == table.head(20).to_dict("records")


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_progress_raises_stops_the_work_without_a_warning(jobs, tmp_path):
    def stop(done, _tracks):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo_tracks.generate(tmp_path, tracks=60, jobs=jobs, progress=stop)
    gc.collect()
    assert len(list(tmp_path.rglob("*.flac"))) < 60


def test_the_table_is_the_track_table(made):
    folder, table, seen = made
    assert tuple(table.columns) == COLUMNS
    assert table.track_id.is_unique
    assert len(table) == TRACKS
    assert seen == [(done, TRACKS) for done in range(1, TRACKS + 1)]
    assert (table.genres.map(sorted) == table.genres).all()
    assert set(table.licence) == {"CC0-1.0"}
    assert table.sha256.str.fullmatch("[0-9a-f]{64}").all()
    assert table.sha256.is_unique
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert on_disk == set(table.path)


def test_everything_shown_says_that_it_is_synthetic(made):
    _, table, _ = made
    for column in ("artist_id", "album_id", "title"):
        assert table[column].str.contains("(synthetic)", regex=False).all()
    assert "synthetic" in demo_tracks.DESCRIPTION.lower()
    assert "synthetic" in demo_tracks.WARNING


def test_a_hundred_artists_stay_in_one_part_each():
    plans = demo_tracks.plan(300, seed=0)
    parts = {}
    for one in plans:
        parts.setdefault(one.artist, set()).add(one.part)
    assert len(parts) == 100
    assert all(len(where) == 1 for where in parts.values())


@pytest.mark.parametrize("seed", range(5))
def test_every_part_holds_every_genre(seed):
    plans = demo_tracks.plan(300, seed=seed)
    assert Counter(one.part for one in plans) == {"train": 180, "validation": 60, "test": 60}
    for part in demo_tracks.ARTISTS:
        present = Counter(genre for one in plans if one.part == part for genre in one.genres)
        assert set(present) == set(styles.GENRES)
        assert min(present.values()) >= 2


@pytest.mark.parametrize("seed", range(5))
def test_tracks_carry_one_to_three_genres_unevenly_spread(seed):
    plans = demo_tracks.plan(300, seed=seed)
    counts = Counter(genre for one in plans for genre in one.genres)
    assert {len(one.genres) for one in plans} == {1, 2, 3}
    assert all(len(set(one.genres)) == len(one.genres) for one in plans)
    assert 1.5 <= sum(counts.values()) / 300 <= 1.8
    assert counts.most_common(1)[0][0] == "electronic"
    assert min(counts.values()) >= 20
    assert max(counts.values()) > 1.7 * min(counts.values())


def test_clips_last_ten_seconds_and_neither_clip_nor_fall_silent(sounds):
    for samples, sample_rate in sounds.values():
        assert sample_rate == demo_tracks.SAMPLE_RATE
        assert samples.shape == (round(demo_tracks.DURATION_S * demo_tracks.SAMPLE_RATE),)
        assert np.abs(samples).max() <= LOUDEST
        assert np.sqrt(np.mean(samples**2)) > 0.02
        assert np.abs(samples[[0, -1]]).max() < 1e-3


def onsets_per_second(samples, sample_rate):
    """How often the sound, its highs above all, gets 3 dB louder within 50 ms."""
    hop = sample_rate // 20
    edges = np.diff(samples)
    frames = edges[: len(edges) // hop * hop].reshape(-1, hop)
    level_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-9)
    return 20 * np.mean(np.diff(level_db) > 3.0)


def highs(samples, sample_rate):
    power = np.abs(np.fft.rfft(samples)) ** 2
    return power[np.fft.rfftfreq(len(samples), 1 / sample_rate) > 3000.0].sum() / power.sum()


def by_genre(measure, genre, tracks=6):
    """The measure's median over pure tracks of a genre, each by an artist of its own."""
    values = []
    for index in range(tracks):
        rng = np.random.Generator(np.random.PCG64(index))
        score = styles.compose([genre], styles.draw_habits(rng), rng)
        samples = play(score, rng, sample_rate=11_025, duration_s=5.0)
        values.append(measure(samples, 11_025))
    return float(np.median(values))


def test_electronic_beats_and_ambient_floats():
    assert by_genre(onsets_per_second, "electronic") > 3.0
    assert by_genre(onsets_per_second, "ambient") < 1.0


def test_experimental_is_bright_and_ambient_is_dark():
    assert by_genre(highs, "experimental") > 4 * by_genre(highs, "ambient")


def test_an_artist_sounds_alike_from_track_to_track():
    """Tuning and colour vary less within an artist than between artists: leakage is real."""
    scores = {}
    for one in demo_tracks.plan(300, seed=0):
        scores.setdefault(one.artist, []).append(one.score)
    tunings = [[score.tuning_cents for score in of_one] for of_one in scores.values()]
    within = np.mean([np.std(of_one) for of_one in tunings])
    between = np.std([np.mean(of_one) for of_one in tunings])
    assert between > 3 * within
    assert all(len({score.colour_hz for score in of_one}) == 1 for of_one in scores.values())


@pytest.mark.parametrize("genre", styles.GENRES)
def test_every_choice_of_a_style_can_be_played(genre):
    style = styles.STYLES[genre]
    rng = np.random.Generator(np.random.PCG64(0))
    score = styles.compose([genre], styles.draw_habits(rng), rng)
    for slot in styles.SLOTS:
        for name in getattr(style, slot):
            changed = {slot: name}
            if slot == "mode":
                changed["progression"] = styles.PROGRESSIONS[name][0]
            one = dataclasses.replace(score, **changed)
            samples = play(one, rng, sample_rate=11_025, duration_s=1.0)
            assert np.isfinite(samples).all()
            assert np.abs(samples).max() <= LOUDEST


@pytest.mark.parametrize("genre", styles.GENRES)
def test_every_name_in_a_style_is_known_to_the_band(genre):
    from genre_engine.synthesis import parts

    style = styles.STYLES[genre]
    assert set(style.drums) <= set(parts.KITS)
    assert set(style.bass) <= {*parts.BASSES, "none"}
    assert set(style.chords) <= {*parts.CHORDS, "none"}
    assert set(style.lead) <= {*parts.LEADS, "none"}
    assert set(style.mode) <= set(styles.SCALES)


@pytest.mark.parametrize("tracks", [19, 10_000, 0, -3, 2.5, "many", True, None])
def test_a_wrong_number_of_tracks_is_refused(tracks, tmp_path):
    with pytest.raises(WrongUsage, match=r"tracks is .* whole number from 20 to 9,999"):
        demo_tracks.generate(tmp_path, tracks=tracks)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "value"), [("seed", -1), ("seed", 1.5), ("jobs", 0)])
def test_a_wrong_seed_or_number_of_jobs_is_refused(name, value, tmp_path):
    with pytest.raises(WrongUsage, match=name):
        demo_tracks.generate(tmp_path, **{name: value})
    assert not any(tmp_path.iterdir())


def test_how_long_it_takes_is_what_it_took_here_before(workspace):
    assumed = demo.expected_s(300)
    datasets.make_demo("demo", tracks=20, jobs=1)
    assert throughput.read()["demo"]["core_seconds"] > 0
    assert demo.expected_s(600) == pytest.approx(2 * demo.expected_s(300))
    assert demo.expected_s(300) != assumed

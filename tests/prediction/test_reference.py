"""The pretrained networks judged beside a run, with stand-ins whose answers are known."""

import json

import numpy as np
import pytest
import soundfile

from genre_engine import datasets, runs
from genre_engine.errors import DatasetError, ModelError, WrongUsage
from genre_engine.prediction import reference, track_scores
from genre_engine.storage import lock
from tests import sounds
from tests import stub_networks as stubs
from tests.finished_runs import finished

pytestmark = pytest.mark.usefixtures("workspace")

RATE = 16000
N = 6


def by_level(network, patches):
    """Loud music is rock, the other pop."""
    loud = patches.mean(axis=(1, 2)) > LEVEL
    found = {"rock": np.where(loud, 0.9, 0.05), "pop": np.where(loud, 0.05, 0.9)}
    return {tag: values for tag, values in found.items() if tag in network.tags}


LEVEL = 0.3


@pytest.fixture
def networks(monkeypatch):
    return stubs.install(monkeypatch, by_level)


@pytest.fixture
def clips(tmp_path):
    """A data set: loud rock, quiet pop, and polka that sounds like pop."""
    for genre, level in (("rock", 0.3), ("pop", 0.01), ("polka", 0.01)):
        folder = tmp_path / "clips" / genre
        folder.mkdir(parents=True)
        for number in range(N):
            samples = sounds.chords(4.0, level=level) + 1e-5 * number
            soundfile.write(folder / f"{number}.wav", samples.astype(np.float32), RATE)
    return datasets.import_folder("mine", tmp_path / "clips", jobs=1)


def run_on(dataset, *, genres=("polka", "pop", "rock"), name="run", **options):
    """A finished run that was asked of all tracks that have one of the genres."""
    tracks = dataset.tracks[[set(one) <= set(genres) for one in dataset.tracks["genres"]]]
    y = np.array([[genre in one for genre in genres] for one in tracks["genres"]], np.uint8)
    return finished(
        name,
        ids=tracks["track_id"].tolist(),
        genres=genres,
        y=y,
        artists=0,
        dataset=dataset.name,
        **options,
    )


def scored(*loads):
    return [network.scored for network in loads]


def test_the_networks_are_judged_on_the_runs_tracks_for_the_genres_that_both_know(clips, networks):
    run = run_on(clips)
    assert reference.obstacle(run) == ""
    assert reference.missing(run, "fast") == 3 * N
    assert reference.judge(run, "fast") is None
    seen = []
    reference.score(run, "fast", progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 3 * N)
    assert seen[-1] == (3 * N, 3 * N)
    found = reference.judge(run, "fast")
    assert (found.genres, found.unknown, found.unread) == (("pop", "rock"), ("polka",), 0)
    assert found.report.figure("roc_auc.macro") > 0.7
    per_genre = found.report.to_dict()["per_genre"]
    assert per_genre["rock"]["roc_auc"] == 1.0
    # Polka sounds like pop to them: half of what they call pop is none.
    assert per_genre["pop"]["precision"] == pytest.approx(0.5)
    # The run is judged on the same two genres, with its own scores.
    own = found.own.to_dict()
    assert own["support"] == {"pop": N, "rock": N}
    predicted = run.predictions("validation")
    assert own["per_genre"]["pop"]["roc_auc"] == pytest.approx(
        run.report()["validation"]["per_genre"]["pop"]["roc_auc"]
    )
    assert len(predicted.track_ids) == found.report.to_dict()["tracks"]


def test_what_was_analysed_serves_other_runs_and_is_not_analysed_again(clips, networks):
    run = run_on(clips)
    reference.score(run, "fast")
    before = scored(*networks.values())
    other = run_on(clips, genres=("pop", "rock"), name="other")
    assert reference.missing(other, "fast") == 0
    reference.score(other, "fast")
    assert scored(*networks.values()) == before
    assert reference.judge(other, "fast").report.figure("f1.macro") == 1.0
    assert reference.missing(other, "full") == 2 * N


def test_what_was_done_is_kept_where_it_is_stopped(clips, networks):
    run, asked = run_on(clips), []

    def stop():
        asked.append(1)
        return len(asked) > 4

    reference.score(run, "fast", should_stop=stop)
    assert reference.missing(run, "fast") == 3 * N - 4
    reference.score(run, "fast")
    assert reference.missing(run, "fast") == 0


def test_a_track_without_audio_counts_as_without_a_genre_and_is_counted(clips, networks):
    run = run_on(clips, genres=("pop", "rock"))
    (clips.audio_folder / "rock" / "0.wav").unlink()
    (clips.audio_folder / "pop" / "0.wav").write_bytes(b"no audio")
    reference.score(run, "fast")
    found = reference.judge(run, "fast")
    assert found.unread == 2
    assert found.report.figure("recall.macro") == pytest.approx((N - 1) / N)
    assert reference.missing(run, "fast") == 0


def test_where_each_track_has_one_genre_the_scores_are_shares_among_the_known_ones(clips, networks):
    run = run_on(clips, task="multiclass")
    reference.score(run, "fast")
    found = reference.judge(run, "fast")
    assert found.genres == ("pop", "rock")
    assert found.report.to_dict()["tracks"] == 2 * N
    assert found.report.figure("accuracy.top1") == 1.0


def test_with_other_networks_than_before_all_is_analysed_again(clips, monkeypatch):
    run = run_on(clips, genres=("pop", "rock"))
    stubs.install(monkeypatch, by_level)
    reference.score(run, "fast")
    (clips.folder / "reference" / "fast-30.npz").rename(clips.folder / "kept.npz")
    kept = track_scores.read(clips.folder / "kept.npz")
    other = track_scores.Kept(kept.rows, kept.wide, kept.ten, ("another",))
    first = next(iter(kept.rows))
    analysis = type("A", (), {})()
    analysis.views = {
        "wide": type("V", (), {"genres": kept.wide, "song": kept.rows[first][0]})(),
        "ten": type("V", (), {"genres": kept.ten, "song": kept.rows[first][1]})(),
    }
    analysis.networks = kept.networks
    assert set(track_scores.added(other, "new", analysis).rows) == {"new"}
    assert set(track_scores.added(kept, "new", analysis).rows) == {*kept.rows, "new"}


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"no zip at all"])
def test_damaged_scores_are_made_again(clips, networks, content):
    run = run_on(clips, genres=("pop", "rock"))
    reference.score(run, "fast")
    (clips.folder / "reference" / "fast-30.npz").write_bytes(content)
    assert reference.missing(run, "fast") == 2 * N
    assert reference.judge(run, "fast") is None


def test_what_stands_in_the_way_is_said(clips, networks):
    unknown = run_on(clips, genres=("polka", "rock"), name="unknown")
    assert "know 1 of these 2 genres" in reference.obstacle(unknown)
    with pytest.raises(WrongUsage):
        reference.score(unknown, "fast")
    run = run_on(clips, genres=("pop", "rock"))
    with pytest.raises(WrongUsage, match="Choose full or fast"):
        reference.score(run, "slow")
    datasets.remove("mine")
    assert "isn't here any more" in reference.obstacle(run)
    with pytest.raises(DatasetError):
        reference.missing(run, "fast")


def test_a_table_of_features_has_no_audio(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "track_id,a,genre\n" + "".join(f"{n},{n},{['pop', 'rock'][n % 2]}\n" for n in range(20))
    )
    dataset = datasets.import_table("mine", path, label="genre")
    assert "has no audio here" in reference.obstacle(run_on(dataset, genres=("pop", "rock")))


def test_two_processes_do_not_analyse_the_same(clips, networks):
    run = run_on(clips, genres=("pop", "rock"))
    (clips.folder / "reference").mkdir()
    at_it = lock.exclusively(clips.folder / "reference" / "fast-30.lock", ModelError("never"))
    with at_it, pytest.raises(ModelError, match="already"):
        reference.score(run, "fast")


def test_that_they_may_have_learnt_from_these_tracks_is_said(clips):
    run = run_on(clips, genres=("pop", "rock"))
    assert "MagnaTagATune" in reference.overlap(run)
    path = run.folder / "config.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"dataset_source": {"kind": "jamendo"}}))
    assert "most likely from these very tracks" in reference.overlap(runs.open("run"))
    path.write_text(json.dumps(values | {"synthetic": True}))
    assert "synthetic" in reference.overlap(runs.open("run"))

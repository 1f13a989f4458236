"""Extraction: all tracks, each once, whatever happens on the way."""

import os
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest
import soundfile

from genre_engine import audio, datasets, extraction, features
from genre_engine.errors import DatasetError, StorageError, WrongUsage
from genre_engine.features import store as stores
from genre_engine.features import throughput
from genre_engine.storage import workspace as workspace_module
from tests import sounds
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.usefixtures("workspace")

SUMMARY = features.kind("summary")


@pytest.fixture
def music(tmp_path):
    """A folder of short tones in two genres, and the data set made of it."""

    def make(n=6, *, name="music", seconds=1.0):
        for number in range(n):
            place = tmp_path / name / ("low", "high")[number % 2]
            place.mkdir(parents=True, exist_ok=True)
            samples = sounds.tone(seconds, 22050, hz=200 + 100 * number)
            soundfile.write(place / f"{number:03d}.wav", samples, 22050)
        return datasets.import_folder(name, tmp_path / name)

    return make


def ids(dataset):
    return dataset.tracks["track_id"].tolist()


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("name", ["summary", "patches"])
def test_every_track_gets_the_features_of_its_file(music, name, jobs):
    dataset = music()
    kind = features.kind(name)
    reported = []
    store = extraction.extract(
        dataset, kind, jobs=jobs, progress=lambda *progress: reported.append(progress)
    )
    assert sorted(store.track_ids) == ids(dataset)
    assert reported[0] == (0, 6, 0)
    assert reported[-1] == (6, 6, 0)
    for track, path in zip(ids(dataset), dataset.tracks["path"], strict=True):
        expected = kind.compute(audio.load(dataset.audio_path(path), kind.sample_rate))
        found = store.vectors([track])[0] if kind.is_vector else store.patches([track]).song(0)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_one_tracks_failure_is_one_row_and_the_rest_goes_on(music, tmp_path):
    dataset = music()
    broken, gone = ids(dataset)[1], ids(dataset)[4]
    (tmp_path / "music" / broken).write_text("this is no audio")
    (tmp_path / "music" / gone).unlink()
    reported = []
    store = extraction.extract(dataset, SUMMARY, progress=lambda *p: reported.append(p))
    assert sorted(store.track_ids) == sorted(set(ids(dataset)) - {broken, gone})
    rows = store.failures.set_index("track_id")
    assert rows.loc[broken, "error"] == "NotAudio"
    assert rows.loc[gone, "error"] == "FileMissing"
    assert rows.loc[gone, "path"] == gone
    assert "no audio" in rows.loc[broken, "message"]
    assert reported[-1] == (6, 6, 2)


def test_a_failure_is_tried_again_when_its_file_changed_or_when_asked(music, tmp_path, monkeypatch):
    dataset = music()
    broken = ids(dataset)[1]
    file = tmp_path / "music" / broken
    sound = file.read_bytes()
    file.write_text("this is no audio")
    extraction.extract(dataset, SUMMARY, jobs=1)
    tried = []
    attempt = extraction._attempt
    monkeypatch.setattr(
        extraction, "_attempt", lambda *a: (tried.append(a[0].track_id), attempt(*a))[1]
    )
    extraction.extract(dataset, SUMMARY, jobs=1)
    assert tried == []
    extraction.extract(dataset, SUMMARY, jobs=1, retry=True)
    assert tried == [broken]
    file.write_bytes(sound)
    store = extraction.extract(dataset, SUMMARY, jobs=1)
    assert tried == [broken, broken]
    assert sorted(store.track_ids) == ids(dataset)
    assert store.failures.empty


def test_what_is_done_is_not_done_again(music, monkeypatch):
    dataset = music()
    extraction.extract(dataset, SUMMARY, track_ids=ids(dataset)[:2], jobs=1)
    reported = []
    store = extraction.extract(dataset, SUMMARY, jobs=1, progress=lambda *p: reported.append(p))
    assert reported[0] == (2, 6, 0)
    assert sorted(store.track_ids) == ids(dataset)
    monkeypatch.setattr(extraction, "_attempt", None)  # nothing is left to compute
    assert extraction.extract(dataset, SUMMARY, jobs=1).track_ids == store.track_ids


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_stop_keeps_what_is_done(music, monkeypatch, jobs):
    monkeypatch.setattr(extraction, "_CHUNK", 1)
    dataset = music(12)
    done = []
    store = extraction.extract(
        dataset,
        SUMMARY,
        jobs=jobs,
        progress=lambda *p: done.append(p[0]),
        should_stop=lambda: done[-1] >= 3,
    )
    assert 3 <= len(store.track_ids) < 12
    assert done[-1] == len(store.track_ids)
    assert len(extraction.extract(dataset, SUMMARY, jobs=jobs).track_ids) == 12


def test_without_any_audio_it_says_where_it_belongs(music, tmp_path):
    dataset = music(2)
    for track in ids(dataset):
        (tmp_path / "music" / track).unlink()
    with pytest.raises(DatasetError, match="None of the 2 tracks of 'music' has audio in"):
        extraction.extract(dataset, SUMMARY)


def test_a_table_of_ready_features_has_nothing_to_extract(workspace, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,tag\n1,pop\n2,rock\n3,rock\n4,pop\n")
    dataset = datasets.import_table("t", path, label="tag")
    with pytest.raises(WrongUsage, match="there is nothing to extract"):
        extraction.extract(dataset, SUMMARY)


def test_unknown_tracks_and_impossible_jobs_are_refused(music):
    dataset = music(2)
    with pytest.raises(WrongUsage, match="no track 'nobody'"):
        extraction.extract(dataset, SUMMARY, track_ids=["nobody"])
    with pytest.raises(WrongUsage, match="0 processes"):
        extraction.extract(dataset, SUMMARY, jobs=0)


_EXTRACT = """
import sys
from genre_engine import datasets, extraction, features
extraction.PART_TRACKS = 3
extraction._CHUNK = 1
def progress(done, total, failed):
    print(done, flush=True)
    if str(done) in sys.argv[2:]:
        sys.stdin.readline()
if __name__ == "__main__":
    extraction.extract(
        datasets.open("music"), features.kind("summary"), jobs=int(sys.argv[1]), progress=progress
    )
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_at_any_moment_it_goes_on_with_nothing_lost_or_doubled(music, tmp_path, jobs):
    dataset = music(24)
    script = tmp_path / "extract_music.py"
    script.write_text(_EXTRACT)
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    seen = 0
    for kill_after in (5, 11, 17):
        process = subprocess.Popen(
            [sys.executable, script, str(jobs)], stdout=subprocess.PIPE, env=env, text=True
        )
        with process:
            for line in process.stdout:
                if int(line) >= kill_after:
                    process.send_signal(signal.SIGKILL)
                    break
        store = stores.find(dataset.features_folder, "summary")
        assert len(store.track_ids) >= max(seen, kill_after - 3)
        seen = len(store.track_ids)
    store = extraction.extract(dataset, SUMMARY, jobs=2)
    written = [
        track
        for part in stores.parts(store.folder)
        for track in stores.pq.read_table(part, columns=["track_id"])["track_id"].to_pylist()
    ]
    assert sorted(written) == ids(dataset)
    again = {track: SUMMARY.compute_source(tmp_path / "music" / track) for track in ids(dataset)}
    np.testing.assert_allclose(
        store.vectors(list(again)), np.stack(list(again.values())), rtol=1e-5, atol=1e-5
    )


def test_an_estimate_rests_on_what_was_measured_here(music):
    dataset = music(24)
    tried = extraction.estimate(dataset, SUMMARY, jobs=1)
    assert tried["tracks"] == 24
    assert tried["bytes"] == 24 * 498 * 4
    assert tried["seconds"] > 0
    extraction.extract(dataset, SUMMARY, jobs=1)
    assert extraction.estimate(dataset, SUMMARY) == {"tracks": 0, "seconds": 0.0, "bytes": 0}
    rate = throughput.read()[SUMMARY.fingerprint]
    more = music(30, name="more")
    known = extraction.estimate(more, SUMMARY, jobs=2)
    assert known["seconds"] == pytest.approx(30 * rate["core_seconds"] / 2)
    (workspace_module.root() / "rates.json").write_text("[]")
    assert extraction.estimate(more, SUMMARY)["tracks"] == 30


def _die(kind, tasks):
    """Stands for a decoder that takes its process with it."""
    if any("003" in task.track_id for task in tasks):
        os._exit(11)
    return extraction.compute(kind, tasks)


def test_a_track_that_kills_its_process_is_one_failure(music, monkeypatch):
    monkeypatch.setattr(extraction, "_CHUNK", 2)
    monkeypatch.setattr(extraction, "_worker", _die)
    dataset = music(12)
    store = extraction.extract(dataset, SUMMARY, jobs=2)
    assert len(store.track_ids) == 11
    (failure,) = store.failures.to_dict("records")
    assert "003" in failure["track_id"]
    assert failure["error"] == "ProcessDied"


def test_a_fault_of_the_code_on_one_track_is_one_failure(music, monkeypatch):
    dataset = music(4)

    def faulty(self, source):
        if "002" in str(source):
            raise ZeroDivisionError("by accident")
        return np.zeros(498, np.float32)

    monkeypatch.setattr(type(SUMMARY), "compute_source", faulty)
    store = extraction.extract(dataset, SUMMARY, jobs=1)
    assert len(store.track_ids) == 3
    assert store.failures["error"].tolist() == ["ZeroDivisionError"]
    monkeypatch.undo()


def test_a_full_disk_ends_the_extraction_and_leaves_the_store_intact(music, monkeypatch):
    monkeypatch.setattr(extraction, "PART_TRACKS", 2)
    dataset = music(8)
    real, parts = os.replace, []

    def nearly_full(source, target):
        parts.append(target)
        if sum("part-" in str(part) for part in parts) > 2:
            raise OSError(28, "No space left on device")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(workspace_module.os, "replace", nearly_full)
        with pytest.raises(StorageError, match="Free some space"):
            extraction.extract(dataset, SUMMARY, jobs=1)
    assert len(stores.find(dataset.features_folder, "summary").track_ids) == 4
    assert len(extraction.extract(dataset, SUMMARY, jobs=1).track_ids) == 8


def test_processes_end_with_the_one_that_started_them(music, tmp_path):
    music(24, seconds=5.0)
    script = tmp_path / "extract_music.py"
    script.write_text(_EXTRACT)
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    # It waits, so that it can't have ended before its processes are counted.
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, script, "2", *"345"], **pipes, env=env, text=True)
    with process:
        while int(process.stdout.readline()) < 3:
            pass
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert len(children) >= 2
    _, alive = psutil.wait_procs(children, timeout=120)
    assert alive == []

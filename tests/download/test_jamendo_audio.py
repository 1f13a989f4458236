"""Against a small MTG-Jamendo on loopback that misbehaves as servers and networks do."""

import email.utils
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time

import pytest

from genre_engine import audio, datasets
from genre_engine.download import jamendo_audio, jamendo_metadata, jamendo_plan
from genre_engine.errors import (
    DatasetError,
    DownloadError,
    StorageError,
    WrongUsage,
)
from genre_engine.web.http import Retry
from tests.conftest import REPOSITORY
from tests.download import jamendo_server
from tests.download.jamendo_server import Server, World


@pytest.fixture(scope="module")
def songs():
    return [jamendo_server.mp3(seed, 20.0) for seed in range(3)]


@pytest.fixture
def server(monkeypatch):
    with Server() as made:
        monkeypatch.setenv(jamendo_metadata.JAMENDO_METADATA_VARIABLE, made.metadata_url)
        monkeypatch.setenv(jamendo_metadata.JAMENDO_AUDIO_VARIABLE, made.audio_url)
        yield made


@pytest.fixture
def world(server, songs):
    return World(server, 40, songs=songs, seconds=20.0)


@pytest.fixture
def waits():
    return []


@pytest.fixture
def fetch(waits):
    """Download without real waits; jobs 1, so that faults come in a known order."""
    retry = Retry(attempts=3, first_wait_s=1, longest_wait_s=60, jitter=0, sleep=waits.append)

    def fetched(name="j", **options):
        request = {"name": name, "jobs": 1, **options}
        return jamendo_audio.download(request, retry=retry)

    return fetched


def files(outcome):
    folder = outcome.dataset.audio_folder
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_all_tracks_of_a_new_data_set_come_whole_with_their_licences(world, fetch, waits):
    outcome = fetch(jobs=4)
    assert waits == []
    assert files(outcome) == world.files
    assert (outcome.done, outcome.fetched, outcome.total) == (40, 40, 40)
    assert not len(outcome.failures)
    dataset = datasets.open("j")
    assert set(dataset.tracks["licence"]) == {"CC BY-NC-SA 3.0"}
    assert dataset.tracks["split"].value_counts().to_dict() == {
        "train": 24,
        "validation": 8,
        "test": 8,
    }
    assert all(dataset.audio_path(path) for path in dataset.tracks["path"])


def test_a_second_time_nothing_is_asked_for(world, server, fetch):
    fetch()
    n_before = len(server.log)
    again = fetch()
    assert again.fetched == 0
    assert again.done == 40
    assert [e for e in server.log[n_before:] if "audio-low/" in e[1]] == []


def test_a_balanced_subset_is_chosen_and_only_that_is_fetched(world, server, fetch):
    outcome = fetch(per_genre=3)
    table = outcome.dataset.tracks
    assert min(outcome.dataset.select().counts.values()) == 3
    assert len(files(outcome)) == len(table) < 20
    assert set(files(outcome)) == {path.replace(".mp3", ".low.mp3") for path in table["path"]}


def test_byte_identical_uploads_are_left_out_by_the_checksums_of_the_full_quality(
    world, server, fetch
):
    sums = [f"{n % 20:064x} {n % 100:02d}/{n}.mp3" for n in range(1, 41)]
    server.files["/data/download/raw_30s_audio_sha256_tracks.txt"] = "\n".join(sums).encode()
    plan = jamendo_audio.plan({"name": "j"})
    assert len(plan.tracks) == 20
    assert any("20 byte-identical duplicates" in note for note in plan.notes)


def test_a_plan_says_what_comes_and_makes_nothing(world, workspace):
    facts = jamendo_audio.plan({"name": "j", "tracks": 10, "excerpt_s": 5}).to_dict()
    assert (facts["tracks"], facts["artists"], facts["new"], facts["done"]) == (10, 10, True, 0)
    assert facts["bytes"] == round(10 * 8 * jamendo_metadata.AUDIO_BYTES_PER_S)
    assert facts["seconds"] == facts["bytes"] / jamendo_plan.ASSUMED_RATE
    assert facts["rate_measured"] is False
    json.dumps(facts)
    assert datasets.listing() == []


def test_the_next_estimate_uses_the_rate_that_was_measured(world, fetch, monkeypatch):
    monkeypatch.setattr(jamendo_audio, "_MEASURED_BYTES", 1)
    fetch()
    plan = jamendo_audio.plan({"name": "other"})
    assert plan.rate_measured
    assert plan.rate != jamendo_plan.ASSUMED_RATE
    assert jamendo_audio.plan({"name": "j"}).bytes_needed == 0


# Which data set


def test_the_audio_of_an_imported_data_set_is_fetched_into_it(world, server, fetch, tmp_path):
    (tmp_path / "raw_30s.tsv").write_bytes(server.files["/data/raw_30s.tsv"])
    datasets.import_jamendo("mine", tmp_path / "raw_30s.tsv", genres="rock")
    outcome = fetch("mine")
    assert outcome.total == len(files(outcome)) == len(datasets.open("mine").tracks)
    with pytest.raises(WrongUsage, match="keeps them, so --per-genre"):
        fetch("mine", per_genre=1)


def test_going_on_needs_no_options_and_others_are_refused(world, fetch):
    fetch(tracks=10, excerpt_s=5)
    assert fetch().total == 10
    assert fetch(tracks=10).total == 10
    for other, option in (({"tracks": 12}, "--tracks"), ({"excerpt_s": 7}, "--excerpt")):
        with pytest.raises(WrongUsage, match=f"begun with another {option}"):
            fetch(**other)


def test_data_sets_of_other_kinds_and_audio_elsewhere_are_not_touched(
    world, server, fetch, tmp_path
):
    table = tmp_path / "f.csv"
    table.write_text("a,label\n" + "".join(f"{n},{'xy'[n % 2]}\n" for n in range(10)))
    datasets.import_table("table", table, label="label")
    with pytest.raises(DatasetError, match="isn't made of MTG-Jamendo"):
        fetch("table")
    (tmp_path / "raw_30s.tsv").write_bytes(server.files["/data/raw_30s.tsv"])
    datasets.import_jamendo("linked", tmp_path / "raw_30s.tsv", audio=tmp_path)
    with pytest.raises(DatasetError, match="must not touch"):
        fetch("linked")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tars": ["100"]}, "no archive '100'"),
        ({"excerpt_s": 0.5}, "1 to 3600"),
        ({"jobs": 0}, "connections"),
        ({"jobs": 17}, "connections"),
        ({"per_genre": 1, "tracks": 1}, "not both"),
        ({"base_url": "file:///etc"}, "no address"),
        ({"genres": "polka"}, "no genre 'polka'"),
        ({"what": 1}, "no 'what'"),
        ({"name": "../x"}, "can't be a name"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(world, fetch, options, words):
    with pytest.raises(WrongUsage, match=words):
        fetch(**options)


# Faults


def test_cut_connections_errors_and_slow_bytes_end_in_the_right_files(world, server, fetch, waits):
    in_30_s = email.utils.formatdate(time.time() + 30, usegmt=True)
    server.faults = {
        world.path(1): [("cut", 1000), ("cut", 30_000)],
        world.path(2): [("status", 500, {}), ("status", 502, {})],
        world.path(3): [("status", 429, {"Retry-After": "7"})],
        world.path(4): [("status", 503, {"Retry-After": in_30_s})],
        world.path(5): [("longer", 100)],
        world.path(6): [("slow", 40_000, 0.01)],
        world.path(7): [("shorter", 100)],
        world.path(8): [("other", b"<html>busy</html>")],
        world.path(9): [("other", world.songs[0][::-1])],
    }
    outcome = fetch()
    assert files(outcome) == world.files
    assert not len(outcome.failures)
    assert 7 in waits
    assert any(25 < wait <= 30 for wait in waits)
    assert [entry[2] for entry in server.asked(world.path(1))] == [
        None,
        "bytes=1000-",
        "bytes=31000-",
    ]


def test_what_is_missing_is_named_with_its_reason_and_the_rest_comes(world, server, fetch):
    del server.files[world.path(4)]
    server.faults[world.path(5)] = [("status", 403, {})]
    server.faults[world.path(6)] = [("status", 500, {})] * 3
    server.faults[world.path(7)] = [("other", b"nothing")] * 2
    outcome = fetch()
    failed = outcome.failures.set_index("track_id")
    assert failed["error"].to_dict() == {
        "track_0000004": "NotThere",
        "track_0000005": "DownloadError",
        "track_0000006": "DownloadError",
        "track_0000007": "DownloadError",
    }
    assert "There is no file" in failed["message"]["track_0000004"]
    assert "answers 500" in failed["message"]["track_0000006"]
    assert "not what it should be" in failed["message"]["track_0000007"]
    assert outcome.done == 36
    assert datasets.open("j").failures["track_id"].tolist() == outcome.failures["track_id"].tolist()
    again = fetch()
    assert again.failures["track_id"].tolist() == ["track_0000004"]
    assert datasets.open("j").info["failures"] == 1


def test_a_wrong_checksum_is_fetched_once_more_and_then_refused(world, server, fetch):
    other = jamendo_server.mp3(99, 5.0)
    server.faults[world.path(1)] = [("other", other)]
    server.faults[world.path(2)] = [("other", other)] * 2
    outcome = fetch()
    assert outcome.failures["track_id"].tolist() == ["track_0000002"]
    assert "sha256" in outcome.failures["message"][0]
    assert files(outcome)[world.name(1)] == world.files[world.name(1)]
    assert world.name(2) not in files(outcome)


def test_a_server_that_is_gone_is_given_up_before_all_tracks_have_failed(world, server, fetch):
    jamendo_audio.download(jamendo_audio.plan({"name": "j"}), should_stop=lambda: True)
    for number in range(1, 41):
        server.faults[world.path(number)] = [("status", 500, {})] * 3
    with pytest.raises(DownloadError, match=r"20 tracks in a row.*What has come is kept"):
        fetch()


def test_a_full_disk_ends_it_at_once(world, fetch, monkeypatch):
    def full(self, *arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("genre_engine.download.journal.Journal.track", full)
    monkeypatch.setattr("genre_engine.web.fetch.os.replace", full)
    with pytest.raises(StorageError, match="full"):
        fetch()


def test_stopping_keeps_what_has_come_and_the_next_goes_on(world, server, fetch):
    for number in range(5, 41):
        server.faults[world.path(number)] = [("slow", 20_000, 0.02)]
    seen = []
    stopped = jamendo_audio.download(
        {"name": "j", "jobs": 2},
        progress=lambda done, total, failed, n, of: seen.append((done, total, failed, n)),
        should_stop=lambda: bool(seen) and seen[-1][0] > 0,
    )
    assert stopped.stopped
    assert 0 < stopped.done < 40
    assert not len(stopped.failures)
    server.faults.clear()
    assert files(fetch()) == world.files
    assert seen[-1][1] == 40
    assert max(server.fetched_whole()[world.path(n)] for n in range(1, 41)) == 1


def test_two_programs_at_once_do_not_mix(world, fetch):
    from filelock import FileLock

    outcome = fetch(tracks=2)
    with (
        FileLock(outcome.dataset.folder / "download" / ".lock"),
        pytest.raises(DownloadError, match="by another program"),
    ):
        fetch()


def test_a_file_that_was_damaged_or_removed_is_fetched_again(world, server, fetch):
    outcome = fetch()
    folder = outcome.dataset.audio_folder
    (folder / world.name(1)).unlink()
    (folder / world.name(2)).write_bytes(b"short")
    assert fetch().fetched == 2
    assert files(fetch()) == world.files


def test_a_journal_that_was_torn_or_lost_costs_no_download(world, server, fetch):
    journal = fetch().dataset.folder / "download" / "journal.jsonl"
    lines = journal.read_bytes()
    for left in (lines[:-7], b"", b'\x00garbage\n{"track": 5}\n[]\n'):
        journal.write_bytes(left)
        n_before = len(server.log)
        assert fetch().done == 40
        assert [e for e in server.log[n_before:] if "audio-low/" in e[1]] == []


_KILLED = """
import sys
from genre_engine.download import jamendo_audio
jamendo_audio.download({"name": "j", "jobs": 3})
"""


def test_killed_at_any_moment_it_ends_with_the_right_files_and_none_twice(
    world, server, workspace, fetch
):
    for number in range(1, 41):
        server.faults[world.path(number)] = [("slow", 30_000, 0.004)]
    draw = random.Random(1)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    folder = workspace / "datasets" / "j"
    twice, killed = [], 0
    for _ in range(5):
        there = {f"/raw_30s/audio-low/{name}" for name in jamendo_plan.sizes(folder / "audio")}
        n_before = len(server.log)
        process = subprocess.Popen([sys.executable, "-c", _KILLED], env=environment)
        begun = time.monotonic()
        while len(server.log) < n_before + 3 and time.monotonic() < begun + 120:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.15))
        at_work = len(server.log) >= n_before + 3
        process.send_signal(signal.SIGKILL)
        killed += at_work and process.wait() == -signal.SIGKILL
        process.wait()
        twice += [e for e in server.log[n_before:] if e[0] == "GET" and e[1] in there]
    assert killed >= 3  # the last may have had little left to do
    assert files(fetch()) == world.files
    assert twice == []


# Excerpts


def test_excerpts_are_the_middles_and_cost_a_part_of_the_bytes(world, server, fetch, waits):
    outcome = fetch(excerpt_s=4)
    assert waits == []
    dataset = outcome.dataset
    assert dataset.audio_excerpt_s == 4
    assert dataset.audio_folder.name == "audio-4s"
    assert set(dataset.tracks["duration_s"]) == {20.0}
    sent = sum(entry[4] for entry in server.answered() if "audio-low/" in entry[1])
    assert sent < 0.45 * sum(map(len, world.files.values()))
    for path in dataset.tracks["path"][:3]:
        signal_ = audio.load(dataset.audio_path(path), 22050, None)
        assert signal_.duration_s == pytest.approx(4.0, abs=0.5)
        assert abs(signal_.samples).max() > 0.1


def test_a_server_without_ranges_or_head_gives_the_same_excerpts(world, server, fetch):
    expected = files(fetch("ranges", excerpt_s=4))
    server.takes_ranges = False
    assert files(fetch("no-ranges", excerpt_s=4)) == expected
    server.takes_head = False
    assert files(fetch("nor-head", excerpt_s=4)) == expected


def test_excerpts_outlive_faults(world, server, fetch):
    expected = files(fetch("good", excerpt_s=4))
    server.faults = {
        world.path(1): [("cut", 1000), ("cut", 3000)],
        world.path(2): [("status", 500, {})] * 2,
        world.path(3): [("status", 429, {"Retry-After": "1"})],
        world.path(4): [("longer", 10)],
    }
    server.files[world.path(5)] = b"<html>not here</html>" * 5000
    del server.files[world.path(6)]
    outcome = fetch("bad", excerpt_s=4)
    failed = outcome.failures.set_index("track_id")["message"]
    assert set(failed.index) == {"track_0000005", "track_0000006"}
    assert "is no MP3" in failed["track_0000005"]
    del expected[world.name(5)], expected[world.name(6)]
    assert files(outcome) == expected


def test_a_track_that_is_hardly_longer_comes_whole(world, fetch):
    assert files(fetch(excerpt_s=18)) == world.files


def test_a_changing_bit_rate_gives_the_wanted_seconds_too(server, fetch):
    song = jamendo_server.mp3(5, 40.0, vary=True)
    World(server, 1, songs=[song], seconds=40.0)
    outcome = fetch(excerpt_s=12)
    path = outcome.dataset.audio_path("01/1.mp3")
    assert audio.load(path, 22050, None).duration_s == pytest.approx(12.0, abs=0.6)


# Archives


def in_tars(server, songs):
    """Two archives with four tracks each."""
    world = World(server, 301, songs=songs, seconds=20.0)
    world.files = {k: v for k, v in world.files.items() if k[:2] in ("01", "02")}
    for path in [p for p in server.files if p.endswith(".low.mp3")]:
        del server.files[path]
    return world


def test_archives_are_unpacked_while_they_come(server, songs, fetch):
    world = in_tars(server, songs)
    world.put_tar(1)
    world.put_tar(2)
    outcome = fetch(tars=["1", "02"])
    assert files(outcome) == world.files
    assert outcome.total == len(world.files) == 7
    assert not len(outcome.failures)


def test_an_archive_s_middles_are_the_same_as_by_range(server, songs, fetch, workspace):
    world = in_tars(server, songs)
    world.put_tar(1)
    by_tar = files(fetch("a", tars=["01"], excerpt_s=4))
    for name, data in world.files.items():
        server.files[f"/raw_30s/audio-low/{name}"] = data
    # The archive's tracks alone: the table is a data set's own.
    table = server.files["/data/raw_30s.tsv"].decode().splitlines(keepends=True)
    kept = [line for line in table if "\t01/" in line or line.startswith("TRACK_ID")]
    server.files["/data/raw_30s.tsv"] = "".join(kept).encode()
    (workspace / "jamendo-metadata" / "raw_30s.tsv").unlink()
    assert files(fetch("b", excerpt_s=4)) == by_tar


def entry(name, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def test_nothing_in_an_archive_decides_where_anything_is_written(
    server, songs, fetch, tmp_path, workspace
):
    world = in_tars(server, songs)
    bad = [
        (entry("../../outside.mp3"), b"x"),
        (entry(f"{tmp_path}/absolute.mp3"), b"x"),
        (entry("01/../../up.low.mp3"), b"x"),
        (entry("01/1.low.mp3", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (entry("01/101.low.mp3", tarfile.LNKTYPE, "../../../secret"), b""),
        (entry("01/201.low.mp3", tarfile.CHRTYPE), b""),
        (entry("01/unknown.low.mp3"), b"x"),
    ]
    world.put_tar(1, extra=bad, leave_out=("01/101.low.mp3",))
    outcome = fetch(tars=["01"])
    expected = {k: v for k, v in world.files.items() if k[:2] == "01" and k != "01/101.low.mp3"}
    assert files(outcome) == expected
    assert "link" in outcome.failures.set_index("track_id")["message"]["track_0000101"]
    everything = {path.name for path in tmp_path.rglob("*")}
    assert not everything & {"outside.mp3", "absolute.mp3", "up.low.mp3", "unknown.low.mp3"}
    assert not any(path.is_symlink() for path in workspace.rglob("*"))


def test_what_an_archive_lacks_is_named_and_not_looked_for_again(server, songs, fetch):
    world = in_tars(server, songs)
    world.put_tar(1, leave_out=("01/101.low.mp3",))
    assert fetch(tars=["01"]).failures["error"].tolist() == ["NotThere"]
    n_before = len(server.log)
    assert fetch().failures["error"].tolist() == ["NotThere"]
    assert [e for e in server.log[n_before:] if e[1].endswith(".tar")] == []


def test_a_cut_archive_is_gone_on_with_at_the_same_byte(server, songs, fetch):
    world = in_tars(server, songs)
    data = world.put_tar(1)
    path = "/raw_30s/audio-low/raw_30s_audio-low-01.tar"
    server.faults[path] = [("cut", 50_000), ("cut", 100_001), ("status", 503, {})]
    assert files(fetch(tars=["01"])).keys() == {k for k in world.files if k[:2] == "01"}
    assert [entry[2] for entry in server.asked(path)][:3] == [
        None,
        "bytes=50000-",
        "bytes=150001-",
    ]
    assert sum(entry[4] for entry in server.asked(path)) == len(data)


@pytest.mark.parametrize("takes_ranges", [True, False])
def test_another_start_goes_on_in_the_middle_of_an_archive(server, songs, fetch, takes_ranges):
    world = in_tars(server, songs)
    data = world.put_tar(1)
    path = "/raw_30s/audio-low/raw_30s_audio-low-01.tar"
    server.takes_ranges = takes_ranges
    server.faults[path] = [("cut", 300_000), *[("status", 500, {})] * 3]
    first = fetch(tars=["01"])
    assert 0 < first.done < first.total
    n_before = len(server.log)
    again = fetch()
    assert files(again).keys() == {k for k in world.files if k[:2] == "01"}
    assert again.fetched == first.total - first.done
    sent = sum(entry[4] for entry in server.answered()[n_before:] if entry[1] == path)
    assert sent < len(data) if takes_ranges else sent == len(data)
    assert any("couldn't be compared" in note for note in again.notes)


def test_an_archive_that_changed_meanwhile_is_read_from_its_beginning(server, songs, fetch):
    world = in_tars(server, songs)
    world.put_tar(1, listed=False)
    path = "/raw_30s/audio-low/raw_30s_audio-low-01.tar"
    server.faults[path] = [("cut", 300_000), *[("status", 500, {})] * 3]
    fetch(tars=["01"])
    world.put_tar(1, extra=[(entry("note.txt"), b"new")], listed=False)
    assert files(fetch()).keys() == {k for k in world.files if k[:2] == "01"}


def test_another_archive_checksum_is_reported_where_each_track_is_right(server, songs, fetch):
    world = in_tars(server, songs)
    world.put_tar(1)
    world.put_tar(1, extra=[(entry("note.txt"), b"new")], listed=False)
    outcome = fetch(tars=["01"])
    assert outcome.done == 4
    assert any("another checksum than listed" in note for note in outcome.notes)


def test_an_archive_with_another_checksum_is_refused_where_tracks_cannot_be_checked(
    server, songs, fetch
):
    world = in_tars(server, songs)
    del server.files["/data/download/raw_30s_audio-low_sha256_tracks.txt"]
    world.put_tar(1)
    world.put_tar(1, extra=[(entry("note.txt"), b"new")], listed=False)
    outcome = fetch(tars=["01"])
    assert outcome.done == 0
    assert files(outcome) == {}
    assert "sha256" in outcome.failures["message"][0]
    world.put_tar(1, listed=False)
    assert fetch().done == 4


def test_damaged_members_and_what_is_no_archive_are_named(server, songs, fetch):
    world = in_tars(server, songs)
    right = dict(world.files)
    world.files["01/1.low.mp3"] = songs[0][:-700]
    world.put_tar(1)
    world.files = right
    server.files["/raw_30s/audio-low/raw_30s_audio-low-02.tar"] = b"<html>no</html>" * 1000
    outcome = fetch(tars=["01", "02"])
    messages = outcome.failures.set_index("track_id")["message"]
    assert len(messages) == 4
    assert "not what it should be" in messages["track_0000001"]
    assert "no archive" in messages["track_0000002"]


# Real metadata


def test_the_real_subset_is_planned_balanced_and_without_duplicates(real_metadata):
    plan = jamendo_audio.plan(
        {"name": "j", "tracks": 500, "rule": "only", "metadata": str(real_metadata)}
    )
    facts = plan.to_dict()
    assert (facts["tracks"], facts["artists"]) == (500, 500)
    assert max(facts["genres"].values()) - min(facts["genres"].values()) <= 3
    assert facts["parts"]["train"] == pytest.approx(300, abs=25)
    assert len(plan.sums.tars) == 100


def test_requests_go_through_json(world):
    request = jamendo_audio.Request("j", tars=("1",), excerpt_s=30)
    assert jamendo_audio.Request.of(json.loads(json.dumps(request.to_dict()))) == request

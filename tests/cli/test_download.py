import json
import shutil

import pytest

from genre_engine.download import jamendo_metadata
from tests.download import fma_zips, jamendo_server


@pytest.fixture(scope="module")
def songs():
    return [jamendo_server.mp3(1, 12.0)]


@pytest.fixture
def world(workspace, songs, monkeypatch):
    with jamendo_server.Server() as server:
        monkeypatch.setenv(jamendo_metadata.JAMENDO_METADATA_VARIABLE, server.metadata_url)
        yield jamendo_server.World(server, 12, songs=songs, seconds=12.0)


def test_a_subset_is_planned_fetched_and_gone_on_with(world, run, workspace):
    words = ("download", "jamendo-audio", "small", "--tracks", "6", "--excerpt", "4")
    words += ("--base-url", world.server.audio_url)
    status, out, err = run(*words, "--dry-run")
    assert (status, out) == (0, "small: 6 tracks planned\n")
    assert "6 tracks by" in err
    assert "the middle 4 s of each" in err
    assert "About 0 MB" in err
    assert not (workspace / "datasets" / "small").exists()
    status, out, err = run(*words)
    assert status == 0
    assert out.startswith("small: 6 of 6 tracks are there, 6 came now")
    assert len(list((workspace / "datasets" / "small" / "audio-4s").rglob("*.mp3"))) == 6
    assert "6 of 6 tracks are there, 0 came now" in run(*words)[1]


def test_missing_tracks_are_named_and_the_exit_status_is_1(world, run):
    del world.server.files[world.path(3)]
    words = ("download", "jamendo-audio", "all", "--base-url", world.server.audio_url)
    status, out, err = run(*words)
    assert status == 1
    assert "not fetched: track_0000003: There is no file at" in err
    assert "all: 11 of 12" in out
    status, out, _ = run(*words, "--format", "json")
    assert status == 1
    assert json.loads(out)["failures"][0]["error"] == "NotThere"


def test_the_address_can_come_from_the_environment(world, run, monkeypatch):
    monkeypatch.setenv(jamendo_metadata.JAMENDO_AUDIO_VARIABLE, world.server.audio_url)
    assert run("download", "jamendo-audio", "all")[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tars", "777"), "no archive '777'"),
        (("--per-genre", "1", "--tracks", "2"), "not both"),
        (("--excerpt", "0.1"), "1 to 3600"),
        (("--base-url", "ftp://x"), "no address"),
    ],
)
def test_wrong_usage_has_its_own_exit_status(world, run, words, message):
    status, out, err = run("download", "jamendo-audio", "x", *words)
    assert (status, out) == (2, "")
    assert message in err


def test_the_other_official_splits_come_on_request(world, run, workspace):
    status, out, err = run("download", "jamendo-metadata", "--all-splits")
    assert status == 1
    assert "only 0 of the 12 tables" in err
    world.put_splits()
    status, out, _ = run("download", "jamendo-metadata", "--all-splits")
    assert status == 0
    assert len(out.splitlines()) == 5 + 12
    folder = workspace / "jamendo-metadata" / "splits"
    assert len(list(folder.glob("split-[1-4]/autotagging_genre-*.tsv"))) == 12


def test_what_the_disk_has_no_room_for_is_refused_before_it_starts(
    world, run, workspace, monkeypatch
):
    full = shutil.disk_usage(workspace.parent)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    words = ("download", "jamendo-audio", "all", "--base-url", world.server.audio_url)
    status, _, err = run(*words)
    assert status == 1
    assert "the disk has 0 MB left. Make room" in err
    assert not (workspace / "datasets" / "all").exists()


@pytest.fixture
def fma(workspace):
    with jamendo_server.Server() as server:
        fma_zips.put(server)
        yield server


def test_fma_s_tables_and_clips_are_fetched_and_imported(fma, run, tmp_path):
    place = ("--to", tmp_path / "to", "--base-url", fma.url)
    status, out, _ = run("download", "fma-metadata", *place)
    tables = tmp_path / "to" / "fma_metadata"
    assert (status, out) == (0, f"{tables / 'tracks.csv'}\n{tables / 'genres.csv'}\n")
    status, out, _ = run("download", "fma-small", *place)
    assert (status, out) == (0, f"{tmp_path / 'to' / 'fma_small'}\n")
    status, out, err = run("dataset", "fma", "f", tmp_path / "to")
    assert (status, out) == (0, "f: 3 tracks, 1 genres\n")
    assert "no audio" not in err


def test_what_fma_s_server_lacks_is_said(fma, run):
    fma.files.clear()
    status, out, err = run("download", "fma-metadata", "--base-url", fma.url)
    assert (status, out) == (1, "")
    assert "There is no file" in err
    assert run("download", "fma-small", "--base-url", "ftp://x")[0] == 2

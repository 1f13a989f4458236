"""From nothing to a report, on a small MTG-Jamendo on loopback."""

import pytest

from genre_engine import datasets, reproduce, runs
from genre_engine.download import jamendo_metadata
from tests.download import jamendo_server
from tests.download.jamendo_server import Server, World
from tests.reproduce.conftest import SHORT


@pytest.fixture
def server(monkeypatch):
    with Server() as made:
        monkeypatch.setenv(jamendo_metadata.JAMENDO_METADATA_VARIABLE, made.metadata_url)
        monkeypatch.setenv(jamendo_metadata.JAMENDO_AUDIO_VARIABLE, made.audio_url)
        yield made


def test_audio_is_fetched_and_every_stage_on_it_is_done(server, workspace):
    songs = [jamendo_server.mp3(seed, 8.0) for seed in range(3)]
    world = World(server, 60, songs=songs, seconds=8.0, artists=13)
    request = {
        "dataset": "jam",
        "tracks": 60,
        "excerpt_s": None,
        "settings": SHORT,
        "stages": [
            *("multilabel-fcn-ran", "figures", "honest-xgboost", "cnn", "official-splits"),
        ],
    }
    first = reproduce.reproduce({**request, "stages": ["tracks"]})
    assert first.output("audio") == {"tracks": 60, "audio": 60, "failed": 0}
    world.put_splits()
    found = reproduce.reproduce(request)
    wrong = {k: o.message for k, o in found.outcomes.items() if o.status == "failed"}
    assert wrong == {}
    assert found.output("summary")["tracks"] == 60
    assert len(found.output("figures")["figures"]) == 9
    assert found.output("honest-xgboost")["split"]["kind"] == "official"
    assert found.output("honest-xgboost")["artist_overlap"] == 0
    assert found.output("cnn")["features"] == "patches"
    sizes = {n: one["tracks"] for n, one in found.output("official-splits")["splits"].items()}
    assert list(sizes) == ["0", "1", "2", "3", "4"]
    # Each fold is the test of one split.
    assert sum(one["test"] for one in sizes.values()) == 60
    assert {run.status for run in runs.listing()} == {"finished"}
    assert datasets.open("jam-split-1").audio_folder == datasets.open("jam").audio_folder
    page = found.report_html.read_text()
    assert page.count("<figure") == 9
    # Audio that is there isn't asked for again.
    asked = server.requests if hasattr(server, "requests") else []
    assert len([r for r in asked if world.path(1) in str(r)]) <= 1


def test_without_their_tables_the_other_splits_are_left_out_with_a_word(server, workspace):
    World(server, 20, songs=[jamendo_server.mp3(0, 4.0)], seconds=4.0)
    found = reproduce.reproduce(
        {"dataset": "jam", "tracks": 20, "excerpt_s": None, "stages": ["official-splits"]}
    )
    outcome = found.outcomes["official-splits"]
    assert outcome.status == "skipped"
    assert "aren't here" in outcome.message

"""Fetching MTG-Jamendo's audio on the Explore page, through Streamlit's own test client."""

import shutil
import time

import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import datasets, jobs
from genre_engine.download import jamendo_audio, jamendo_metadata
from genre_engine.jobs import hosted
from genre_engine.jobs import record as jobs_on_disk
from genre_engine.storage import workspace
from tests.download import jamendo_server
from tests.download.jamendo_server import Server, World
from tests.pages.test_explore import ENTRY, said

TABLES = "download-tables"
START = "download-start"


@pytest.fixture(autouse=True)
def idle(workspace, monkeypatch):
    """Jobs wait in their queue: no process is started."""
    monkeypatch.setattr(jobs, "supervisor", lambda: None)


@pytest.fixture
def world(monkeypatch):
    with Server() as server:
        monkeypatch.setenv(jamendo_metadata.JAMENDO_METADATA_VARIABLE, server.metadata_url)
        monkeypatch.setenv(jamendo_metadata.JAMENDO_AUDIO_VARIABLE, server.audio_url)
        yield World(server, 40, songs=[jamendo_server.mp3(0, 8.0)], seconds=8.0)


@pytest.fixture
def tables(world):
    jamendo_metadata.jamendo_metadata()
    return world


def opened(**params):
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("pages/explore.py").run()
    for name, value in {"get": "jamendo", **params}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def settle(app, key, seconds=180):
    """Run until a button is there: what is awaited ticks only in a browser."""
    end = time.monotonic() + seconds
    while not any(button.key == key for button in app.button):
        assert time.monotonic() < end, said(app)
        time.sleep(0.1)
        app.run()
        assert not app.exception
    return app


def words(app):
    return said(app).replace("\\", "")


def test_the_way_there_is_offered_where_there_is_no_data_set():
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("pages/explore.py").run()
    app.button(key="to-download-").click().run()
    assert not app.exception
    assert "Music of MTG-Jamendo" in words(app)
    next(b for b in app.button if b.label == "All data sets").click().run()
    assert "Three ways to begin" in words(app)


def test_nothing_is_fetched_before_it_was_asked_for_and_the_licence_is_said(world):
    app = opened()
    assert "CC BY-NC-SA 4.0" in words(app)
    assert [b.label for b in app.button if b.key == TABLES] == ["Fetch the tables (19 MB)"]
    assert world.server.log == []
    app.button(key=TABLES).click().run()
    settle(app, START)
    assert "**40**" in words(app)
    assert "The licence of 40 tracks is known." in words(app)


def test_a_change_of_the_choice_changes_what_it_comes_to(tables):
    app = settle(opened(), START)
    assert "**40**" in words(app)
    how = next(c for c in app.segmented_control if c.label == "How many tracks")
    how.set_value("In all").run()
    next(n for n in app.number_input if n.label == "Tracks").set_value(12).run()
    settle(app, START)
    assert "**12**" in words(app)
    assert "--tracks 12 --excerpt 30" in app.code[0].value
    app.multiselect(key="download-genres").set_value(["rock", "pop"]).run()
    settle(app, START)
    assert "--genres pop,rock" in app.code[0].value
    assert "Rock" in words(app)
    assert "Ambient" not in words(app)


def test_start_puts_what_was_chosen_into_the_queue(tables):
    app = settle(opened(), START)
    next(t for t in app.text_input if t.label == "Name of the data set").set_value("mine").run()
    settle(app, START).button(key=START).click().run()
    assert not app.exception
    (job,) = jobs.listing()
    assert (job.kind, job.status) == ("download", "queued")
    assert jamendo_audio.Request.of(job.request) == jamendo_audio.Request(
        "mine", per_genre=50, excerpt_s=30.0
    )
    assert not any(b.key == START for b in app.button)
    app.button(key="stop-mine").click().run()
    assert jobs.open(job.id).status == "cancelled"
    app.run()
    assert "The download of **mine** was cancelled." in words(app)
    app.button(key="download-resume").click().run()
    assert jobs.open(job.id).status == "queued"


def test_whole_tracks_are_asked_for_without_a_length(tables):
    app = settle(opened(), START)
    how = next(c for c in app.segmented_control if c.label == "How much of each")
    how.set_value("Whole tracks").run()
    assert "--excerpt" not in settle(app, START).code[0].value


def test_a_taken_name_is_refused_in_place(tables):
    jamendo_audio.download({"name": "mine", "tracks": 5})
    app = opened()
    next(t for t in app.text_input if t.label == "Name of the data set").set_value("mine").run()
    assert "There is a data set **mine** already" in words(app)
    assert not any(b.key == START for b in app.button)


@pytest.mark.parametrize("name", ["..", "a/b", "-x"])
def test_a_name_that_can_not_be_is_refused_in_place(tables, name):
    app = opened()
    next(t for t in app.text_input if t.label == "Name of the data set").set_value(name).run()
    assert not app.exception
    assert "can't be a name" in words(app)


def test_what_the_disk_has_no_room_for_can_not_be_started(tables, monkeypatch):
    full = shutil.disk_usage(workspace.root().parent)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    app = settle(opened(), START)
    assert app.button(key=START).disabled
    assert "Make room, or choose fewer tracks" in words(app)


def test_without_a_network_it_is_said_and_can_be_tried_again(monkeypatch):
    with Server() as gone:
        address = gone.metadata_url
    monkeypatch.setenv(jamendo_metadata.JAMENDO_METADATA_VARIABLE, address)
    app = opened()
    app.button(key=TABLES).click().run()
    settle(app, TABLES)
    assert app.button(key=TABLES).label == "Try again"
    assert app.error
    assert "Traceback" not in words(app)


def test_a_shared_server_says_that_it_does_not_download(monkeypatch):
    monkeypatch.setenv(hosted.VARIABLE, "1")
    app = opened()
    assert "doesn't do long downloads" in words(app)
    assert not any(b.key in (START, TABLES) for b in app.button)
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("pages/explore.py").run()
    assert not any(str(b.key).startswith("to-download") for b in app.button)


def test_the_missing_audio_of_a_data_set_can_be_fetched(tables):
    datasets.import_jamendo("tables", workspace.metadata_folder())
    app = AppTest.from_file(ENTRY, default_timeout=180)
    app.switch_page("pages/explore.py").run()
    assert "The audio of 40 tracks isn't here." in words(app)
    app.button(key="to-download-tables").click().run()
    settle(app, START)
    assert "The audio of 0 of its 40 tracks is here." in words(app)
    app.button(key=START).click().run()
    (job,) = jobs.listing()
    assert jamendo_audio.Request.of(job.request) == jamendo_audio.Request("tables", excerpt_s=30.0)


def ended(name, status, message=""):
    """A download's job that has ended so."""
    job = jobs.submit("download", {"name": name})
    jobs_on_disk.write_state(job.folder, jobs_on_disk.State(status, message, queued_at=1.0))


def test_what_came_is_there_to_explore_and_what_did_not_is_named(tables):
    del tables.server.files[tables.path(7)]
    jamendo_audio.download({"name": "mine"})
    ended("mine", "finished")
    app = opened()
    assert "**mine** is ready. The audio of 39 of its 40 tracks is here." in words(app)
    assert list(app.dataframe[0].value["track_id"]) == ["track_0000007"]
    next(b for b in app.button if b.label == "Try those again").click().run()
    assert [job.status for job in jobs.listing()] == ["queued", "finished"]
    jobs.listing()[0].cancel()
    app = opened()
    next(b for b in app.button if b.label == "Explore it").click().run()
    assert not app.exception
    assert app.selectbox(key="data").value == "mine"
    assert "**40** tracks" in words(app)


def test_a_failed_download_says_why(tables):
    ended("mine", "failed", "The server answers <b>500</b>. Try again later.")
    app = opened()
    text = words(app)
    assert "The download of **mine** failed. The server answers <b>500</b>." in text
    assert any(b.key == "download-resume" for b in app.button)

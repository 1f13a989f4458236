"""The Library page, through Streamlit's own test client."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import datasets, jobs, library
from genre_engine.library import catalogue, mapping
from tests.library import filled
from tests.library.songs import write_song

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")


@pytest.fixture(autouse=True)
def _local(workspace, monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_LOCAL_PATHS", "1")


@pytest.fixture
def mine(tmp_path):
    """A library of 60 songs by six artists: jazz, rock, and some that are unsure."""
    lib = filled.made(tmp_path)
    for number in range(60):
        form, suffix = ("FLAC", "flac") if number < 2 else ("WAV", "wav")
        path = tmp_path / "music" / f"{number:02}.{suffix}"
        if number < 2:
            write_song(path, form, 300 + number)
        scores = (filled.wide(jazz=0.9), filled.wide(rock=0.8), filled.wide(pop=0.4))[number % 3]
        filled.add(
            lib,
            str(path),
            embedding=[number % 3, number / 10, 1],
            scores=scores,
            title=f"Song {number:02}",
            artist=f"Artist {number % 6}",
        )
    with lib.connect() as connection:
        connection.execute("UPDATE songs SET root = ?", (str(tmp_path / "music"),))
    return lib


def page(**choices):
    app = AppTest.from_file(ENTRY, default_timeout=60)
    app.switch_page("pages/library.py").run()
    for name, value in choices.items():
        app.session_state[name] = value
    if choices:
        app.run()
    assert not app.exception
    return app


def said(app):
    kinds = ("markdown", "header", "info", "error", "title", "success", "warning")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind))


def table(app):
    return app.dataframe[0].value


def button(app, label):
    return next(one for one in app.button if one.label == label)


def test_without_a_library_one_sentence_says_what_will_happen_and_what_will_not():
    app = page()
    assert "every song in it is analysed on this computer" in said(app)
    assert "no file is changed" in said(app)
    assert button(app, "Analyse the folder").disabled


def test_a_folder_is_scanned_from_the_page(tmp_path, monkeypatch):
    folder = tmp_path / "songs"
    folder.mkdir()
    write_song(folder / "a.flac", "FLAC")
    app = page()
    app.text_input(key="library-folder").set_value(str(folder)).run()
    button(app, "Analyse the folder").click().run()
    assert not app.exception
    (job,) = jobs.listing()
    assert (job.kind, job.title) == ("library", "Scan music")
    assert job.request["folders"] == [str(folder)]
    job.cancel()


def test_a_folder_that_is_not_there_is_named():
    app = page()
    app.text_input(key="library-folder").set_value("/no/such/folder").run()
    button(app, "Analyse the folder").click().run()
    assert "There is no folder" in said(app)
    assert jobs.listing() == []


def test_the_songs_come_by_the_page_and_the_filters_leave_some(mine):
    app = page()
    assert "**60** songs" in said(app)
    assert len(table(app)) == 50
    assert table(app)["Analysed"].tolist()[:3] == ["Jazz", "Rock", "Pop"]
    app.selectbox(key="genre-mine").set_value("Jazz").run()
    assert len(table(app)) == 20
    assert set(table(app)["Analysed"]) == {"Jazz"}
    app.text_input(key="find-mine").set_value("artist SONG 03").run()
    assert table(app)["Title"].tolist() == ["Song 03"]
    app.text_input(key="find-mine").set_value("").run()
    app.text_input(key="where-mine").set_value("artist = 'artist 3' and score > 80").run()
    assert set(table(app)["Artist"]) == {"Artist 3"}
    app.text_input(key="where-mine").set_value("colour = red").run()
    assert "is no field" in said(app)
    assert not app.exception


def test_unsure_songs_are_those_to_review(mine):
    app = page()
    app.selectbox(key="state-mine").set_value("To review").run()
    assert set(table(app)["Analysed"]) == {"Pop"}
    assert len(table(app)) == 20


def test_all_that_the_filters_leave_are_accepted_after_a_question_and_it_is_undone(mine):
    app = page()
    app.selectbox(key="genre-mine").set_value("Jazz").run()
    button(app, "Accept all 20 shown by the filters").click().run()
    assert "become yours for **20** songs" in said(app)
    assert catalogue.table(mine)["accepted"].sum() == 0
    button(app, "Accept 20").click().run()
    assert catalogue.table(mine)["accepted"].sum() == 20
    assert "Decided on 20 songs" in said(app)
    button(app, "Undo").click().run()
    assert catalogue.table(mine)["accepted"].sum() == 0
    assert not app.exception


def test_decisions_become_a_data_set(mine):
    songs = mine.songs()
    mine.decide(songs["sound"][:30], "corrected", ["Jazz"])
    mine.decide(songs["sound"][30:50], "accepted", ["Rock"])
    app = page()
    assert "genres of **50** songs" in said(app)
    button(app, "Make it").click().run()
    assert datasets.open("mine-corrected").genres == ("Jazz", "Rock")


def test_words_of_ones_own_are_kept_and_used(mine):
    app = page(**{"library-tab": "Your words"})
    assert "What the networks analyse can have any name" in said(app)
    app.selectbox(key="preset-mine").set_value("broad").run()
    assert not app.exception
    assert "Soul & R\\&B" in said(app) or "Jazz 20" in said(app)
    button(app, "Use these words").click().run()
    assert not app.exception
    assert mapping.load(mine).words(mine.scores()[0])
    assert not mapping.load(mine).keep_others


def test_a_library_is_removed_after_a_question(mine):
    app = page()
    button(app, "Remove").click().run()
    assert "Your music files stay as they are" in said(app)
    assert library.names() == ["mine"]
    button(app, "Remove it").click().run()
    assert library.names() == []


def test_a_shared_server_and_another_computer_have_no_library(mine, monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_LOCAL_PATHS", "0")
    assert "it works there alone" in said(page())
    monkeypatch.setenv("GENRE_ENGINE_LOCAL_PATHS", "1")
    monkeypatch.setenv("GENRE_ENGINE_HOSTED", "1")
    app = page()
    assert "it works there alone" in said(app)
    assert "Song 00" not in said(app)


def test_a_song_on_classify_shows_similar_ones_of_the_library(mine, monkeypatch):
    from genre_engine.prediction import questions
    from pages.components.classify.queue import Hearing

    app = AppTest.from_file(ENTRY, default_timeout=60)
    app.switch_page("pages/classify.py").run()
    (song,) = app.session_state["songs"]
    assert "Similar songs in your library" in [one.label for one in app.expander]
    song.hearings[questions.EMBEDDING] = Hearing(
        questions.EMBEDDING,
        state="done",
        answer={"embedding": [1.0, 0.0, 1.0], "networks": ["msd-fcn"]},
    )
    app.session_state[f"{song.key}-similar"] = True
    app.run()
    assert not app.exception
    found = next(one.value for one in app.dataframe if "In common" in one.value)
    assert len(found) == 12  # six artists, two songs each
    assert set(found["Genres"]) <= {"Jazz", "Rock", "Pop"}


def test_classify_without_a_library_offers_none(workspace):
    app = AppTest.from_file(ENTRY, default_timeout=60)
    app.switch_page("pages/classify.py").run()
    assert "Similar songs in your library" not in [one.label for one in app.expander]


def test_the_plan_is_shown_before_anything_is_written(mine, monkeypatch):
    done = []
    monkeypatch.setattr(jobs, "submit", lambda kind, request, **_: done.append((kind, request)))
    app = page(**{"library-tab": "Write tags"})
    assert "nothing is written before you agree" in said(app)
    assert not [one for one in app.button if one.label.startswith("Write into")]
    app.radio(key="tag-mode-mine").set_value("append").run()
    button(app, "Show the plan").click().run()
    assert not app.exception
    ((kind, request),) = done
    assert (kind, request["mode"], request["least"]) == ("tags", "append", 0.5)
    assert request.get("action", "plan") == "plan"

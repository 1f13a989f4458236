"""Corrections on the Classify page: made, shown, removed and brought back, and a data set of them.

What the listening process would answer is put there, so that no network is needed.
"""

from dataclasses import asdict
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import datasets
from genre_engine.prediction import questions, teaching
from genre_engine.storage import owners
from genre_engine.storage.owners import Owner
from pages.components.classify import session
from pages.components.classify.queue import Listener
from tests.prediction.taught import FAST, songs, vector

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")


@pytest.fixture(autouse=True)
def _nobody_listens(workspace, monkeypatch):
    monkeypatch.setattr(Listener, "submit", lambda self, song, model: None)


def page():
    at = AppTest.from_file(ENTRY, default_timeout=180)
    at.switch_page("pages/classify.py")
    at.run()
    assert not at.exception
    return at


def run(at):
    at.run()
    assert not at.exception
    return at


def text(at):
    """What stands on the page, without the signs that keep text from being Markdown."""
    found = " ".join(element.value for element in [*at.markdown, *at.error, *at.warning])
    return found.replace("\\", "")


def song(at):
    return at.session_state["songs"][0]


def answered(at, **changes):
    """The page once the song's vector is known."""
    hearing = song(at).hearings[questions.EMBEDDING]
    hearing.answer = {"networks": list(FAST), "embedding": list(vector(0, 50, 900))}
    hearing.state = "done"
    for name, value in changes.items():
        setattr(hearing, name, value)
    return run(at)


def teach(n=8, genres=("folk", "rock"), artists=4, visitor="me"):
    for one in songs(n, list(genres), artists):
        values = asdict(one)
        teaching.correct(visitor, values.pop("sha256"), values.pop("genres"), **values)


def opened(at, key):
    at.session_state[key] = True
    return run(at)


def test_without_corrections_nothing_is_asked_nor_said():
    at = page()
    assert questions.EMBEDDING not in song(at).hearings
    assert "orrections" not in text(at)


def test_a_song_is_corrected_once_its_vector_is_known_and_says_so():
    at = page()
    key = song(at).key
    opened(at, f"{key}-correct")
    assert song(at).hearings[questions.EMBEDDING].busy
    at.multiselect(key=f"{key}-words").set_value(["folk", "rock"])
    run(at)
    at.button(key=f"{key}-teach").click()
    run(at)
    assert "your correction is kept" in text(at)
    assert teaching.listing("me").songs == ()
    answered(at)
    assert "You said: **folk, rock**" in text(at)
    (kept,) = teaching.listing("me").songs
    assert (kept.sha256, kept.genres, kept.networks) == (song(at).sha256, ("folk", "rock"), FAST)

    opened(at, f"{key}-correct")
    at.button(key=f"{key}-forget").click()
    run(at)
    assert "You said" not in text(at)
    assert teaching.listing("me").songs == ()


def test_a_song_whose_vector_cannot_be_had_is_not_corrected_and_says_why():
    at = page()
    key = song(at).key
    at.session_state[f"{key}-corrected"] = ["folk"]
    run(at)
    answered(at, answer=None, state="failed", error=teaching.WrongUsage("No networks are here."))
    assert "Nothing was kept: No networks are here." in text(at)
    assert "your correction is kept" not in text(at)


def test_what_the_corrections_say_stands_beside_the_networks_with_how_little_they_saw():
    teach()
    at = answered(page())
    assert "Your corrections say: **Folk " in text(at)
    assert "learnt from 8 songs of 2 genres: a guess" in text(at)


def test_from_ten_songs_on_the_share_named_right_is_shown_beside_the_baseline():
    teach(12, artists=12)
    at = answered(page())
    assert "it got 12 of 12 right, always saying Folk gets 6" in text(at)


def test_songs_of_one_genre_teach_nothing_and_the_list_says_what_is_missing():
    teach(6, ["folk"], 3)
    at = opened(answered(page()), "corrections")
    assert "Your corrections say" not in text(at)
    assert "2 genres of 2 songs each" in text(at)
    assert not [button for button in at.button if button.key == "corrections-dataset"]


def test_a_correction_is_removed_from_the_list_and_brought_back():
    teach()
    at = opened(page(), "corrections")
    first = teaching.listing("me").songs[0]
    at.button(key=f"forget-{first.sha256}").click()
    run(at)
    assert f"Removed **{first.title}**" in text(at)
    assert teaching.listing("me").of(first.sha256) is None
    at.button(key="restore-correction").click()
    run(at)
    assert teaching.listing("me").of(first.sha256) == first
    assert "Removed" not in text(at)


def test_one_click_makes_a_data_set_and_leads_to_train():
    teach()
    at = opened(page(), "corrections")
    at.button(key="corrections-dataset").click()
    run(at)
    assert at.title[0].value == "Train a classifier"
    assert datasets.open("corrections").tracks["artist_id"].nunique() == 4
    at = opened(page(), "corrections")
    at.button(key="corrections-dataset").click()
    run(at)
    assert datasets.open("corrections-2").genres == ("folk", "rock")


def test_a_damaged_file_of_corrections_is_reported_and_the_page_goes_on(workspace):
    teach()
    with (workspace / "corrections.jsonl").open("a") as file:
        file.write("{\n")
    at = answered(page())
    assert "A line of corrections.jsonl can't be read" in text(at)
    assert "Your corrections say" in text(at)


def test_hostile_words_and_titles_stay_text():
    word, title = "**[x](javascript:a)**", "<b>:red[x]"
    for one in songs(4, ["folk", word], 4):
        values = asdict(one) | {"title": title}
        teaching.correct("me", values.pop("sha256"), values.pop("genres"), **values)
    at = opened(answered(page()), "corrections")
    shown = " ".join(element.value for element in at.markdown)
    assert "x" in shown
    assert word not in shown
    assert title not in shown


def test_on_a_shared_server_corrections_and_their_data_set_are_the_visitor_s_alone(
    workspace, monkeypatch
):
    monkeypatch.setattr(teaching, "_in_memory", type(teaching._in_memory)())
    monkeypatch.setenv(owners.VARIABLE, "1")
    at = page()
    visit = at.session_state["visit-owner"]
    teach(visitor=visit)
    assert "orrections" not in text(page())
    at = opened(at, "corrections")
    at.button(key="corrections-dataset").click()
    run(at)
    assert not (workspace / "corrections.jsonl").exists()
    assert owners.owner(workspace / "datasets" / "corrections") == Owner(visit, private=True)


def test_what_a_card_asks_while_it_is_drawn_is_waited_for(monkeypatch):
    looked = []
    monkeypatch.setattr(session, "_look", lambda drawn: looked.append(drawn))
    at = page()
    assert looked == []
    opened(at, f"{song(at).key}-why")
    assert looked

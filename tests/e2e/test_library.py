"""The Library page in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from genre_engine import library
from genre_engine.library import catalogue
from tests.e2e import server
from tests.e2e.accessibility import grave_faults
from tests.e2e.seen import fits, settled
from tests.library import filled
from tests.library.songs import write_song

SCORES = (filled.wide(jazz=0.9), filled.wide(rock=0.8), filled.wide(pop=0.4))
TABS = ("Songs", "Map", "Your words", "Write tags")


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A workspace with a library of 60 songs, one of them on disk, and a folder of two more."""
    folder = tmp_path_factory.mktemp("library")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder / "workspace"))
        lib = filled.made(folder)
        write_song(folder / "music" / "00.flac", "FLAC")
        for number in range(60):
            filled.add(
                lib,
                str(folder / "music" / f"{number:02}.flac"),
                embedding=[number % 3, number / 10, 1],
                scores=SCORES[number % 3],
                title=f"Song {number:02}",
                artist=f"Artist {number % 6}",
            )
    (folder / "more").mkdir()
    for number in range(2):
        write_song(folder / "more" / f"more {number}.flac", "FLAC", 300 + 50 * number)
    return folder


@pytest.fixture(scope="module")
def app(music):
    with server.running(music / "workspace", music / "log") as started:
        yield started


def test_a_folder_is_scanned_and_its_songs_are_listed(visit, music, monkeypatch):
    page = visit("/library?library=mine")
    page.get_by_role("button", name="New library").click()
    page.get_by_role("textbox", name="Folder of music").fill(str(music / "more"))
    page.get_by_role("textbox", name="Name of the library").fill("more")
    page.keyboard.press("Enter")
    settled(page)
    page.get_by_role("button", name="Analyse the folder").click()
    expect(page.get_by_text(re.compile(r"2 songs · .* · 2 analysed"))).to_be_visible()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(music / "workspace"))
    assert library.open("more").counts()["analysed"] == 2


def test_a_click_on_a_row_plays_the_song_and_a_decision_is_kept(visit, music, monkeypatch):
    page = visit("/library?library=mine")
    table = page.get_by_test_id("stDataFrame").first
    expect(table).to_be_visible()
    settled(page)
    box = table.bounding_box()
    page.mouse.click(box["x"] + 120, box["y"] + 36 + 17)  # the first row's title
    card = page.locator(".st-key-song-card")
    expect(card.get_by_role("heading", name="Song 00")).to_be_visible()
    expect(card.locator("audio")).to_have_js_property("readyState", 4)
    page.get_by_role("button", name="Accept", exact=True).click()
    expect(page.get_by_text("Decided on 1 song.")).to_be_visible()
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(music / "workspace"))
    assert catalogue.table(library.open("mine"))["accepted"].tolist().count(True) == 1


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_tab_has_grave_accessibility_faults(visit, dark):
    page = visit("/library?library=mine", dark=dark)
    found = {}
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        settled(page)
        found[tab] = grave_faults(page)
    assert found == {tab: [] for tab in TABS}


def test_nothing_is_wider_than_a_phone_s_screen(visit):
    page = visit("/library?library=mine", width=390, height=844)
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        settled(page)
        fits(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_glossary_and_compare_have_no_grave_accessibility_faults(visit, dark):
    page = visit("/glossary", dark=dark)
    expect(page.get_by_role("heading").first).to_be_visible()
    assert grave_faults(page) == []
    page = visit("/compare", dark=dark)
    expect(page.get_by_role("heading").first).to_be_visible()
    assert grave_faults(page) == []

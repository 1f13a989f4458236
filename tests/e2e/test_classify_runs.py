"""The models of runs on the Classify page, in a real browser."""

import json
import shutil

import pytest
from playwright.sync_api import expect

from genre_engine.prediction import example
from tests import trainings
from tests.e2e import server
from tests.e2e.accessibility import grave_faults
from tests.e2e.seen import fits
from tests.e2e.test_classify import EXAMPLE_SENTENCE, all_heard, card, upload


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """(address, process) of a server whose workspace holds finished runs."""
    folder = tmp_path_factory.mktemp("runs")
    shutil.copytree(trainings.workspace_of(tmp_path_factory), folder / "workspace")
    with server.running(folder / "workspace", folder / "server.log") as started:
        yield started


def test_a_link_puts_two_models_side_by_side_on_one_song(visit, app):
    page = visit("/classify?model=pretrained&model=toy")
    shown = card(page, example.TITLE)
    expect(shown.get_by_role("heading", name=EXAMPLE_SENTENCE)).to_be_visible()
    expect(shown.get_by_text("synthetic music only").first).to_be_visible()
    expect(shown.locator(".strip")).to_have_count(2)
    all_heard(page)
    left, right = (shown.locator(".strip").nth(i).bounding_box() for i in (0, 1))
    assert left["x"] + left["width"] <= right["x"]
    page.wait_for_url("**model=full&model=toy**")


def test_a_song_is_heard_by_a_run_s_model_and_both_are_in_the_download(visit):
    page = visit("/classify?model=tones&model=one-of")
    expect(card(page, example.TITLE).locator(".strip")).to_have_count(2)
    upload(page, ("chords.flac", trainings.make_song(("chords", 20.0))))
    song = card(page, "chords.flac")
    expect(song.get_by_role("heading", name="Chords", exact=True)).to_be_visible()
    expect(song.get_by_role("heading", name="Chords, clearly")).to_be_visible()
    all_heard(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).click()
    found = json.loads(download.value.path().read_text())
    mine = {element["model"]: element for element in found if element["file"] == "chords.flac"}
    assert set(mine) == {"tones", "one-of"}
    assert all(len(element["windows"]) == 8 for element in mine.values())


def test_a_model_is_chosen_from_the_list(visit):
    page = visit("/classify")
    expect(page.get_by_role("heading", name=EXAMPLE_SENTENCE)).to_be_visible()
    page.get_by_test_id("stMultiSelect").locator("input").click()
    page.get_by_role("option", name="tones (3 genres)").click()
    page.wait_for_url("**model=full&model=tones**")
    expect(card(page, example.TITLE).locator(".strip")).to_have_count(2)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_two_models_have_no_grave_faults_and_fit_the_screen(visit, width, dark):
    page = visit("/classify?model=full&model=tones", width=width, dark=dark)
    shown = card(page, example.TITLE)
    expect(shown.locator(".strip")).to_have_count(2)
    all_heard(page)
    expect(shown.locator(".genre-bars")).to_have_count(2)
    assert grave_faults(page) == []
    fits(page)
    if width == 390:
        first, second = (shown.locator(".strip").nth(i).bounding_box() for i in (0, 1))
        assert first["x"] == second["x"]
        assert first["y"] < second["y"]

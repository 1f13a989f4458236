"""Fetching audio in a real browser: choose, estimate, start, cancel, go on, look at what came."""

from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from genre_engine import datasets
from genre_engine.download import jamendo_metadata, jamendo_plan
from tests.download import jamendo_server
from tests.download.jamendo_server import Server, World
from tests.e2e import server
from tests.e2e.accessibility import grave_faults
from tests.e2e.seen import fits, settled

N_TRACKS = 40


@contextmanager
def fetching(folder):
    """(world, address) of a server of the app that fetches music from one on loopback."""
    with Server() as made, pytest.MonkeyPatch.context() as patch:
        world = World(made, N_TRACKS, songs=[jamendo_server.mp3(0, 12.0)], seconds=12.0)
        patch.setenv(jamendo_metadata.JAMENDO_METADATA_VARIABLE, made.metadata_url)
        patch.setenv(jamendo_metadata.JAMENDO_AUDIO_VARIABLE, made.audio_url)
        with server.running(folder / "workspace", folder / "log") as (address, _):
            yield world, address


@pytest.fixture(scope="module")
def form(tmp_path_factory):
    """The address of the form on a server that this module's tests share."""
    with fetching(tmp_path_factory.mktemp("download")) as (_, address):
        yield f"{address}/explore?get=jamendo"


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def estimate(page):
    return page.locator(".st-key-download-estimate")


def ready(page):
    """With the tables there and the estimate drawn; whoever comes first fetches the tables."""
    fetch = button(page, "Fetch the tables (19 MB)")
    start = button(page, "Start the download")
    expect(fetch.or_(start)).to_be_visible()
    if fetch.is_visible():
        fetch.click()
    expect(start).to_be_visible()
    settled(page)


@pytest.fixture
def fetched(tmp_path):
    """(world, address) of a server for one test, which changes what is there."""
    with fetching(tmp_path) as started:
        yield started


def test_music_is_chosen_fetched_cancelled_gone_on_with_and_explored(browse, fetched, workspace):
    world, address = fetched
    for number, *_ in world.rows[8:]:
        world.server.faults[world.path(number)] = [("slow", 300, 0.2)] * 20
    page = browse(f"{address}/explore")
    button(page, "Choose and download").click()
    page.wait_for_url("**get=jamendo**")
    ready(page)
    expect(estimate(page)).to_contain_text("Tracks40")
    expect(estimate(page)).to_contain_text("Official parts: train")
    page.get_by_text("Whole tracks", exact=True).click()
    # The button of the choice before stays until the page is drawn again, and goes for nothing.
    expect(page.get_by_label("Seconds")).to_have_count(0)
    settled(page)
    expect(button(page, "Start the download")).to_be_visible()
    settled(page)
    button(page, "Start the download").click()

    progress = page.get_by_test_id("stProgress")
    expect(progress).to_contain_text(f"of {N_TRACKS} tracks")
    expect(progress).to_contain_text("MB/s")
    expect(page.locator(".st-key-chip")).to_contain_text("Download audio of jamendo-music")
    page.reload()
    expect(progress).to_contain_text(f"of {N_TRACKS} tracks")
    button(page, "Cancel").click()
    expect(page.get_by_text("was cancelled")).to_be_visible()
    expect(page.get_by_text(f"of its {N_TRACKS} tracks is here").first).to_be_visible()

    world.server.faults.clear()
    settled(page)
    button(page, "Go on").click()
    expect(page.get_by_text(f"The audio of {N_TRACKS} of its {N_TRACKS} tracks")).to_be_visible()
    train = page.get_by_role("link", name="Train on this").first
    assert "data=jamendo-music" in train.get_attribute("href")
    settled(page)
    button(page, "Explore it").click()
    expect(page.get_by_text(f"{N_TRACKS} tracks").first).to_be_visible()
    expect(page.get_by_label("Data set").first).to_have_value("jamendo-music")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    made = datasets.open("jamendo-music")
    assert len(jamendo_plan.sizes(made.audio_folder)) == N_TRACKS
    assert max(world.server.fetched_whole().values()) == 1


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_form_has_no_grave_accessibility_faults(browse, form, dark):
    page = browse(form, dark=dark)
    ready(page)
    assert grave_faults(page) == []


def test_on_a_phone_nothing_is_wider_than_the_screen(browse, form):
    page = browse(form, width=390, height=844)
    ready(page)
    fits(page)

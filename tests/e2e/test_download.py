"""Fetching audio in a real browser: choose, estimate, start, cancel, go on, look at what came."""

import pytest
from playwright.sync_api import expect

from genre_engine import datasets
from genre_engine.datasets import audio_request, download
from tests.datasets import jamendo_server
from tests.datasets.jamendo_server import Server, World
from tests.e2e import server
from tests.e2e.accessibility import grave_faults

WORK_MS = 120_000
N_TRACKS = 40


@pytest.fixture(scope="module")
def world():
    with Server() as made:
        yield World(made, N_TRACKS, songs=[jamendo_server.mp3(0, 12.0)], seconds=12.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("download")


@pytest.fixture(scope="module")
def app(world, folder):
    """(address, process) of a server that fetches from the one on loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder / "workspace"))
        patch.setenv(download.JAMENDO_METADATA_VARIABLE, world.server.metadata_url)
        patch.setenv(download.JAMENDO_AUDIO_VARIABLE, world.server.audio_url)
        with server.running(folder / "workspace", folder / "log") as started:
            yield started


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def estimate(page):
    return page.locator(".st-key-download-estimate")


def settled(page):
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning"
    )


def ready(page):
    """With the tables there and the estimate drawn; whoever comes first fetches the tables."""
    fetch = button(page, "Fetch the tables (19 MB)")
    start = button(page, "Start the download")
    expect(fetch.or_(start)).to_be_visible(timeout=WORK_MS)
    if fetch.is_visible():
        fetch.click()
    expect(start).to_be_visible(timeout=WORK_MS)
    settled(page)


def test_music_is_chosen_fetched_cancelled_gone_on_with_and_explored(
    visit, world, folder, monkeypatch
):
    for number, *_ in world.rows[8:]:
        world.server.faults[world.path(number)] = [("slow", 300, 0.2)] * 20
    page = visit("/explore")
    button(page, "Choose and download").click(timeout=WORK_MS)
    page.wait_for_url("**get=jamendo**")
    ready(page)
    expect(estimate(page)).to_contain_text("Tracks40")
    expect(estimate(page)).to_contain_text("Official parts: train")
    page.get_by_text("Whole tracks", exact=True).click()
    expect(button(page, "Start the download")).to_be_visible(timeout=WORK_MS)
    settled(page)
    button(page, "Start the download").click()

    progress = page.get_by_test_id("stProgress")
    expect(progress).to_contain_text(f"of {N_TRACKS} tracks", timeout=WORK_MS)
    expect(progress).to_contain_text("MB/s", timeout=WORK_MS)
    expect(page.locator(".st-key-chip")).to_contain_text("Download audio of jamendo-music")
    page.reload()
    expect(progress).to_contain_text(f"of {N_TRACKS} tracks", timeout=WORK_MS)
    button(page, "Cancel").click()
    expect(page.get_by_text("was cancelled")).to_be_visible(timeout=WORK_MS)
    expect(page.get_by_text(f"of its {N_TRACKS} tracks is here").first).to_be_visible()

    world.server.faults.clear()
    settled(page)
    button(page, "Go on").click()
    expect(page.get_by_text(f"The audio of {N_TRACKS} of its {N_TRACKS} tracks")).to_be_visible(
        timeout=WORK_MS
    )
    train = page.get_by_role("link", name="Train on this").first
    assert "data=jamendo-music" in train.get_attribute("href")
    settled(page)
    button(page, "Explore it").click()
    expect(page.get_by_text(f"{N_TRACKS} tracks").first).to_be_visible(timeout=WORK_MS)
    expect(page.get_by_label("Data set").first).to_have_value("jamendo-music")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(folder / "workspace"))
    made = datasets.open("jamendo-music")
    assert len(audio_request.sizes(made.audio_folder)) == N_TRACKS
    assert max(world.server.fetched_whole().values()) == 1


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_form_has_no_grave_accessibility_faults(visit, dark):
    page = visit("/explore?get=jamendo", dark=dark)
    ready(page)
    assert grave_faults(page) == []


def test_on_a_phone_nothing_is_wider_than_the_screen(visit):
    page = visit("/explore?get=jamendo", width=390, height=844)
    ready(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("m => m.scrollWidth <= m.clientWidth")

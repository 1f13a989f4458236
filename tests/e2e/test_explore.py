"""The Explore page in a real browser, on a fresh server."""

import os

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from genre_engine import datasets
from tests.e2e import server
from tests.e2e.accessibility import grave_faults
from tests.e2e.seen import fits, hover, resting_box, settled, wait_until


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("explore")


@pytest.fixture(scope="module")
def app(folder):
    """(address, process) of a server whose workspace holds two small data sets."""
    rng = np.random.default_rng(0)
    for genre, hz in (("pop", 330), ("rock", 220)):
        (folder / "music" / genre).mkdir(parents=True)
        for n in range(6):
            t = np.arange(22050 * 3) / 22050
            samples = 0.3 * np.sin(2 * np.pi * hz * (1 + n / 12) * t)
            soundfile.write(folder / "music" / genre / f"{n}.wav", samples, 22050)
    lines = ["track_id,a,b,c,label"]
    for n in range(40):
        values = ",".join(f"{v:.3f}" for v in rng.normal(3 * (n % 2), 1, 3))
        lines.append(f"row {n},{values},{'jazz' if n % 2 else 'rock'}")
    (folder / "table.csv").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder / "workspace"))
        datasets.import_folder("music", folder / "music", jobs=1)
        datasets.import_table("table", folder / "table.csv", label="label")
    with server.running(folder / "workspace", folder / "log") as started:
        yield started


def no_exception(page):
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_cold_deep_link_opens_the_page_with_its_navigation(visit):
    page = visit("/explore?data=table")
    expect(page.get_by_role("heading", name="What is in the music?")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(7)
    expect(page.get_by_text("40 tracks").first).to_be_visible()


def test_the_choice_stands_in_the_address(visit):
    page = visit("/explore?data=table")
    settled(page)
    page.get_by_role("radio", name="Count", exact=True).click()
    page.wait_for_url("**values=Count**")
    page.reload()
    expect(page.get_by_role("radio", name="Count", exact=True)).to_be_checked()


def test_a_selected_row_opens_a_drawer_with_player_and_five_pictures(visit):
    page = visit("/explore?data=music", height=2600)
    table = page.get_by_test_id("stDataFrame").first
    expect(table.locator("canvas").first).to_be_visible()
    settled(page)
    table.click(position={"x": 18, "y": 55})
    drawer = page.locator(".st-key-drawer")
    expect(drawer.locator("audio")).to_be_visible()
    for title in ("Waveform", "MFCC", "Mel spectrogram", "Chroma", "Tonnetz"):
        expect(drawer.get_by_text(title, exact=True)).to_be_visible()
    no_exception(page)


def test_a_click_on_the_map_opens_the_track(visit):
    page = visit("/explore?data=table&look=Map", height=2000)
    chart = page.locator("[class*=st-key-map-table] .js-plotly-plot")
    expect(chart).to_be_visible()
    settled(page)
    resting_box(chart)
    place = chart.evaluate(
        """gd => { const t = gd._fullData[0], l = gd._fullLayout, b = gd.getBoundingClientRect();
        return [b.left + l.xaxis._offset + l.xaxis.d2p(t.x[0]),
                b.top + l.yaxis._offset + l.yaxis.d2p(t.y[0])]; }"""
    )
    hover(page, chart, place)
    page.mouse.click(*place)
    expect(page.locator(".st-key-drawer").get_by_text("features only")).to_be_visible()
    no_exception(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_has_no_grave_accessibility_faults(visit, dark):
    page = visit("/explore?data=music", dark=dark)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    settled(page)
    assert grave_faults(page) == []
    fits(page)


def test_nothing_is_wider_than_a_phone_s_screen(visit):
    page = visit("/explore?data=music", width=390)
    expect(page.get_by_text("Artist overlap").first).to_be_visible()
    settled(page)
    fits(page)


def test_a_data_set_is_removed_after_a_question(visit, folder, monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(folder / "workspace"))
    if "doomed" not in names():
        datasets.import_table("doomed", folder / "table.csv", label="label")
    page = visit("/explore?data=doomed")
    page.get_by_role("button", name="Add a data set").click()
    page.get_by_role("radio", name="Folder of music").wait_for()
    page.get_by_label("Folder on this computer").fill(os.devnull)
    page.get_by_label("Folder on this computer").press("Enter")
    settled(page)
    page.get_by_role("button", name="Import the folder").click()
    expect(page.get_by_text("There is no folder").first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_role("button", name="Remove it").click()
    wait_until(lambda: "doomed" not in names())
    expect(page.get_by_text("12 tracks").first).to_be_visible()
    expect(page.get_by_label("Data set", exact=True)).to_have_value(names()[0])
    no_exception(page)


def names():
    return [entry["name"] for entry in datasets.listing()]

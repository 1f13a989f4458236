"""The Results page in a real browser, on a fresh server."""

import pytest
from playwright.sync_api import expect

from genre_engine import metrics
from tests.e2e import server
from tests.e2e.accessibility import grave_faults
from tests.e2e.seen import hover, resting_box, settled, wait_until
from tests.finished_runs import finished


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """(address, process) of a server whose workspace holds a finished run."""
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder / "workspace"))
        run = finished("first", skill=0.3)
        predicted = run.predictions("validation")
        judged = metrics.check(predicted.y, predicted.p, run.config.genres)
        platt = metrics.calibration.fit(judged).to_dict()
        run.write_json("report.json", {**run.report(), "calibration": platt})
    with server.running(folder / "workspace", folder / "log") as started:
        yield started


def test_a_cold_deep_link_opens_the_run_with_its_verdict(visit):
    page = visit("/metrics?run=first")
    expect(page.get_by_role("heading", name="How good is it, honestly?")).to_be_visible()
    expect(page.get_by_role("heading", name="Right first guess for ")).to_be_visible()
    expect(page.get_by_text("Macro F1 0.").first).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()


def test_a_click_on_a_cell_lists_its_tracks(visit):
    page = visit("/metrics?run=first&shown=Mistakes", height=1600)
    chart = page.locator(".js-plotly-plot").filter(has=page.locator(".heatmaplayer")).first
    heat = chart.locator(".heatmaplayer").first
    expect(heat).to_be_visible()
    settled(page)
    box = resting_box(heat)
    at = box["x"] + box["width"] * 1.5 / 4, box["y"] + box["height"] * 0.5 / 3
    hover(page, chart, at)
    page.mouse.click(*at)
    expect(page.get_by_role("heading", name="True: Jazz; Rock was predicted")).to_be_visible()


def test_the_curves_follow_the_slider_without_being_built_anew(visit):
    page = visit("/metrics?run=first&shown=Thresholds", height=1600)
    chart = page.locator(".live-plot")
    expect(chart.locator(".main-svg").first).to_be_visible()
    settled(page)
    chart.evaluate("node => { node.dataset.same = 'yes'; }")
    marks = "node => JSON.stringify(node.layout.shapes)"
    before = chart.evaluate(marks)
    assert before.startswith("[{")
    page.get_by_role("slider").first.press("ArrowRight")
    wait_until(lambda: chart.evaluate(marks) != before)
    expect(chart).to_have_attribute("data-same", "yes")


# What is to be read in each part of the page once it is there.
PARTS = {
    "Genres": "is recognised best",
    "Mistakes": "Listen to its mistakes",
    "Thresholds": "A lower threshold finds more",
    "Calibration": "Platt's scaling",
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_grave_stands_in_the_way_of_a_screen_reader(visit, dark):
    """All parts in one visit: to load the page takes longer than to look at it."""
    page = visit("/metrics?run=first", height=1600, dark=dark)
    found = {}
    for part, description in PARTS.items():
        page.get_by_role("tab", name=part, exact=True).click()
        expect(page.get_by_text(description).first).to_be_visible()
        settled(page)
        expect(page.locator("[role=tabpanel]:visible .main-svg").first).to_be_visible()
        found[part] = grave_faults(page)
    assert found == {part: [] for part in PARTS}


def test_on_a_phone_nothing_is_wider_than_the_screen(visit):
    page = visit("/metrics?run=first", width=390, height=900)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    table = page.locator(".st-key-course-tables table").first
    expect(table).to_be_visible()
    settled(page)
    assert resting_box(table)["width"] <= 390

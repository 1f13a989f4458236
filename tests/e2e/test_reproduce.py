"""The Reproduce page in a real browser, with some stages done, one failed and the rest to come."""

import pytest
from playwright.sync_api import expect

from genre_engine import reproduce
from tests.e2e import server
from tests.e2e.accessibility import grave_faults
from tests.e2e.seen import fits, settled
from tests.reproduce.conftest import SHORT, import_table


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """(address, process) of a server on whose data set some stages are done."""
    folder = tmp_path_factory.mktemp("reproduce")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder / "workspace"))
        import_table(folder)
        request = {"dataset": "small", "stages": ["figures", "honest-fcn"], "settings": SHORT}
        found = reproduce.reproduce(request)
        found.set("forest", status="failed", message="The disk is full.")
    with server.running(folder / "workspace", folder / "log") as started:
        yield started


def opened(visit, **options):
    page = visit("/reproduce", **options)
    expect(page.get_by_role("heading", name="The experiment, finished")).to_be_visible()
    expect(page.get_by_role("table").first).to_be_visible()
    settled(page)
    return page


def test_a_cold_deep_link_shows_what_was_published_found_and_failed(visit):
    page = opened(visit)
    row = page.get_by_role("row", name="Macro F1").first
    expect(row).to_contain_text("0.08")
    expect(row).to_contain_text("not yet run")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.get_by_role("tab", name="Stages").click()
    expect(page.get_by_text("failed · The disk is full.")).to_be_visible()
    page.get_by_role("tab", name="Trainings").click()
    expect(page.get_by_text("not yet run: Logistic regression")).to_be_visible()
    page.get_by_role("tab", name="Nine figures").click()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize(
    ("width", "dark"), [(1280, False), (1280, True), (390, False)], ids=["light", "dark", "phone"]
)
def test_the_page_has_no_grave_accessibility_faults_and_fits_the_screen(visit, width, dark):
    page = opened(visit, width=width, dark=dark)
    for tab in ("Published and found", "Stages", "Nine figures", "Trainings"):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        settled(page)
        assert grave_faults(page) == []
        fits(page)
        for table in page.get_by_role("table").all():
            box = table.bounding_box()
            assert box is None or box["x"] + box["width"] <= width

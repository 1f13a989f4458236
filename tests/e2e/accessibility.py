"""What axe finds on a page, the grave faults only."""

from axe_playwright_python.sync_playwright import Axe

from tests.e2e.seen import settled, wait_until

# A colour that is still changing has the contrast of neither state; spinners never end.
_AT_REST = """() => document.getAnimations().every(
    one => one.playState !== "running" || one.effect.getComputedTiming().endTime === Infinity)"""


def grave_faults(page):
    settled(page)
    wait_until(lambda: page.evaluate(_AT_REST))
    return [
        (fault["id"], [(node["html"][:200], node["failureSummary"]) for node in fault["nodes"]])
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in ("critical", "serious")
    ]

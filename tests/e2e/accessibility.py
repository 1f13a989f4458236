"""What axe finds on a page, the grave faults only."""

from axe_playwright_python.sync_playwright import Axe

from tests.e2e.seen import settled, wait_until

# A colour that is still changing has the contrast of neither state; spinners never end.
_AT_REST = """() => document.getAnimations().every(
    one => one.playState !== "running" || one.effect.getComputedTiming().endTime === Infinity)"""


# A style that comes a moment after what it is for is no fault; one that stays wrong is.
_LOOKS = 3
_BETWEEN_MS = 1000


def grave_faults(page):
    """What is still wrong after some seconds."""
    found = _faults(page)
    for _ in range(_LOOKS - 1):
        if not found:
            break
        page.wait_for_timeout(_BETWEEN_MS)
        found = _faults(page)
    return found


def _faults(page):
    settled(page)
    wait_until(lambda: page.evaluate(_AT_REST))
    return [
        (fault["id"], [(node["html"][:200], node["failureSummary"]) for node in fault["nodes"]])
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in ("critical", "serious")
    ]

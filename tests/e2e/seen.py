"""Waiting for what a page, or anything else, comes to."""

import time

from playwright.sync_api import expect

# A machine may be so busy that a server or a browser takes its time; who succeeds waits for none of
# it.
PATIENCE_S = 300
PATIENCE_MS = 1000 * PATIENCE_S


def wait_until(true, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it didn't happen in time"
        time.sleep(0.1)


def settled(page):
    """Wait until the page's script has run: what it draws replaces nothing any more."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def resting_box(element):
    """Where an element lies, once it has stopped moving."""
    boxes = [None]

    def rests():
        boxes.append(element.bounding_box())
        return boxes[-1] is not None and boxes[-1] == boxes[-2]

    wait_until(rests)
    return boxes[-1]


def hover(page, chart, place):
    """Put the pointer on a place of a plotly chart, until the chart has felt it."""
    x, y = place
    steps = iter(range(10_000))

    def felt():
        page.mouse.move(x + next(steps) % 2, y)
        return chart.locator(".hoverlayer .hovertext").count()

    wait_until(felt)


def fits(page):
    """Wait until nothing is wider than the page's main part: a figure shrinks after its screen."""
    main = page.get_by_test_id("stMain")
    wait_until(lambda: main.evaluate("m => m.scrollWidth <= m.clientWidth"))

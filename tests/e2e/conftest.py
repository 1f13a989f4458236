"""Browser tests: a real server, Debian's Chromium.

A test waits for what is to be seen, however long a busy machine takes; no test looks at a clock.
"""

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.e2e import server
from tests.e2e.seen import PATIENCE_MS


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """(address, process) of a server for this module's tests."""
    folder = tmp_path_factory.mktemp("app")
    with server.running(folder / "workspace", folder / "server.log") as started:
        yield started


@pytest.fixture(scope="session")
def launched():
    """Gives a browser: always the same one, or another if that has crashed."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browsers = []

        def launch():
            if not browsers or not browsers[-1].is_connected():
                browsers.append(
                    playwright.chromium.launch(
                        executable_path="/usr/bin/chromium",
                        args=["--no-sandbox"],
                        timeout=PATIENCE_MS,
                    )
                )
            return browsers[-1]

        yield launch
        for browser in browsers:
            browser.close()


@pytest.fixture
def browse(launched):
    """Opens an address in a browser context of its own."""
    contexts = []

    def opened(address, *, width=1280, height=1000, dark=False):
        context = launched().new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def visit(browse, app):
    """Opens a page of the module's server."""

    def opened(path="/", **options):
        return browse(app[0] + path, **options)

    return opened

"""Browser tests: a real server, Debian's Chromium."""

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.e2e import server


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """(address, process) of a server for this module's tests."""
    folder = tmp_path_factory.mktemp("app")
    with server.running(folder / "workspace", folder / "server.log") as started:
        yield started


@pytest.fixture(scope="session")
def chromium():
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, app):
    """Opens a page of the app in a browser context of its own."""
    contexts = []

    def opened(path="/", *, width=1280, height=1000, dark=False):
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(app[0] + path)
        return page

    yield opened
    for context in contexts:
        context.close()

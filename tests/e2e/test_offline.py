"""The app needs nobody but its own server, and its first page is small."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e.seen import settled

PAGES = ("classify", "explore", "train", "results", "compare", "reproduce", "glossary")


@pytest.mark.parametrize("page_name", PAGES)
def test_no_page_asks_another_host_for_anything(app, launched, page_name):
    address, _ = app
    asked = []
    context = launched().new_context()
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/{page_name}")
    expect(page.locator("h1").first).to_be_visible()
    settled(page)
    context.close()
    foreign = [
        url
        for url in asked
        if urlsplit(url).scheme not in ("data", "blob")
        and urlsplit(url).netloc != urlsplit(address).netloc
    ]
    assert foreign == []
    assert asked

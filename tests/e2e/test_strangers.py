"""Two strangers on a server that they share, each in a browser of their own."""

import pytest
from playwright.sync_api import expect

from genre_engine import runs
from genre_engine.storage import owners
from genre_engine.training import bundle
from tests import trainings
from tests.e2e import server
from tests.e2e.seen import settled, wait_until


@pytest.fixture(scope="module")
def zipped(tmp_path_factory):
    """A run as a zip, from another machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(trainings.workspace_of(tmp_path_factory)))
        return bundle.export(runs.open("tones"), tmp_path_factory.mktemp("zip") / "tones.zip")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """(address, workspace) of a server that visitors share."""
    folder = tmp_path_factory.mktemp("shared")
    with server.running(folder / "workspace", folder / "log", **{owners.VARIABLE: "1"}) as (
        address,
        _,
    ):
        yield address, folder / "workspace"


def test_what_one_brings_the_other_neither_sees_nor_changes(browse, shared, zipped, monkeypatch):
    address, workspace = shared
    mine = browse(f"{address}/train")
    mine.get_by_text("Import a run from another machine").click()
    mine.locator("input[type=file]").set_input_files(zipped)
    expect(mine.get_by_role("link", name="tones · finished")).to_be_visible()
    settled(mine)
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(workspace))
    (run,) = runs.listing()
    wait_until(lambda: (run.folder / owners.FILE).is_file())

    # A new tab of the same browser is the same visitor.
    tab = mine.context.new_page()
    tab.goto(f"{address}/train?run={run.id}")
    expect(tab.get_by_role("button", name="Export")).to_be_visible()

    other = browse(f"{address}/train")
    settled(other)
    expect(other.get_by_text("tones")).to_have_count(0)
    for page in (
        f"train?run={run.id}",
        "train?run=tones",
        "train?run=zzzz",
        f"train?job={run.id}",
        f"metrics?run={run.id}",
        f"compare?runs={run.id}",
        f"classify?model={run.id}",
        "explore?data=tones",
        "reproduce",
    ):
        other.goto(f"{address}/{page}")
        expect(other.get_by_test_id("stMain").get_by_role("heading").first).to_be_visible()
        settled(other)
        expect(other.get_by_role("button", name="Export")).to_have_count(0)
        shown = other.get_by_test_id("stMain").inner_text()
        # Their own words may come back to them, but nothing that they didn't know.
        assert "tones" not in shown.replace("'tones'", ""), page
        assert other.get_by_test_id("stException").count() == 0
    assert runs.open(run.id).status == "finished"

"""The Train page in a real browser: a training is started, watched, paused, left, found again."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from playwright.sync_api import expect

from genre_engine import datasets, extraction, features, jobs, runs, training
from genre_engine.errors import JobError
from tests.e2e import server
from tests.e2e.accessibility import grave_faults
from tests.e2e.seen import fits, resting_box, settled, wait_until

# On a slow disk five minutes: a thousand epochs, so slowly learnt that the latest is the best.
SLOW = "epochs:1000%20patience:200%20learning_rate:1e-05"
LONG = f"/train?data=demo&model=fcn&set={SLOW}"


@pytest.fixture(scope="session")
def demo_workspace(tmp_path_factory):
    """A workspace with a small demo set and its features."""
    folder = tmp_path_factory.mktemp("train")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder / "workspace"))
        dataset = datasets.make_demo("demo", tracks=80, jobs=2)
        extraction.extract(dataset, features.kind("summary"), jobs=1)
    return folder / "workspace"


@pytest.fixture(scope="module")
def app(demo_workspace, tmp_path_factory):
    log = tmp_path_factory.mktemp("log") / "server.log"
    with server.running(demo_workspace, log, PYTHONPATH=server.SLOW_DISK) as started:
        yield started


@pytest.fixture
def at_work(demo_workspace, monkeypatch):
    """The engine on the server's workspace, on which nobody works at the end."""
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(demo_workspace))
    yield
    # What a test that failed has left at work would have the next one wait for its turn.
    for job in jobs.listing():
        if job.busy:
            with suppress(JobError):
                job.cancel()
    wait_until(lambda: not any(job.busy for job in jobs.listing()))


def start(page):
    """Click on Start; returns the run's id, once the address tells it."""
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"[?&]run="))
    return re.search(r"[?&]run=([^&]+)", page.url)[1]


def curve(page):
    """The loss's chart, once it has points."""
    chart = page.locator(".live-plot").first
    expect(chart.locator(".main-svg").first).to_be_visible()
    wait_until(lambda: points(chart) >= 1)
    return chart


def points(chart):
    """How many epochs of validation are drawn."""
    return chart.evaluate(
        "g => (g.data ?? []).filter(t => t.name === 'validation').map(t => t.x.length)[0] ?? 0"
    )


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def no_exception(page):
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_training_is_started_paused_resumed_reloaded_and_cancelled(visit, at_work):
    page = visit(f"/train?set={SLOW}")
    # Two sliders, by keyboard as well as by a link.
    for name in ("Dropout", "Epochs"):
        slider = page.get_by_role("slider", name=re.compile(name)).first
        expect(slider).to_be_visible()
        settled(page)
        slider.focus()
        slider.press("ArrowLeft")
        expect(page.get_by_text(f"● {name}")).to_be_visible()
    page.wait_for_url(re.compile(r"dropout(%3A|:)0\.25"))
    run_id = start(page)
    run = runs.open(run_id)
    assert run.config.settings["dropout"] == pytest.approx(0.25)
    assert run.config.settings["epochs"] == 999
    chart = curve(page)
    wait_until(lambda: points(chart) >= 3)
    expect(page.get_by_role("slider")).to_have_count(0)  # the form has folded away

    press(page, "Pause")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    paused_at = len(run.epochs())
    assert run.status == "paused"
    assert paused_at >= 3
    press(page, "Resume")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    wait_until(lambda: len(run.epochs()) > paused_at)

    page.reload()
    chart = curve(page)
    assert run_id in page.url
    wait_until(lambda: points(chart) > paused_at)
    before = points(chart)
    wait_until(lambda: points(chart) > before)

    press(page, "Cancel")
    expect(page.locator(".st-key-train-status")).to_contain_text("cancelled")
    assert run.status == "cancelled"
    expect(page.get_by_role("button", name="Train again with changes")).to_be_visible()
    no_exception(page)


def test_the_chart_keeps_its_node_and_the_zoom_through_twenty_updates(visit, at_work):
    page = visit(LONG)
    run_id = start(page)
    chart = curve(page)
    wait_until(lambda: points(chart) >= 3)
    chart.evaluate("g => { window.kept = [g, g.querySelector('.main-svg')]; }")
    place = resting_box(chart.locator(".nsewdrag"))
    x, y = place["x"], place["y"]
    page.mouse.move(x + 0.1 * place["width"], y + 0.2 * place["height"])
    page.mouse.down()
    page.mouse.move(x + 0.6 * place["width"], y + 0.8 * place["height"], steps=4)
    page.mouse.up()
    zoomed = "g => [...g._fullLayout.xaxis.range, ...g._fullLayout.yaxis.range]"
    wait_until(lambda: chart.evaluate(zoomed)[0] > 0.3)
    before = chart.evaluate(zoomed)
    first = int(chart.get_attribute("data-updates"))
    wait_until(lambda: int(chart.get_attribute("data-updates")) >= first + 20)
    assert chart.evaluate("g => window.kept[0] === g && g.isConnected")
    assert chart.evaluate("g => window.kept[1] === g.querySelector('.main-svg')")
    assert chart.evaluate(zoomed) == pytest.approx(before)
    chart.locator(".nsewdrag").dblclick()
    wait_until(lambda: chart.evaluate(zoomed)[0] == 0)
    press(page, "Cancel")
    wait_until(lambda: runs.open(run_id).status == "cancelled")


def test_a_second_visitor_s_training_queues_and_every_page_tells_of_both(visit, at_work):
    first = visit(LONG)
    run_id = start(first)
    curve(first)
    second = visit(LONG)
    second_id = start(second)
    assert second_id != run_id
    expect(second.get_by_text("Waiting in the queue, next")).to_be_visible()
    elsewhere = visit("/reproduce")
    chip = elsewhere.locator(".st-key-chip")
    expect(chip.get_by_role("link")).to_have_count(2)
    expect(chip.get_by_role("link").nth(1)).to_contain_text("waiting, number 1")
    chip.get_by_role("link").first.click()
    elsewhere.wait_for_url(re.compile(f"run={run_id}"))
    curve(elsewhere)

    press(first, "Cancel")
    expect(first.locator(".st-key-train-status")).to_contain_text("cancelled")
    curve(second)  # its turn has come
    press(second, "Cancel")
    expect(second.locator(".st-key-train-status")).to_contain_text("cancelled")
    for page in (first, second, elsewhere):
        no_exception(page)


def test_a_finished_training_leads_on(visit, at_work):
    page = visit("/train?data=demo&model=fcn&set=epochs:4%20learning_rate:0.001")
    run_id = start(page)
    expect(page.locator(".st-key-train-status")).to_contain_text("finished")
    run = runs.open(run_id)
    assert run.status == "finished"
    wait_until(lambda: points(curve(page)) == 4)
    press(page, "Train again with changes")
    page.wait_for_url(re.compile(r"epochs(%3A|:)4"))
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    page = visit(f"/train?run={run_id}")
    expect(page.get_by_role("heading", name="Training finished")).to_be_visible()
    press(page, "See how good it is")
    page.wait_for_url(re.compile(f"metrics.*run={run.name}"))
    no_exception(page)


def test_a_run_that_the_command_line_started_appears_live(visit, demo_workspace, at_work):
    environment = {**os.environ, "GENRE_ENGINE_WORKSPACE": str(demo_workspace)}
    environment["PYTHONPATH"] = server.SLOW_DISK
    name = f"by-hand-{len(runs.listing())}"
    command = [sys.executable, "-m", "genre_engine", "train", "demo", "--name", name]
    command += ["--set", "epochs=1000", "--set", "patience=200", "--set", "learning_rate=1e-05"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: any(run.name == name for run in runs.listing()))
            wait_until(lambda: runs.open(name).status == "running")
            page = visit("/train")
            page.locator(".st-key-train-queue").get_by_role("link").first.click()
            # Though the link leads from this page to itself.
            page.wait_for_url(re.compile(f"run={runs.open(name).id}"))
            chart = curve(page)
            wait_until(lambda: points(chart) >= 3)
            expect(page.get_by_role("heading", name=name)).to_be_visible()
            press(page, "Cancel")
            wait_until(lambda: runs.open(name).status == "cancelled")
        finally:
            process.kill()


def test_a_run_is_exported_and_comes_back_and_what_is_no_bundle_is_refused(
    visit, at_work, tmp_path
):
    run = training.train(runs.create(training.new_config("demo", model="linear", name="to-take")))
    page = visit(f"/train?run={run.id}")
    with page.expect_download(timeout=60_000) as downloaded:
        press(page, "Export")
    bundle = tmp_path / downloaded.value.suggested_filename
    downloaded.value.save_as(bundle)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(bundle.read_bytes()[:-500])

    press(page, "All trainings")
    page.get_by_text("Import a run from another machine").click()
    field = page.get_by_test_id("stFileUploader").locator("input[type=file]")
    field.set_input_files(cut)
    expect(page.get_by_text("This isn't a zip, or it is damaged")).to_be_visible()
    assert [other.name for other in runs.listing()].count("to-take") == 1
    field.set_input_files(bundle)
    page.get_by_role("link", name="Imported: show the run").click()
    expect(page.get_by_role("heading", name="to-take-2")).to_be_visible()
    expect(page.locator(".st-key-train-status")).to_contain_text("finished")
    page.wait_for_url(re.compile(f"run={runs.open('to-take-2').id}"))
    no_exception(page)


def test_a_link_reopens_the_whole_choice(visit):
    page = visit("/train?data=demo&model=linear&split=random&rule=only&genres=rock,pop&seed=7")
    expect(page.get_by_role("button", name="Rock and Pop")).to_be_visible()
    expect(page.get_by_label("Split")).to_have_value("random split")
    page.get_by_role("button", name="As a command").click()
    code = page.get_by_test_id("stCode")
    for name in ("train", "tune"):
        command = code.filter(has_text=f"genre_engine {name}")
        expect(command).to_contain_text("--split random --seed 7")
        expect(command).to_contain_text("--genres rock,pop --only")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_has_no_grave_accessibility_faults(visit, at_work, dark):
    page = visit("/train?data=demo", dark=dark)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert grave_faults(page) == []
    cancelled = runs.create(training.new_config("demo", model="fcn"))
    with cancelled.writing() as events:
        for epoch, loss in enumerate((0.7, 0.5, 0.6), 1):
            values = {"loss": loss, "val_loss": loss, "accuracy": 0.9, "val_accuracy": 0.8}
            events.write("epoch", epoch=epoch, epochs=9, auc=0.9, val_auc=0.7, **values)
        events.write("status", status="cancelled", message="Cancelled after epoch 3.")
    page.goto(page.url.split("/train")[0] + f"/train?run={cancelled.id}")
    curve(page)
    assert grave_faults(page) == []


def test_a_phone_has_presets_instead_of_sliders_and_nothing_wider_than_it(visit, at_work):
    page = visit("/train?data=demo", width=390, height=844)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_in_viewport()
    expect(page.get_by_role("button", name="Fast")).to_be_visible()
    expect(page.get_by_role("slider").first).to_be_hidden()
    settled(page)
    fits(page)


def test_without_a_data_set_the_demo_is_offered(browse, tmp_path):
    with server.running(tmp_path / "workspace", tmp_path / "log") as (address, _):
        page = browse(f"{address}/train")
        expect(page.get_by_role("button", name="Make the demo set")).to_be_visible()


def test_a_killed_server_leaves_no_orphan_and_its_run_can_be_resumed(
    browse, demo_workspace, workspace
):
    # On a workspace of its own, where no other server takes the training on.
    shutil.copytree(demo_workspace / "datasets", workspace / "datasets")
    log = workspace.parent / "log"
    with server.running(workspace, log, PYTHONPATH=server.SLOW_DISK) as (address, process):
        page = browse(address + LONG)
        run_id = start(page)
        curve(page)
        children = [int(line.split()[0]) for line in server.children(process)]
        assert children
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not any(is_running(child) for child in children))
    run = runs.open(run_id)
    # A killed process's lock is free when the last of its threads has gone.
    wait_until(lambda: run.status == "failed")
    kept = len(run.epochs())
    assert kept >= 1
    log = workspace.parent / "log2"
    with server.running(workspace, log, PYTHONPATH=server.SLOW_DISK) as (address, _):
        page = browse(f"{address}/train?run={run_id}")
        page.get_by_role("button", name="Resume").click()
        wait_until(lambda: len(run.epochs()) > kept)
        press(page, "Cancel")
        wait_until(lambda: run.status == "cancelled")
        no_exception(page)


def is_running(pid):
    """A zombie that nobody has waited for isn't."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")

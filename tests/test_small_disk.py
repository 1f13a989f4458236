"""A real disk that is full, at whichever write, or that can't be written: a small tmpfs.

Each piece of work is tried with a little more room each time, so that it fails at another of its
writes: it says so in words, leaves nothing half done, and is done when there is room.
"""

import shutil
import subprocess

import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import datasets, extraction, features, jobs, runs, training
from genre_engine.errors import GenreEngineError
from genre_engine.storage import workspace
from genre_engine.training import bundle
from tests import trainings
from tests.conftest import REPOSITORY
from tests.pages.test_damaged_workspace import PAGES

DISK_MB = 64
LINEAR = {"dataset_name": "small", "model": "linear", "split": "random"}
# Bytes that are free when the work begins: none, then twice as many each time.
ROOMS = [0, *(4096 * 2**step for step in range(12))]


def _mount(*words):
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A workspace on a disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    if shutil.which("mount") is None or not _mount(
        "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)
    ):
        pytest.skip("needs to mount a disk, as root on Linux")
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(place / "workspace"))
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def small(disk, tmp_path):
    """A table of features and a run trained on it."""
    rows = [f"t{n},{n % 7 + n % 2 * 5},{n % 11},{('pop', 'rock')[n % 2]}" for n in range(200)]
    (tmp_path / "table.csv").write_text("track_id,a,b,genre\n" + "\n".join(rows))
    datasets.import_table("small", tmp_path / "table.csv", label="genre")
    return training.train(_queued("first"))


def _queued(name, model="linear"):
    config = training.new_config("small", model=model, name=name, split="random")
    return runs.create(config)


def _demo(tmp_path):
    datasets.make_demo("demo", tracks=20, jobs=1)


def _folder(tmp_path):
    if not (tmp_path / "music").exists():
        trainings.make_clips(tmp_path / "music", 3)
    datasets.import_folder("music", tmp_path / "music", jobs=1)


def _table(tmp_path):
    datasets.import_table("table", tmp_path / "table.csv", label="genre")


def _extract(tmp_path):
    if "music" not in {row["name"] for row in datasets.listing()}:
        _folder(tmp_path)
    kind = features.kind("summary", excerpt_s=2.0)
    extraction.extract(datasets.open("music"), kind, jobs=1)


def _train(tmp_path):
    known = [run for run in runs.listing() if run.name == "second"]
    run = known[0] if known else _queued("second")
    if run.status != "finished":
        if run.status != "queued":
            run.set_status("queued")
        training.train(run)
        if run.status != "finished":
            raise GenreEngineError(run.message)


def _export(tmp_path):
    target = workspace.root() / "first.zip"
    bundle.export(runs.open("first"), target)


def _import(tmp_path):
    zipped = tmp_path / "first.zip"
    if not zipped.exists():
        bundle.export(runs.open("first"), zipped)
    bundle.import_zip(zipped, "brought")


def _submit(tmp_path):
    jobs.submit("training", {**LINEAR, "name": "third"})


WORK = {
    "demo": (_demo, lambda: len(datasets.open("demo").tracks) == 20),
    "folder": (_folder, lambda: len(datasets.open("music").tracks) == 9),
    "table": (_table, lambda: len(datasets.open("table").tracks) == 200),
    "extract": (_extract, lambda: datasets.open("music").features_folder.is_dir()),
    "train": (_train, lambda: runs.open("second").report() is not None),
    "export": (_export, lambda: (workspace.root() / "first.zip").is_file()),
    "import": (_import, lambda: runs.open("brought").report() is not None),
    "submit": (_submit, lambda: [job.status for job in jobs.listing()] == ["queued"]),
}


def _refusal(do, tmp_path):
    """What was said instead of doing it; None once it is done."""
    try:
        do(tmp_path)
    except GenreEngineError as error:
        return str(error)
    return None


@pytest.mark.parametrize("work", WORK)
def test_whatever_write_finds_the_disk_full_says_so_and_leaves_nothing_half(
    work, small, disk, tmp_path
):
    do, done = WORK[work]
    n_failed = 0
    for room in ROOMS:
        ballast = disk / "ballast"
        with ballast.open("wb") as file:
            left = shutil.disk_usage(disk).free - room
            file.write(b"\0" * max(0, left))
        said = _refusal(do, tmp_path)
        ballast.unlink()
        if said is None:
            break
        n_failed += 1
        assert "is full. Free some space" in said
        assert all(row["error"] is None for row in datasets.listing())
        assert all(run.error is None for run in runs.listing())
    assert n_failed
    assert done()
    half = [p for p in disk.rglob(".*-*") if not p.name.endswith("lock")]
    assert half == []


def test_a_workspace_that_cannot_be_written_still_shows_what_is_there(small, disk):
    assert _mount("-o", "remount,ro", str(disk))
    for page in PAGES:
        app = AppTest.from_file(str(REPOSITORY / "streamlit_app.py"), default_timeout=180)
        app.switch_page(f"pages/{page}.py")
        app.run()
        assert not app.exception, (page, [one.message for one in app.exception])
    assert runs.open("first").report() is not None
    for write in (
        lambda: jobs.submit("training", LINEAR),
        lambda: datasets.make_demo("demo", tracks=20, jobs=1),
        lambda: datasets.remove("small"),
        lambda: runs.remove(runs.open("first")),
        lambda: runs.open("first").add_look(),
        lambda: training.train(_queued("second")),
    ):
        with pytest.raises(GenreEngineError, match=r"Can't write|can't be removed|Read-only"):
            write()
    assert _mount("-o", "remount,rw", str(disk))
    assert len(datasets.listing()) == 1
    assert [run.name for run in runs.listing()] == ["first"]

"""Every file of a workspace damaged in turn: the other pages work, and words name what is wrong."""

import shutil
import zipfile

import pytest
from streamlit.testing.v1 import AppTest

from genre_engine import datasets, evaluation, jobs, reproduce, runs
from genre_engine.errors import GenreEngineError
from genre_engine.prediction import catalogue
from tests.conftest import REPOSITORY
from tests.test_saved_before import SAVED

ENTRY = str(REPOSITORY / "streamlit_app.py")
DAMAGES = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "other bytes": lambda path: path.write_bytes(b"\x00\xff{]other" * 20),
}
# One run of each model; the other two have the same files.
RUNS = ("linear", "xgboost", "fcn", "forest")
# Nobody misses what they hold.
SILENT = ("lock", "log.txt", "looks.json", ".lock", "events.jsonl")


def _files():
    """Files of the saved workspace, those of equal runs once."""
    import json

    with zipfile.ZipFile(SAVED) as archive:
        names = sorted(n for n in archive.namelist() if "/" in n and not n.endswith("/"))
        of_run = {
            json.loads(archive.read(n))["name"]: n.split("/")[1]
            for n in names
            if n.startswith("runs/") and n.endswith("config.json")
        }
    linear = of_run["linear"]
    chosen = {of_run[name] for name in RUNS}
    return [
        name
        for name in names
        if not name.startswith("runs/")
        or f"runs/{linear}/" in name
        or (name.split("/")[1] in chosen and "/model/" in name)
    ]


FILES = _files()


@pytest.fixture
def before(workspace):
    with zipfile.ZipFile(SAVED) as archive:
        archive.extractall(workspace)
    return workspace


def asked():
    """All that pages ask of everything in the workspace, by what it is about."""
    for row in datasets.listing():
        name = row["name"]
        yield name, lambda name=name: datasets.open(name).tracks
        yield name, lambda name=name: datasets.open(name).select()
    for run in runs.listing():
        yield run.id, run.report
        yield run.id, run.parts
        yield run.id, lambda run=run: run.predictions("train")
        yield run.id, lambda run=run: evaluation.evaluate_run(run)
        yield run.id, lambda run=run: evaluation.evaluate_run(run, "test")
        yield run.id, lambda run=run: runs.open(run.id).model()
        yield run.id, lambda run=run: catalogue.find(run.id)
    for job in jobs.listing():
        yield job.id, lambda job=job: jobs.open(job.id).run()
    yield "small", lambda: reproduce.load("small").outcomes


def answers():
    """(what was answered, what was refused) as {what it is about: messages}."""
    answered, refused = {}, {}
    for about, ask in asked():
        try:
            ask()
        except GenreEngineError as error:
            refused.setdefault(about, []).append(str(error))
        else:
            answered[about] = answered.get(about, 0) + 1
    return answered, refused


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """What is answered when nothing is damaged."""
    folder = tmp_path_factory.mktemp("sound")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRE_ENGINE_WORKSPACE", str(folder))
        with zipfile.ZipFile(SAVED) as archive:
            archive.extractall(folder)
        return answers()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_words_name_the_file_and_the_rest_is_answered_as_before(file, damage, before, sound):
    DAMAGES[damage](before / file)
    answered, refused = answers()
    owner, name = file.split("/")[1], file.rsplit("/", 1)[1]
    of_dataset = file.startswith("datasets/")
    new = {
        about: [said for said in messages if said not in sound[1].get(about, ())]
        for about, messages in refused.items()
    }
    new = {about: messages for about, messages in new.items() if messages}
    if not of_dataset:  # runs need their data set
        assert set(new) <= {owner}
        assert {k: v for k, v in answered.items() if k != owner} == {
            k: v for k, v in sound[0].items() if k != owner
        }
    if name not in SILENT and new:
        assert any(name in said for messages in new.values() for said in messages), new


PAGES = ("classify", "explore", "train", "metrics", "compare", "reproduce")


@pytest.mark.parametrize("file", [f for f in FILES if f.rsplit("/", 1)[1] not in SILENT])
def test_no_page_breaks(file, before):
    DAMAGES["cut"](before / file)
    for page in PAGES:
        app = AppTest.from_file(ENTRY, default_timeout=180)
        app.switch_page(f"pages/{page}.py")
        app.run()
        assert not app.exception, (page, [one.message for one in app.exception])
    shutil.rmtree(before, ignore_errors=True)

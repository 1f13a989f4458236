"""Zips that are small and would take gigabytes or minutes: refused, by a process that may die."""

import io
import json
import resource
import zipfile

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from genre_engine import runs, training
from genre_engine.errors import BundleError, GenreEngineError
from genre_engine.storage import budget, owners
from genre_engine.training import bundle
from tests.jobs.conftest import data  # noqa: F401 - a fixture
from tests.training.test_bundle import changed, places

MB = 1 << 20


@pytest.fixture
def exported(data, tmp_path):  # noqa: F811
    def make(model, **settings):
        config = training.new_config("small", model=model, settings=settings, name=model)
        run = training.train(runs.create(config))
        return bundle.export(run, tmp_path / f"{model}.zip")

    return make


def own_mb():
    """The most that this process has ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def refused(hostile, workspace):
    """The message with which a zip is refused, which costs this process next to nothing."""
    before, held = places(workspace), own_mb()
    with pytest.raises(GenreEngineError) as error:
        bundle.import_zip(hostile)
    assert own_mb() - held < 150
    assert places(workspace) == before
    assert str(workspace) not in str(error.value)
    return str(error.value)


def inner_changed(path, member, **changes):
    """The zip with files within one of its members replaced."""
    with zipfile.ZipFile(path) as archive:
        content = archive.read(member)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        inner = {info.filename: archive.read(info) for info in archive.infolist()}
    for name, change in changes.items():
        name = name.replace("_json", ".json").replace("weights_h5", "model.weights.h5")
        inner[name] = change(inner[name])
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in inner.items():
            archive.writestr(name, data)
    return changed(path, add={member: room.getvalue()})


def test_one_long_text_in_every_row_is_refused(exported, workspace):
    n = 250_000
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), ["x" * 10_000])
    table = pa.table(dict.fromkeys(("track_id", "part", "half", "artist"), text))
    room = io.BytesIO()
    pq.write_table(table, room)
    assert len(room.getvalue()) < MB
    hostile = changed(exported("linear"), add={"parts.parquet": room.getvalue()})
    assert "larger than any run's" in refused(hostile, workspace)


def test_a_run_without_known_artists_is_taken_in(exported, workspace):
    with zipfile.ZipFile(path := exported("linear")) as archive:
        parts = pd.read_parquet(io.BytesIO(archive.read("parts.parquet")))
    room = io.BytesIO()
    parts.assign(artist=None).to_parquet(room, index=False)
    run = bundle.import_zip(changed(path, add={"parts.parquet": room.getvalue()}))
    assert run.parts()["artist"].isna().all()


def test_a_report_of_nested_lists_is_refused(exported, workspace):
    path = exported("linear")
    for report in (
        b'{"a": [' + b"[]," * 2_000_000 + b"[]]}",
        b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"a": "' + b"x" * 20_000_000 + b'"}',
    ):
        said = refused(changed(path, add={"report.json": report}), workspace)
        assert "report.json of this zip" in said or "unpack to far more" in said


def test_archives_within_the_archive_are_counted_too(exported, workspace):
    def padded(content):
        return content[:-1] + b" " * 225 * MB + content[-1:]

    path = exported("fcn", epochs=1)
    for change in ({"config_json": padded}, {"weights_h5": lambda h5: h5 + bytes(300 * MB)}):
        said = refused(inner_changed(path, "model/network.keras", **change), workspace)
        assert "network.keras of the model in this zip" in said
    path = exported("forest", trees=10)
    said = refused(inner_changed(path, "model/forest.skops", schema_json=padded), workspace)
    assert "forest.skops of the model in this zip" in said


def test_a_layer_that_is_larger_than_its_weights_is_refused(exported, workspace):
    def widened(content):
        config = json.loads(content)
        dense = [one for one in config["config"]["layers"] if one["class_name"] == "Dense"]
        dense[0]["config"]["units"] = 2_000_000
        return json.dumps(config).encode()

    path = exported("fcn", epochs=1)
    said = refused(inner_changed(path, "model/network.keras", config_json=widened), workspace)
    assert "network.keras of the model in this zip" in said


def test_packed_weights_are_refused(exported, workspace):
    def packed(content):
        room = io.BytesIO(content)
        with h5py.File(room, "r+") as file:
            stored = file["layers/dense/vars"]
            rows = stored["0"].shape[0]
            del stored["0"]
            stored.create_dataset("0", shape=(rows, 2_000_000), compression="gzip", chunks=True)
        return room.getvalue()

    path = exported("fcn", epochs=1)
    said = refused(inner_changed(path, "model/network.keras", weights_h5=packed), workspace)
    assert "packed data" in said


def test_predictions_of_more_rows_than_any_run_are_refused(exported, workspace):
    room = io.BytesIO()
    n = bundle._MAX_ROWS + 1
    np.savez_compressed(
        room,
        track_ids=np.arange(n).astype("U6"),
        y=np.zeros((n, 3), np.uint8),
        p=np.random.default_rng(0).random((n, 3), np.float32),
    )
    hostile = changed(exported("linear"), add={"predictions/test.npz": room.getvalue()})
    assert "test.npz" in refused(hostile, workspace)


def test_nobody_waits_while_a_zip_is_looked_through(exported, workspace, monkeypatch):
    path, run = exported("linear"), budget.run

    def looked_through(*arguments):
        with FileLock(workspace / "runs" / ".lock", timeout=0):
            return run(*arguments)

    monkeypatch.setattr(budget, "run", looked_through)
    assert bundle.import_zip(path).status == "finished"


def test_an_id_of_the_future_is_not_kept(exported, workspace):
    path = exported("linear")
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    for forged in ("99991231-235959-ffff", "20260000-000000-ffff"):
        content = json.dumps(config | {"id": forged}).encode()
        assert bundle.import_zip(changed(path, add={"config.json": content})).id != forged


def test_whose_it_is_is_known_before_anybody_can_see_it(exported, workspace, monkeypatch):
    path, mark, seen = exported("linear"), owners.mark, []

    def marked(folder):
        mark(folder)
        seen.append(({one.id for one in runs.listing()}, owners.owner(folder)))

    monkeypatch.setenv(owners.VARIABLE, "1")
    monkeypatch.setattr(owners, "mark", marked)
    with owners.acting_for("a", private=True):
        run = bundle.import_zip(path)
    assert owners.owner(run.folder) == owners.Owner("a", private=True)
    assert seen[0][1] == owners.Owner("a", private=True)
    assert run.id not in seen[0][0]


def test_a_publication_that_fails_leaves_nothing(exported, workspace, monkeypatch):
    def failing(folder):
        raise BundleError("no")

    path, before = exported("linear"), places(workspace)
    monkeypatch.setattr(owners, "mark", failing)
    with pytest.raises(BundleError, match="no"):
        bundle.import_zip(path)
    assert places(workspace) == before

"""Runs as zips: they go round whole, and what isn't ours or is hostile is refused."""

import hashlib
import io
import json
import shutil
import stat
import zipfile

import numpy as np
import pytest

from genre_engine import models, runs, training
from genre_engine.errors import BundleError, RunError, RunExists
from genre_engine.models.classifier import OnnxClassifier
from genre_engine.training import bundle
from tests.jobs.conftest import data  # noqa: F401 - a fixture


@pytest.fixture
def finished(data):  # noqa: F811
    return training.train(runs.create(training.new_config("small", model="linear", name="first")))


@pytest.fixture
def zipped(finished, tmp_path):
    return bundle.export(finished, tmp_path / bundle.file_name(finished))


def changed(path, *, drop=(), add=None, sign=True):
    """A copy of a zip with members dropped, added or replaced, its list of sums made to fit."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    for name in drop:
        del members[name]
    members |= add or {}
    if sign and "bundle.json" in members:
        del members["bundle.json"]
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
        members["bundle.json"] = json.dumps({"format": 1, "files": sums}).encode()
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return room


def places(workspace):
    return sorted(place.name for place in (workspace / "runs").iterdir() if place.is_dir())


def test_a_run_comes_back_whole_on_another_machine(finished, zipped, tmp_path, monkeypatch):
    expected = finished.predictions("test")
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(tmp_path / "elsewhere"))
    run = bundle.import_zip(zipped)
    assert (run.id, run.name, run.status) == (finished.id, "first", "finished")
    assert run.config.origin == "import"
    assert run.report() == finished.report()
    np.testing.assert_array_equal(run.predictions("test").p, expected.p)
    assert run.model().genres_ == finished.config.genres


def test_a_taken_id_and_name_get_new_ones(finished, zipped):
    second = bundle.import_zip(io.BytesIO(zipped.read_bytes()))
    assert (second.name, bundle.import_zip(zipped).name) == ("first-2", "first-3")
    assert second.id != finished.id
    with pytest.raises(RunExists):
        bundle.import_zip(zipped, name="first")
    assert bundle.import_zip(zipped, name="other").name == "other"


def test_only_a_finished_run_is_exported(data, tmp_path):  # noqa: F811
    run = runs.create(training.new_config("small", model="linear"))
    with pytest.raises(RunError, match="queued"):
        bundle.export(run, tmp_path / "run.zip")
    assert not (tmp_path / "run.zip").exists()


BAD = {
    "path out of the folder": ({"add": {"../evil.py": b"1"}}, "no run of ours has"),
    "absolute path": ({"add": {"/etc/passwd": b"1"}}, "no run of ours has"),
    "folder in the model": ({"add": {"model/a/b": b"1"}}, "no run of ours has"),
    "hidden file": ({"add": {"model/.hidden": b"1"}}, "no run of ours has"),
    "program": ({"add": {"run.py": b"1"}}, "no run of ours has"),
    "file beside the model": ({"add": {"model/more.bin": b"1"}}, "holds what no model made here"),
    "no config": ({"drop": ["config.json"]}, "has no config.json"),
    "no bundle.json": ({"drop": ["bundle.json"]}, "isn't an exported run"),
    "no model": ({"drop": ["model/model.json", "model/linear.npz"]}, "no model"),
    "config that is no JSON": (
        {"add": {"config.json": b"{"}},
        "config.json of this zip is damaged",
    ),
    "config that is a list": ({"add": {"config.json": b"[]"}}, "isn't a run's"),
    "deep JSON": ({"add": {"report.json": b"[" * 100_000}}, "report.json of this zip is damaged"),
    "unfinished run": ({"add": {"events.jsonl": b""}}, "hasn't finished"),
    "damaged parts": ({"add": {"parts.parquet": b"PAR1"}}, "parts.parquet of this zip is damaged"),
    "bomb": ({"add": {"log.txt": b"0" * 30_000_000}}, "unpack to far more"),
    "changed file": ({"add": {"log.txt": b"other"}, "sign": False}, "changed after the export"),
    "added file": (
        {"drop": ["log.txt"], "add": {"looks.json": b"{}"}, "sign": False},
        "lacks files, or has some",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_not_ours_is_refused_and_leaves_nothing(case, finished, zipped, workspace):
    change, match = BAD[case]
    before = places(workspace)
    with pytest.raises(BundleError, match=match):
        bundle.import_zip(changed(zipped, **change))
    assert places(workspace) == before


def test_an_array_of_objects_is_never_unpickled(finished, zipped, workspace):
    room = io.BytesIO()
    np.savez(room, track_ids=np.array([{"a": 1}], dtype=object), y=np.zeros(1), p=np.zeros(1))
    hostile = changed(zipped, add={"predictions/test.npz": room.getvalue()})
    before = places(workspace)
    with pytest.raises(BundleError):
        bundle.import_zip(hostile)
    assert places(workspace) == before


def test_a_link_is_refused(finished, zipped, workspace):
    room = changed(zipped, drop=["log.txt"])
    with zipfile.ZipFile(room, "a") as archive:
        info = zipfile.ZipInfo("log.txt")
        info.create_system = 3
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(BundleError, match="is a link"):
        bundle.import_zip(room)


def test_the_same_member_twice_is_refused(finished, zipped):
    room = changed(zipped)
    with zipfile.ZipFile(room, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")
    with pytest.raises(BundleError, match="twice"):
        bundle.import_zip(room)


def test_what_is_no_zip_or_was_cut_short_is_refused(zipped, tmp_path):
    for content in (b"", b"hello", zipped.read_bytes()[:-40]):
        with pytest.raises(BundleError, match="damaged"):
            bundle.import_zip(io.BytesIO(content))
    with pytest.raises(BundleError, match="no file"):
        bundle.import_zip(tmp_path / "none.zip")


def test_a_flipped_bit_is_found(zipped, workspace):
    content = bytearray(zipped.read_bytes())
    with zipfile.ZipFile(zipped) as archive:
        info = archive.getinfo("parts.parquet")
    # In its data: some bytes of a member's own header are never read.
    content[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 1
    before = places(workspace)
    with pytest.raises(BundleError):
        bundle.import_zip(io.BytesIO(content))
    assert places(workspace) == before


def test_a_keras_model_with_a_lambda_layer_is_refused(data, zipped, workspace, tmp_path):  # noqa: F811
    settings = {"epochs": 1}
    run = training.train(runs.create(training.new_config("small", model="fcn", settings=settings)))
    path = bundle.export(run, tmp_path / "fcn.zip")
    folder = tmp_path / "model"
    shutil.copytree(run.model_folder, folder)
    (archive_path,) = folder.glob("*.keras")
    with zipfile.ZipFile(archive_path) as archive:
        inner = {info.filename: archive.read(info) for info in archive.infolist()}
    inner["config.json"] = inner["config.json"].replace(b'"Dropout"', b'"Lambda"')
    assert b"Lambda" in inner["config.json"]
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w") as archive:
        for name, content in inner.items():
            archive.writestr(name, content)
    hostile = changed(path, add={f"model/{archive_path.name}": room.getvalue()})
    with pytest.raises(BundleError, match="Lambda"):
        bundle.import_zip(hostile)


def test_a_forest_of_foreign_types_is_refused(data, workspace, tmp_path):  # noqa: F811
    run = runs.create(training.new_config("small", model="forest", settings={"trees": 10}))
    path = bundle.export(training.train(run), tmp_path / "forest.zip")
    before = places(workspace)
    with zipfile.ZipFile(run.model_folder / "forest.skops") as archive:
        inner = {info.filename: archive.read(info) for info in archive.infolist()}
    schema = json.loads(inner["schema.json"])
    for module, kind in (("os", "system"), ("builtins", "eval"), ("sklearn.pipeline", "Pipeline")):
        hostile = {**schema, "__module__": module, "__class__": kind}
        room = io.BytesIO()
        with zipfile.ZipFile(room, "w") as archive:
            for name, content in {**inner, "schema.json": json.dumps(hostile)}.items():
                archive.writestr(name, content)
        with pytest.raises(BundleError, match=rf"{module}\.{kind}.* isn't loaded") as refused:
            bundle.import_zip(changed(path, add={"model/forest.skops": room.getvalue()}))
        assert "forest.skops of the model in this zip" in str(refused.value)
    assert places(workspace) == before


@pytest.fixture
def boosted(data, tmp_path):  # noqa: F811
    settings = {"rounds": 10, "depth": 2}
    config = training.new_config("small", model="xgboost", settings=settings, name="trees")
    run = training.train(runs.create(config))
    return run, bundle.export(run, tmp_path / "trees.zip")


def test_the_onnx_graph_is_made_again_and_none_that_came_along_is_used(boosted):
    run, path = boosted
    original = (run.model_folder / "model.onnx").read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert "model/model.onnx" not in archive.namelist()
    hostile = changed(path, add={"model/model.onnx": b"hostile"})
    for source in (path, hostile):
        imported = bundle.import_zip(source)
        assert (imported.model_folder / "model.onnx").read_bytes() == original
        classifier = models.load_classifier(imported.model_folder)
        assert isinstance(classifier, OnnxClassifier)
        assert classifier.warnings_ == ()


def test_a_zip_of_an_earlier_version_gets_a_graph(boosted):
    _, path = boosted
    with zipfile.ZipFile(path) as archive:
        description = json.loads(archive.read("model/model.json"))
    del description["onnx"]
    old = changed(path, add={"model/model.json": json.dumps(description).encode()})
    imported = bundle.import_zip(old)
    assert (imported.model_folder / "model.onnx").is_file()
    assert models.load_classifier(imported.model_folder).warnings_ == ()


def test_an_imported_forest_is_used_in_its_own_form_without_a_word(data, tmp_path):  # noqa: F811
    run = training.train(
        runs.create(training.new_config("small", model="forest", settings={"trees": 10}))
    )
    imported = bundle.import_zip(bundle.export(run, tmp_path / "forest.zip"))
    assert not (imported.model_folder / "model.onnx").exists()
    assert models.load_classifier(imported.model_folder).warnings_ == ()

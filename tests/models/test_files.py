"""Files that others made: refused before anything in them is loaded."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest

from genre_engine import models
from genre_engine.errors import ModelError
from genre_engine.models import FeatureInfo
from tests.models.test_contract import made

MAIN = {
    "fcn": "network.keras",
    "cnn": "network.keras",
    "xgboost": "trees.json",
    "forest": "forest.skops",
    "linear": "linear.npz",
}
NETWORKS = ("fcn", "cnn")


@pytest.fixture(scope="module")
def saved(problem, tmp_path_factory):
    """The folder of each model, fitted once."""
    folders = {}

    def get(name):
        if name not in folders:
            train, validation, _ = problem(models.model(name), "multilabel")
            more = {"epochs": 1} if name in NETWORKS else {}
            folders[name] = tmp_path_factory.mktemp("saved") / name
            made(name, **more).fit(train, validation).save(folders[name])
        return folders[name]

    return get


@pytest.fixture
def copied(saved, tmp_path):
    def get(name):
        return shutil.copytree(saved(name), tmp_path / name)

    return get


def rewrite(path, member, change):
    """Change one member of a zip."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[member] = change(members[member])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def refused(folder, match):
    with pytest.raises(ModelError, match=match):
        models.check_files(folder)
    with pytest.raises(ModelError, match=match):
        models.load(folder)


def test_a_folder_without_a_model_says_so(tmp_path):
    refused(tmp_path, "There is no model in")


@pytest.mark.parametrize("name", MAIN)
def test_a_model_cut_short_is_damaged(name, copied):
    path = copied(name) / MAIN[name]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path.parent, "is damaged")


@pytest.mark.parametrize("name", MAIN)
def test_a_missing_file_is_named(name, copied):
    folder = copied(name)
    (folder / MAIN[name]).unlink()
    refused(folder, f"{MAIN[name]} .* is missing")


@pytest.mark.parametrize("name", MAIN)
def test_a_file_that_no_model_has_is_refused(name, copied):
    folder = copied(name)
    (folder / "model.pkl").write_bytes(b"")
    refused(folder, "model.pkl")


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("format", 2, "in the format 2"),
        ("model", "transformer", "doesn't know"),
        ("settings", {"clipp": 1}, "settings that this version doesn't know"),
        ("settings", [], "damaged"),
        ("genres", [], "damaged"),
        ("genres", ["rock", "rock", "jazz"], "damaged"),
        ("task", "regression", "damaged"),
        ("features", {}, "damaged"),
        ("best_epoch", 99, "damaged"),
        ("seed", "0", "damaged"),
    ],
)
def test_a_changed_description_is_refused(key, value, match, copied):
    folder = copied("linear")
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    refused(folder, match)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_with_a_layer_that_holds_code_is_refused(name, copied):
    folder = copied(name)

    def add(content):
        config = json.loads(content)
        config["config"]["layers"][1]["class_name"] = "Lambda"
        return json.dumps(config)

    rewrite(folder / "network.keras", "config.json", add)
    refused(folder, "Lambda")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_names_a_foreign_module_is_refused(name, copied):
    folder = copied(name)

    def add(content):
        config = json.loads(content)
        config["config"]["layers"][1]["module"] = "subprocess"
        return json.dumps(config)

    rewrite(folder / "network.keras", "config.json", add)
    refused(folder, "subprocess")


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_whose_weights_lie_in_another_file_is_refused(name, copied):
    import h5py

    folder = copied(name)

    def link(content):
        buffer = io.BytesIO(content)
        with h5py.File(buffer, "a") as file:
            file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
        return buffer.getvalue()

    rewrite(folder / "network.keras", "model.weights.h5", link)
    refused(folder, "a link: elsewhere")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("left_children", 10**6),
        ("right_children", 0),
        ("split_indices", 10**6),
        ("split_conditions", float("inf")),
        ("split_type", 1),
    ],
)
def test_trees_that_name_what_does_not_exist_are_refused(key, value, copied):
    folder = copied("xgboost")
    path = folder / "trees.json"
    values = json.loads(path.read_text())
    values["learner"]["gradient_booster"]["model"]["trees"][0][key][0] = value
    path.write_text(json.dumps(values))
    refused(folder, "is damaged")


def test_a_forest_of_foreign_types_is_refused(copied):
    folder = copied("forest")

    def change(content):
        schema = json.loads(content)
        schema["__module__"], schema["__class__"] = "subprocess", "Popen"
        return json.dumps(schema)

    rewrite(folder / "forest.skops", "schema.json", change)
    refused(folder, r"subprocess\.Popen")


def test_a_forest_whose_trees_lead_out_of_themselves_is_refused(saved, tmp_path):
    model = models.load(saved("forest"))
    tree = model.forest_.estimators_[0].tree_
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"]["left_child"][0] = 10**6
    tree.__setstate__(state)
    model.save(tmp_path / "model")
    with pytest.raises(ModelError, match="doesn't fit"):
        models.load(tmp_path / "model")


def test_arrays_of_objects_are_refused(copied):
    folder = copied("linear")
    np.savez(folder / "linear.npz", coefficients=np.array([{}], object))
    refused(folder, "is damaged")


def test_an_array_that_claims_more_than_it_holds_is_refused(copied):
    folder = copied("linear")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    )
    rewrite(folder / "linear.npz", "coefficients.npy", lambda _: header.getvalue())
    refused(folder, "is damaged")


def test_features_of_another_width_are_refused_before_they_are_used(saved):
    model = models.load(saved("linear"))
    with pytest.raises(ModelError, match="other parameters"):
        model.check_features(FeatureInfo("summary", model.features_.fingerprint, ("one",)))


def test_a_network_of_other_genres_or_features_than_its_description_is_refused(copied):
    for name, key in (("fcn", "genres"), ("cnn", "genres"), ("fcn", "columns")):
        folder = copied(name)
        path = folder / "model.json"
        values = json.loads(path.read_text())
        changed = values["features"] if key == "columns" else values
        changed[key] = changed[key][:2]
        path.write_text(json.dumps(values))
        with pytest.raises(ModelError, match="doesn't fit"):
            models.load(folder)
        shutil.rmtree(folder)

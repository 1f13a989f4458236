"""`model.onnx` beside a model: what is missing, damaged, another's or hostile is never computed."""

import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from genre_engine import models
from genre_engine.errors import ModelError
from genre_engine.models import onnx_file
from genre_engine.models.classifier import OnnxClassifier
from genre_engine.models.files import read_description
from genre_engine.models.onnx_trees import at_most
from tests.models.test_contract import made

NAMES = ("fcn", "cnn", "xgboost", "forest")


@pytest.fixture(scope="module")
def saved(problem, tmp_path_factory):
    """The folder of each model, fitted once, with tracks and what it says of them."""
    known = {}

    def get(name):
        if name not in known:
            train, validation, test = problem(models.model(name), "multilabel", (120, 60, 20))
            more = {"epochs": 1} if name in ("fcn", "cnn") else {}
            model = made(name, **more).fit(train, validation)
            folder = tmp_path_factory.mktemp("saved") / name
            model.save(folder)
            known[name] = folder, test.x, model.predict_proba(test.x)
        return known[name]

    return get


@pytest.fixture
def copied(saved, tmp_path):
    def get(name):
        folder, x, expected = saved(name)
        return shutil.copytree(folder, tmp_path / name), x, expected

    return get


def describe(folder, change):
    path = folder / "model.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def forget(folder):
    """Make a model of an earlier version out of one of this."""
    (folder / "model.onnx").unlink()
    describe(folder, lambda values: {k: v for k, v in values.items() if k != "onnx"})


def sign(folder, model):
    """Replace the graph, its fingerprint too."""
    data = model if isinstance(model, bytes) else model.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    digest = onnx_file.fingerprint(data)
    describe(folder, lambda values: values | {"onnx": values["onnx"] | {"sha256": digest}})


def agrees(classifier, x, expected):
    np.testing.assert_allclose(classifier.predict_proba(x), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_an_earlier_version_classifies_without_its_file(name, copied):
    folder, x, expected = copied(name)
    forget(folder)
    models.check_files(folder)
    classifier = models.load_classifier(folder)
    agrees(classifier, x, expected)
    assert classifier.warnings_ == ()
    # A forest would have to be loaded by scikit-learn first, so that its graph gains nothing.
    assert isinstance(classifier, OnnxClassifier) == (name != "forest")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "is damaged, or another model's"),
        (lambda path: path.write_bytes(b""), "is damaged, or another model's"),
        (lambda path: (path.unlink(), path.mkdir()), "is missing"),
        (
            lambda path: describe(path.parent, lambda v: {k: v[k] for k in v if k != "onnx"}),
            "isn't known to its model.json",
        ),
    ],
    ids=["removed", "cut", "empty", "a folder", "foreign"],
)
def test_a_damaged_file_is_named_and_the_model_s_own_form_is_used(name, damage, said, copied):
    folder, x, expected = copied(name)
    damage(folder / "model.onnx")
    classifier = models.load_classifier(folder)
    agrees(classifier, x, expected)
    (warning,) = classifier.warnings_
    assert warning.startswith(f"model.onnx of the model in {folder} {said}")
    assert "Train the model again" in warning


def test_a_link_is_not_followed(copied):
    folder, x, expected = copied("fcn")
    shutil.move(folder / "model.onnx", folder.parent / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(folder.parent / "elsewhere.onnx")
    classifier = models.load_classifier(folder)
    agrees(classifier, x, expected)
    assert "is missing" in classifier.warnings_[0]


def test_a_graph_whose_model_was_replaced_is_not_used(copied, problem):
    folder, x, _ = copied("fcn")
    train, validation, _ = problem(models.model("fcn"), "multilabel", (120, 60, 20))
    other = made("fcn", seed=5, epochs=1).fit(train, validation)
    other.save(folder.parent / "other")
    for name in ("network.keras", "scaling.npz"):
        shutil.copyfile(folder.parent / "other" / name, folder / name)
    agrees(models.load_classifier(folder), x, other.predict_proba(x))


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_model_is_refused_though_its_graph_is_sound(name, copied):
    folder, _, _ = copied(name)
    own = models.model(name).FILES[0]
    (folder / own).write_bytes((folder / own).read_bytes()[:200])
    with pytest.raises(ModelError, match=f"{own} of the model in .* is damaged"):
        models.load_classifier(folder)


def loop(model):
    """A graph with a graph inside."""
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], ["x"], body=body))


def function(model):
    model.functions.add(name="f", domain="g")


def another_domain(model):
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def outside(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")


def outside_of_an_attribute(model):
    constant = onnx.TensorProto(name="c", data_location=TensorProto.EXTERNAL)
    constant.external_data.add(key="location", value="/etc/passwd")
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=constant))


def larger_than_its_data(model):
    model.graph.initializer[0].dims[:] = [10**6, 10**6]


def padding(model):
    model.graph.node[0].attribute.append(helper.make_attribute("pads", [10**9] * 4))


def more_genres(model):
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 50


def other_columns(model):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7


def second_output(model):
    model.graph.output.append(model.graph.output[0])


def many_nodes(model):
    for number in range(1001):
        model.graph.node.append(helper.make_node("Relu", ["features"], [f"r{number}"]))


def of_another_type(model):
    (node,) = [n for n in model.graph.node if n.op_type == "Gemm"][:1]
    node.op_type = "Softmax"
    node.attribute.append(helper.make_attribute("axis", onnx.TensorProto(name="c")))


def doubling(model):
    for number in range(60):
        inputs = [f"d{number - 1}" if number else "features"] * 2
        model.graph.node.append(helper.make_node("Concat", inputs, [f"d{number}"], axis=1))


def broadcast(model):
    tensor = model.graph.initializer[0]
    tensor.dims[:] = [tensor.dims[0], 1, 1]


def product_of_constants(model):
    (node,) = [n for n in model.graph.node if n.op_type == "Gemm"][:1]
    node.input[0] = node.input[1]


HOSTILE = {
    of_another_type: "axis of another type",
    doubling: "several of the operation Concat",
    broadcast: "a constant of several dimensions in Sub",
    product_of_constants: "constants only, in Gemm",
    loop: "operation Loop",
    function: "functions",
    another_domain: "another version of ONNX",
    outside: "data outside of the file",
    outside_of_an_attribute: "Constant",
    larger_than_its_data: "constants that aren't numbers",
    padding: "pads of Sub",
    more_genres: "an output that doesn't fit the genres",
    other_columns: "an input that doesn't fit the features",
    second_output: "several inputs or outputs",
    many_nodes: "operations",
}


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__name__)
def test_a_graph_that_holds_what_no_graph_of_ours_holds_is_not_computed(
    change, copied, monkeypatch
):
    folder, x, expected = copied("fcn")
    model = onnx.load(folder / "model.onnx")
    change(model)
    sign(folder, model)
    data = (folder / "model.onnx").read_bytes()
    with pytest.raises(ModelError, match=HOSTILE[change]):
        onnx_file.check(data, folder, read_description(folder))
    opened = []
    real = models.classifier.open_session
    monkeypatch.setattr(
        models.classifier, "open_session", lambda given: opened.append(given) or real(given)
    )
    classifier = models.load_classifier(folder)
    agrees(classifier, x, expected)
    assert data not in opened
    assert len(classifier.warnings_) == 1


@pytest.mark.parametrize("name", ["xgboost", "forest"])
@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("nodes_truenodeids", 0),
        ("nodes_truenodeids", 10**6),
        ("nodes_falsenodeids", -1),
        ("nodes_featureids", 10**6),
        ("nodes_featureids", -1),
        ("nodes_treeids", 7),
        ("nodes_nodeids", 3),
        ("target_ids", 99),
        ("target_ids", -1),
        ("target_nodeids", 0),
        ("target_nodeids", 10**6),
        ("target_treeids", -1),
        ("n_targets", 10**9),
    ],
)
def test_trees_that_do_not_hang_together_are_not_computed(name, attribute, value, copied):
    folder, x, expected = copied(name)
    model = onnx.load(folder / "model.onnx")
    (node,) = [n for n in model.graph.node if n.op_type == "TreeEnsembleRegressor"]
    (found,) = [a for a in node.attribute if a.name == attribute]
    if attribute == "n_targets":
        found.i = value
    else:
        found.ints[0] = value
    sign(folder, model)
    classifier = models.load_classifier(folder)
    agrees(classifier, x, expected)
    assert "trees that don't hang together" in classifier.warnings_[0]


def test_trees_with_arrays_of_other_lengths_are_not_computed(copied):
    folder, x, expected = copied("xgboost")
    for name in ("nodes_values", "target_weights"):
        model = onnx.load(folder / "model.onnx")
        (node,) = [n for n in model.graph.node if n.op_type == "TreeEnsembleRegressor"]
        (found,) = [a for a in node.attribute if a.name == name]
        del found.floats[-1]
        sign(folder, model)
        classifier = models.load_classifier(folder)
        agrees(classifier, x, expected)
        assert "trees that don't hang together" in classifier.warnings_[0]
        models.renew_onnx(folder)


def test_what_is_no_graph_at_all_is_not_computed(copied):
    folder, x, expected = copied("fcn")
    for data in (b"\xff" * 100, b"", b"hello"):
        sign(folder, data)
        classifier = models.load_classifier(folder)
        agrees(classifier, x, expected)
        assert classifier.warnings_


def test_a_network_with_other_layers_than_ours_is_left_to_keras(copied, monkeypatch):
    folder, x, expected = copied("fcn")
    forget(folder)

    def refuse(folder, description):
        raise ModelError("holds layers that can't be turned into ONNX")

    monkeypatch.setattr(models.model("fcn"), "onnx", refuse)
    classifier = models.load_classifier(folder)
    assert not isinstance(classifier, OnnxClassifier)
    agrees(classifier, x, expected)


def test_a_network_that_does_not_fit_its_features_is_refused(copied):
    folder, _, _ = copied("fcn")
    describe(
        folder,
        lambda v: v | {"features": v["features"] | {"columns": [f"c{n}" for n in range(9)]}},
    )
    with pytest.raises(ModelError, match="doesn't fit the features"):
        models.load_classifier(folder)


def test_a_model_is_saved_though_no_graph_can_be_made(saved, tmp_path, monkeypatch, caplog):
    folder, x, expected = saved("linear")
    model = models.load(folder)

    def fail(folder, description):
        raise MemoryError

    monkeypatch.setattr(models.model("linear"), "onnx", fail)
    model.save(tmp_path / "model")
    assert "no model.onnx: not enough memory" in caplog.text
    np.testing.assert_array_equal(models.load(tmp_path / "model").predict_proba(x), expected)


def test_bad_features_are_refused_as_by_the_model(copied):
    folder, x, _ = copied("fcn")
    classifier = models.load_classifier(folder)
    with pytest.raises(ModelError, match="Use the features"):
        classifier.predict_proba(np.zeros((3, 7), np.float32))
    bad = np.array(x)
    bad[0, 3] = np.nan
    with pytest.raises(ModelError, match="aren't finite numbers"):
        classifier.predict_proba(bad)
    assert classifier.predict_proba(x[:0]).shape == (0, 3)


def test_a_forest_that_is_too_large_for_a_graph_is_used_in_its_own_form(
    saved, tmp_path, monkeypatch
):
    folder, x, expected = saved("forest")
    model = models.load(folder)
    monkeypatch.setattr("genre_engine.models.forest._MOST_ONNX_NODES", 100)
    model.save(tmp_path / "large")
    assert not (tmp_path / "large" / "model.onnx").exists()
    classifier = models.load_classifier(tmp_path / "large")
    assert classifier.warnings_ == ()
    np.testing.assert_array_equal(classifier.predict_proba(x), expected)


def test_thresholds_are_rounded_so_that_no_track_changes_sides():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(1000).astype(np.float32)
    exact = (x.astype(np.float64) + np.nextafter(x, np.float32(9)).astype(np.float64)) / 2
    for thresholds in (exact, x.astype(np.float64), exact - 1e-12):
        np.testing.assert_array_equal(x <= at_most(thresholds), x <= thresholds)
        after = np.nextafter(x, np.float32(9))
        np.testing.assert_array_equal(after <= at_most(thresholds), after <= thresholds)


_CLASSIFY = """
import sys
import numpy as np
from pathlib import Path
from genre_engine import models
from genre_engine.features.patches import Patches
x = np.load(sys.argv[2])
classifier = models.load_classifier(Path(sys.argv[1]))
x = Patches.of(list(x)) if x.ndim == 4 else x
np.save(sys.argv[3], classifier.predict_proba(x))
print(*sorted({"tensorflow", "keras", "xgboost", "sklearn", "skops"} & set(sys.modules)))
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_song_is_classified_without_what_trained_the_model(name, saved, tmp_path, python):
    folder, x, _ = saved(name)
    if name == "cnn":
        songs = np.stack([x.song(0)[:2], x.song(1)[:2]])
        from genre_engine.features.patches import Patches

        expected = models.load(folder).predict_proba(Patches.of(list(songs)))
    else:
        songs, expected = x[:2], models.load(folder).predict_proba(x[:2])
    np.save(tmp_path / "x.npy", songs)
    done = python(_CLASSIFY, folder, tmp_path / "x.npy", tmp_path / "p.npy")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), expected, rtol=0, atol=1e-5)

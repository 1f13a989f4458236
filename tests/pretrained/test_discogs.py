"""Discogs-EffNet, with tiny stand-ins of the same names and shapes: the real ones are not here."""

import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from genre_engine import prediction
from genre_engine.errors import DownloadError, WeightsError, WrongUsage
from genre_engine.prediction import catalogue, vocabulary
from genre_engine.pretrained import discogs
from tests import sounds


def graph(given, shape, outputs, nodes, constants):
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *dims])
        for name, dims in ((given, shape), *outputs.items())
    ]
    made = helper.make_graph(nodes, "g", values[:1], values[1:], constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    return model


def constant(name, values):
    return numpy_helper.from_array(np.asarray(values), name)


def backbone():
    """The mean level of a patch spread over all outputs."""
    nodes = [
        helper.make_node("ReduceMean", ["melspectrogram", "axes"], ["level"], keepdims=0),
        helper.make_node("Unsqueeze", ["level", "last"], ["column"]),
        helper.make_node("MatMul", ["column", "wide"], ["embeddings"]),
        helper.make_node("MatMul", ["column", "styles"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["activations"]),
    ]
    constants = [
        constant("axes", np.array([1, 2])),
        constant("last", np.array([1])),
        constant("wide", np.linspace(-1, 1, 1280, dtype=np.float32)[None]),
        constant("styles", np.linspace(-1, 1, 400, dtype=np.float32)[None]),
    ]
    return graph("melspectrogram", [128, 96], {"activations": [400], "embeddings": [1280]},
                 nodes, constants)  # fmt: skip


def head(count):
    weights = np.zeros((1280, count), np.float32)
    weights[-1] = np.linspace(-3, 1, count)
    nodes = [
        helper.make_node("MatMul", ["embeddings", "w"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["activations"]),
    ]
    return graph("embeddings", [1280], {"activations": [count]}, nodes, [constant("w", weights)])


def class_names(name, count):
    if name == "genre":
        others = [f"genre---g{n}" for n in range(count - 10)]
        return [*others, *(f"genre---{genre}" for genre in vocabulary.TEN)]
    return [f"{name}---c{n}" for n in range(count)]


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A folder with stand-ins under the places of the published files."""
    folder = tmp_path / "published"

    def put(file, data):
        path = folder / file.place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    put(discogs._BACKBONE[0], backbone().SerializeToString())
    styles = [f"Electronic---Style {n}" for n in range(400)]
    put(discogs._BACKBONE[1], json.dumps({"classes": styles}).encode())
    for name, files in discogs._HEADS.items():
        put(files[0], head(discogs.HEADS[name]).SerializeToString())
        names = class_names(name, discogs.HEADS[name])
        put(files[1], json.dumps({"classes": names}).encode())
    # What is known of the real files doesn't fit the stand-ins.
    plain = {file: discogs.File(file.place) for file in discogs.FILES}
    monkeypatch.setattr(discogs, "FILES", tuple(plain.values()))
    monkeypatch.setattr(discogs, "_BACKBONE", tuple(plain[f] for f in discogs._BACKBONE))
    heads = {name: tuple(plain[f] for f in files) for name, files in discogs._HEADS.items()}
    monkeypatch.setattr(discogs, "_HEADS", heads)
    monkeypatch.setattr(discogs, "_open", {})
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(tmp_path / "workspace"))
    return folder


@pytest.fixture
def address(published, monkeypatch):
    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args, **options):
            super().__init__(*args, directory=str(published), **options)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv(discogs.ADDRESS, f"http://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()
    thread.join()


def song():
    return sounds.encoded(sounds.chords(20.0), 16000, "FLAC")


def test_nothing_is_fetched_before_the_terms_are_accepted(address):
    with pytest.raises(WrongUsage, match=r"not for commercial use.*--accept-licence"):
        discogs.fetch(accepted=False)
    assert not discogs.folder().exists()
    with pytest.raises(WrongUsage, match="isn't here"):
        catalogue.find("discogs")
    assert "discogs" not in [model.name for model in catalogue.available()]


def test_once_accepted_it_classifies_and_names_its_licence(address):
    discogs.fetch(accepted=True)
    assert "discogs" in [model.name for model in catalogue.available()]
    found = prediction.classify(song(), model="discogs", windows=True)
    assert found["model"] == "discogs"
    assert len(found["genres"]) == 87
    assert found["calibrated"] is False
    assert any("CC BY-NC-SA 4.0" in warning for warning in found["warnings"])
    assert found["windows"][0]["end_s"] == pytest.approx(128 * 256 / 16000)
    styles = prediction.classify(song(), model="discogs", view="styles", top=1)
    assert styles["genres"][0]["genre"] == "Electronic › Style 399"
    ten = prediction.classify(song(), model="discogs", view="ten")
    assert {g["genre"] for g in ten["genres"]} == set(vocabulary.TEN)


def test_the_files_may_lie_in_a_folder(published, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir()
    assert discogs.take(stick, accepted=True) == [file.name for file in discogs.FILES]
    for file in discogs.FILES:
        (stick / file.name).write_bytes((published / file.place).read_bytes())
    with pytest.raises(WrongUsage, match="If you accept"):
        discogs.take(stick, accepted=False)
    assert discogs.take(stick, accepted=True) == []
    assert discogs.available()


def test_a_file_that_changes_after_its_first_download_is_refused(address):
    discogs.fetch(accepted=True)
    path = discogs.folder() / discogs._HEADS["genre"][0].name
    path.write_bytes(head(87).SerializeToString() + b"\0")
    discogs._open.clear()
    with pytest.raises(WeightsError, match="isn't the file that was downloaded"):
        prediction.classify(song(), model="discogs")


def spoilt(published, file, model):
    (published / file.place).write_bytes(model.SerializeToString())


def test_a_graph_of_other_shapes_is_refused(address, published):
    spoilt(published, discogs._HEADS["genre"][0], graph("embeddings", [99], {"activations": [87]},
           [helper.make_node("Sigmoid", ["embeddings"], ["activations"])], []))  # fmt: skip
    with pytest.raises(WeightsError, match=r"its input has the shape \[99\] instead of \[1280\]"):
        discogs.fetch(accepted=True)


def test_a_graph_with_foreign_operators_or_outside_data_is_refused(address, published):
    file = discogs._HEADS["genre"][0]
    foreign = head(87)
    foreign.graph.node[0].domain = "com.example"
    spoilt(published, file, foreign)
    with pytest.raises(WeightsError, match="holds the operator 'MatMul'"):
        discogs.fetch(accepted=True)
    outside = head(87)
    onnx.external_data_helper.set_external_data(outside.graph.initializer[0], "/etc/passwd")
    spoilt(published, file, outside)
    (discogs.folder() / file.name).unlink()
    record = json.loads((discogs.folder() / "accepted.json").read_text())
    del record["sha256"][file.name]
    (discogs.folder() / "accepted.json").write_text(json.dumps(record))
    with pytest.raises(WeightsError, match="numbers from another file"):
        discogs.fetch(accepted=True)


def test_classes_of_another_number_are_refused(address, published):
    (published / discogs._HEADS["genre"][1].place).write_text('{"classes": ["a", "b"]}')
    with pytest.raises(WeightsError, match="87 classes belong here"):
        discogs.fetch(accepted=True)


def test_an_address_without_the_files_is_said_in_words(published, monkeypatch):
    monkeypatch.setenv(discogs.ADDRESS, "http://127.0.0.1:9")
    monkeypatch.setattr("genre_engine.web.http.Retry.wait", lambda *args: None)
    with pytest.raises(DownloadError):
        discogs.fetch(accepted=True)
    assert not discogs.available()


def test_its_numbers_are_a_kind_of_features(address):
    from genre_engine import features
    from genre_engine.audio import Signal

    kind = features.kind("discogs")
    with pytest.raises(WeightsError, match="isn't here"):
        kind.prepare()
    discogs.fetch(accepted=True)
    signal = Signal(sounds.chords(7.0, 16000), 16000)
    found = kind.compute(signal)
    assert found.shape == kind.shape == (1280,)
    np.testing.assert_array_equal(kind.compute_many([signal, signal])[1], found)
    assert kind.compute(Signal(sounds.chords(0.5, 16000), 16000)).shape == (1280,)

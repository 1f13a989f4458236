"""Weights from their authors' addresses, with a server on loopback and small stand-ins."""

import hashlib
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from genre_engine import pretrained
from genre_engine.errors import WeightsError
from genre_engine.pretrained import NETWORKS, published
from genre_engine.pretrained.network import WeightsFile

CONTENT = np.arange(20_000, dtype="<f4").tobytes()


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("GENRE_ENGINE_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


@pytest.fixture
def network(monkeypatch):
    """A network whose weights are a small file of this test's own."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    file = WeightsFile("mtg-jamendo-fcn.pth", len(CONTENT), sha256, "models/best_model.pth")
    made = replace(NETWORKS["mtg-jamendo-fcn"], weights=file)
    monkeypatch.setitem(NETWORKS, "mtg-jamendo-fcn", made)
    return made


@contextmanager
def serving(answer):
    """A server on loopback; `answer(handler, n)` serves its n-th request."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Range")))
            answer(self, len(asked))

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def whole(handler, n, content=CONTENT):
    start = 0
    asked = handler.headers.get("Range")
    if asked:
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    else:
        handler.send_response(200)
    handler.send_header("ETag", '"1"')
    handler.send_header("Content-Length", str(len(content) - start))
    handler.end_headers()
    handler.wfile.write(content[start:])


def missing(handler, n):
    handler.send_error(404)


def test_a_file_is_fetched_checked_and_not_fetched_again(network, monkeypatch):
    seen = []
    with serving(whole) as (address, asked):
        monkeypatch.setenv(published.ADDRESS, address)
        assert published.fetch([network], progress=lambda *n: seen.append(n)) == []
        assert published.fetch([network]) == []
    assert asked == [("/mtg-jamendo-fcn.pth", None)]
    assert published.path(network).read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert pretrained.available("full") == ("mtg-jamendo-fcn",)


def test_the_second_address_serves_where_the_first_does_not(network, monkeypatch):
    monkeypatch.delenv(published.ADDRESS)
    with serving(missing) as (first, asked), serving(whole) as (second, _):
        monkeypatch.setattr(published, "_AUTHORS", first)
        monkeypatch.setattr(published, "_FORK", second)
        assert published.fetch([network]) == []
    assert asked[0][0] == "/models/best_model.pth"
    assert published.present(network)


def test_what_was_cut_off_is_resumed(network):
    def cut_once(handler, n):
        if n > 1:
            whole(handler, n)
            return
        handler.send_response(200)
        handler.send_header("ETag", '"1"')
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[:50_000])
        handler.wfile.flush()
        handler.connection.close()

    with serving(cut_once) as (address, asked):
        assert published.fetch([network], base=address) == []
    assert asked[1] == ("/mtg-jamendo-fcn.pth", "bytes=50000-")
    assert published.path(network).read_bytes() == CONTENT


def test_what_is_not_as_published_is_refused_and_leaves_nothing(network):
    def other(handler, n):
        whole(handler, n, b"x" * len(CONTENT))

    with serving(other) as (address, _):
        (problem,) = published.fetch([network], base=address)
    assert "is not what it should be" in problem
    assert not published.present(network)
    assert not published.path(network).exists()


def test_a_larger_file_is_refused_before_it_is_read(network):
    def huge(handler, n):
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()

    with serving(huge) as (address, _):
        (problem,) = published.fetch([network], base=address)
    assert "over the limit" in problem


def test_nobody_waits_for_a_server_that_does_not_answer(network, monkeypatch):
    answered = threading.Event()

    def silent(handler, n):
        answered.wait(60)

    with serving(silent) as (address, asked):
        monkeypatch.setenv(published.ADDRESS, address)
        monkeypatch.setattr(published, "PATIENCE_S", 0.3)
        published.fetch_soon([network])
        assert len(asked) == 1
        # It is remembered, so that the next song doesn't wait at all.
        published.fetch_soon([network])
        assert len(asked) == 1
        answered.set()
    assert not published.present(network)


def test_it_is_tried_again_later(network, monkeypatch):
    published.fetch_soon([network])  # the closed port of the tests
    said = json.loads(published._refusals().read_text())
    assert said["reasons"]
    with serving(whole) as (address, asked):
        monkeypatch.setenv(published.ADDRESS, address)  # another address: no need to wait
        said["address"] = address
        published._refusals().write_text(json.dumps(said))
        published.fetch_soon([network])
        assert asked == []
        said["time"] = time.time() - published.RETRY_S - 1
        published._refusals().write_text(json.dumps(said))
        published.fetch_soon([network])
    assert published.present(network)
    assert not published._refusals().exists()


def test_weights_are_taken_from_a_folder(network, tmp_path):
    folder = tmp_path / "stick"
    folder.mkdir()
    assert published.take(folder, [network]) == ["mtg-jamendo-fcn"]
    (folder / network.weights.name).write_bytes(b"x" * len(CONTENT))
    with pytest.raises(WeightsError, match="is not the published file"):
        published.take(folder, [network])
    (folder / network.weights.name).write_bytes(CONTENT)
    assert published.take(folder, [network]) == []
    assert published.path(network).read_bytes() == CONTENT


def test_two_processes_fetch_once(network, python, workspace, tmp_path):
    """The server answers the first only when both have asked for the lock."""
    notes = tmp_path / "notes"
    notes.mkdir()
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from filelock import FileLock\n"
        "acquire = FileLock.acquire\n"
        "def noted(lock, *arguments, **options):\n"
        "    Path(sys.argv[4], str(os.getpid())).touch()\n"
        "    return acquire(lock, *arguments, **options)\n"
        "FileLock.acquire = noted\n"
        "from dataclasses import replace\n"
        "from genre_engine.pretrained import NETWORKS, published\n"
        "from genre_engine.pretrained.network import WeightsFile\n"
        "n = NETWORKS['mtg-jamendo-fcn']\n"
        "file = WeightsFile(n.weights.name, int(sys.argv[2]), sys.argv[3], 'x')\n"
        "print(published.fetch([replace(n, weights=file)], base=sys.argv[1]))\n"
    )

    def when_both_asked(handler, n):
        deadline = time.monotonic() + 120
        while len(list(notes.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        whole(handler, n)

    results = []
    with serving(when_both_asked) as (address, asked):
        arguments = (address, len(CONTENT), network.weights.sha256, notes)
        threads = [
            threading.Thread(target=lambda: results.append(python(code, *arguments)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [done.stdout.strip() for done in results] == ["[]", "[]"], results
    assert len(asked) == 1
    assert published.path(network).read_bytes() == CONTENT


def test_without_them_the_pair_is_used_and_a_fast_choice_too(monkeypatch):
    from genre_engine.pretrained import sessions, weights

    monkeypatch.setattr(weights, "present", lambda: True)
    monkeypatch.setattr(weights, "fetch", lambda progress=None: None)
    assert sessions.prepare("full") == pretrained.PAIR
    assert sessions.prepare("fast") == pretrained.PAIR


def test_a_damaged_file_is_fetched_again(network):
    published.path(network).parent.mkdir(parents=True)
    published.path(network).write_bytes(b"x" * len(CONTENT))
    assert published.present(network)
    with serving(whole) as (address, _):
        assert published.fetch([network], base=address) == []
    assert published.path(network).read_bytes() == CONTENT


def test_a_damaged_file_is_taken_from_a_folder_again(network, tmp_path):
    published.path(network).parent.mkdir(parents=True)
    published.path(network).write_bytes(b"x" * len(CONTENT))
    folder = tmp_path / "stick"
    folder.mkdir()
    (folder / network.weights.name).write_bytes(CONTENT)
    assert published.take(folder, [network]) == []
    assert published.path(network).read_bytes() == CONTENT


def test_a_huge_file_in_a_folder_is_refused_unread(network, tmp_path, monkeypatch):
    with (tmp_path / network.weights.name).open("wb") as file:
        file.truncate(10**12)  # sparse: it takes no room
    monkeypatch.setattr(Path, "open", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(WeightsError, match="instead of 80000"):
        published.take(tmp_path, [network])


def test_a_host_that_gives_nothing_is_asked_once_for_all_networks(network, monkeypatch):
    over = threading.Event()

    def silent(handler, n):
        over.wait(60)

    others = [
        replace(network, name=f"other-{n}", weights=replace(network.weights, name=f"{n}.pth"))
        for n in range(3)
    ]
    with serving(silent) as (address, asked):
        monkeypatch.setattr(published, "PATIENCE_S", 0.3)
        problems = published.fetch([network, *others], base=address)
        over.set()
    assert len(problems) == 4
    assert len(asked) == 1


def test_a_server_in_trouble_is_not_asked_again_at_once(network):
    def in_trouble(handler, n):
        handler.send_error(503)

    with serving(in_trouble) as (address, asked):
        (problem,) = published.fetch([network], base=address)
    assert "503" in problem
    assert len(asked) == 1


def test_each_silent_address_is_asked_once_and_left(network, monkeypatch):
    over = threading.Event()

    def silent(handler, n):
        over.wait(60)

    monkeypatch.delenv(published.ADDRESS)
    monkeypatch.setattr(published, "PATIENCE_S", 0.6)
    with serving(silent) as (first, one), serving(silent) as (second, two):
        monkeypatch.setattr(published, "_AUTHORS", first)
        monkeypatch.setattr(published, "_FORK", second)
        assert len(published.fetch([network])) == 1
        over.set()
    assert (len(one), len(two)) == (1, 1)


def test_a_song_leaves_a_server_that_stalls_in_the_middle(network, monkeypatch):
    stalled = threading.Event()

    def stalls(handler, n):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[:1000])
        handler.wfile.flush()
        stalled.wait(30)

    with serving(stalls) as (address, _):
        monkeypatch.setenv(published.ADDRESS, address)
        monkeypatch.setattr(published, "PATIENCE_S", 0.4)
        began = time.monotonic()
        published.fetch_soon([network])
        assert time.monotonic() - began < 5
        stalled.set()
    assert not published.present(network)

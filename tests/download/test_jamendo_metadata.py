"""Against a server on loopback that misbehaves as servers and networks do."""

import email.utils
import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from genre_engine.download import jamendo_metadata
from genre_engine.errors import DownloadError, StorageError, WrongUsage
from genre_engine.web.fetch import NotThere, Retry, fetch

BODY = b"TRACK_ID\tx\n" + bytes(range(1, 128)) * 500 + b"\n"
DIGEST = hashlib.sha256(BODY).hexdigest()


class Server:
    """Serves `files`; `script` holds what to do to the next requests instead of serving well.

    A step is `("status", code, headers)`, `("cut", n)` (close after n bytes) or `("lie", n)` (say
    there are n bytes more than there are).
    """

    def __init__(self):
        self.files = {"/file": BODY}
        self.script = []
        self.ranges = []
        self.etag = '"one"'
        self.takes_ranges = True
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.answer(self)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, handler):
        self.ranges.append(handler.headers.get("Range"))
        step = self.script.pop(0) if self.script else ("well",)
        if step[0] == "status":
            handler.send_response(step[1])
            for name, value in step[2].items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        body = self.files.get(handler.path)
        if body is None:
            handler.send_error(404)
            return
        start, status = 0, 200
        wanted = handler.headers.get("Range")
        same = handler.headers.get("If-Range") in (None, self.etag)
        if wanted and self.takes_ranges and same:
            start, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
        if start >= len(body):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(body)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        rest = body[start:]
        handler.send_response(status)
        if status == 206:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if self.etag:
            handler.send_header("ETag", self.etag)
        more = step[1] if step[0] == "lie" else 0
        handler.send_header("Content-Length", str(len(rest) + more))
        handler.end_headers()
        handler.wfile.write(rest[: step[1]] if step[0] == "cut" else rest)


@pytest.fixture
def server():
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def retry(waits):
    return Retry(attempts=3, first_wait_s=1, longest_wait_s=60, jitter=0, sleep=waits.append)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "to" / "file"


def nothing_left(target):
    return {path.name for path in target.parent.iterdir()} <= {target.name, f".{target.name}.lock"}


def test_a_file_is_fetched_with_progress(server, retry, target):
    seen = []
    fetch(
        f"{server.url}/file",
        target,
        sha256=DIGEST,
        retry=retry,
        progress=lambda name, done, total: seen.append((name, done, total)),
    )
    assert target.read_bytes() == BODY
    assert seen[-1] == ("file", len(BODY), len(BODY))
    assert nothing_left(target)


def test_a_cut_connection_is_resumed_where_it_broke(server, retry, target, waits):
    server.script = [("cut", 1000), ("cut", 2000)]
    fetch(f"{server.url}/file", target, sha256=DIGEST, retry=retry)
    assert target.read_bytes() == BODY
    assert server.ranges == [None, "bytes=1000-", "bytes=3000-"]
    assert waits == [1, 1]


def test_a_server_without_version_marks_is_resumed_by_length(server, retry, target):
    server.etag = ""
    server.script = [("cut", 1000)]
    fetch(f"{server.url}/file", target, retry=retry)
    assert target.read_bytes() == BODY
    assert server.ranges[1] == "bytes=1000-"


def test_a_server_that_takes_no_ranges_starts_from_the_beginning(server, retry, target):
    server.takes_ranges = False
    server.script = [("cut", 1000)]
    fetch(f"{server.url}/file", target, retry=retry)
    assert target.read_bytes() == BODY


def test_a_file_that_changed_meanwhile_is_fetched_anew(server, retry, target):
    server.script = [("cut", 1000), ("status", 500, {}), ("status", 500, {}), ("status", 500, {})]
    with pytest.raises(DownloadError, match="the server answers 500"):
        fetch(f"{server.url}/file", target, retry=retry)
    server.files["/file"] = BODY[::-1]
    server.etag = '"two"'
    fetch(f"{server.url}/file", target, retry=retry)
    assert target.read_bytes() == BODY[::-1]
    assert server.ranges[-1] == "bytes=1000-"


def test_a_later_start_goes_on_with_what_has_come(server, retry, target):
    server.script = [("cut", 5000), *[("cut", 0)] * 3]
    with pytest.raises(DownloadError, match="what has come is kept"):
        fetch(f"{server.url}/file", target, retry=retry)
    assert not target.exists()
    fetch(f"{server.url}/file", target, sha256=DIGEST, retry=retry)
    assert server.ranges[-1] == "bytes=5000-"
    assert target.read_bytes() == BODY


def test_a_whole_file_that_was_not_yet_moved_is_not_fetched_again(server, retry, target):
    server.script = [("cut", 5000), *[("cut", 0)] * 3]
    with pytest.raises(DownloadError):
        fetch(f"{server.url}/file", target, retry=retry)
    (target.parent / ".file.part").write_bytes(BODY)
    fetch(f"{server.url}/file", target, retry=retry)
    assert target.read_bytes() == BODY


def test_as_long_as_bytes_come_it_goes_on(server, retry, target):
    server.script = [("cut", 1000)] * 20
    fetch(f"{server.url}/file", target, sha256=DIGEST, retry=retry)
    assert target.read_bytes() == BODY


def test_a_server_that_lies_about_the_length_is_given_up(server, retry, target):
    server.takes_ranges = False
    server.script = [("lie", 7)] * 10
    with pytest.raises(DownloadError, match="connection was cut"):
        fetch(f"{server.url}/file", target, retry=retry)
    assert not target.exists()


def test_a_missing_file_is_final(server, retry, target, waits):
    with pytest.raises(NotThere, match="There is no file"):
        fetch(f"{server.url}/none", target, retry=retry)
    assert waits == []
    assert len(server.ranges) == 1


@pytest.mark.parametrize("code", [401, 403])
def test_a_refusal_is_final(server, retry, target, waits, code):
    server.script = [("status", code, {})]
    with pytest.raises(DownloadError, match="refuses"):
        fetch(f"{server.url}/file", target, retry=retry)
    assert waits == []


def test_too_many_requests_wait_as_long_as_the_server_asks(server, retry, target, waits):
    in_30_s = email.utils.formatdate(time.time() + 30, usegmt=True)
    server.script = [
        ("status", 429, {"Retry-After": "7"}),
        ("status", 503, {"Retry-After": in_30_s}),
    ]
    fetch(f"{server.url}/file", target, retry=retry)
    assert waits[0] == 7
    assert 25 <= waits[1] <= 30
    assert target.read_bytes() == BODY


def test_a_wait_beyond_all_sense_is_reported_instead(server, retry, target, waits):
    server.script = [("status", 429, {"Retry-After": "86400"})]
    with pytest.raises(DownloadError, match="asks to wait 86400 s"):
        fetch(f"{server.url}/file", target, retry=retry)
    assert waits == []


def test_a_server_in_trouble_is_tried_again_with_growing_waits(server, retry, target, waits):
    server.script = [("status", 500, {}), ("status", 502, {})]
    fetch(f"{server.url}/file", target, retry=retry)
    assert target.read_bytes() == BODY
    assert waits == [1, 2]
    server.script = [("status", 500, {})] * 5
    with pytest.raises(DownloadError, match="the server answers 500"):
        fetch(f"{server.url}/file", target.with_name("other"), retry=retry)
    assert len(server.script) == 2


def test_without_a_network_the_error_says_what_to_do(retry, target, server, waits):
    url = server.url
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(DownloadError, match=r"no connection to 127\.0\.0\.1.*Check the network"):
        fetch(f"{url}/file", target, retry=retry)
    assert len(waits) == 2


def test_wrong_content_is_refused_after_a_second_look(server, retry, target):
    with pytest.raises(DownloadError, match="not what it should be: its sha256"):
        fetch(f"{server.url}/file", target, sha256="0" * 64, retry=retry)
    with pytest.raises(DownloadError, match="bytes instead of 5"):
        fetch(f"{server.url}/file", target, size=5, retry=retry)
    assert len(server.ranges) == 4
    assert nothing_left(target)


def test_a_spoilt_piece_is_thrown_away_and_fetched_anew(server, retry, target):
    server.script = [("cut", 5000), *[("cut", 0)] * 3]
    with pytest.raises(DownloadError):
        fetch(f"{server.url}/file", target, retry=retry)
    (target.parent / ".file.part").write_bytes(b"?" * 5000)
    fetch(f"{server.url}/file", target, sha256=DIGEST, retry=retry)
    assert target.read_bytes() == BODY


def test_more_than_the_limit_is_refused(server, retry, target):
    with pytest.raises(DownloadError, match="over the limit"):
        fetch(f"{server.url}/file", target, max_bytes=100, retry=retry)


def test_a_place_that_cannot_be_written_is_named(server, retry, tmp_path):
    (tmp_path / "to").write_text("a file")
    with pytest.raises(StorageError, match="Can't write"):
        fetch(f"{server.url}/file", tmp_path / "to" / "file", retry=retry)


def table(number):
    return f"TRACK_ID\tTAGS\r\ntrack_{number}\tgenre---pop\r\n".encode()


def test_metadata_comes_from_the_address_that_is_set(server, retry, tmp_path, monkeypatch):
    server.files = {
        "/data/raw_30s.tsv": table(1),
        "/data/autotagging_genre.tsv": table(2),
        "/data/splits/split-0/autotagging_genre-train.tsv": table(3),
        "/data/splits/split-0/autotagging_genre-validation.tsv": table(4),
        "/data/split-0-autotagging_genre-test.tsv": table(5),
    }
    monkeypatch.setenv(jamendo_metadata.JAMENDO_METADATA_VARIABLE, f"{server.url}/data")
    fetched = jamendo_metadata.jamendo_metadata(tmp_path / "to", retry=retry)
    assert [path.read_bytes() for path in fetched] == [table(n) for n in range(1, 6)]
    assert [path.name for path in fetched] == [
        file.name for file in jamendo_metadata.JAMENDO_METADATA
    ]
    asked = len(server.ranges)
    jamendo_metadata.jamendo_metadata(tmp_path / "to", retry=retry)
    assert len(server.ranges) == asked


def test_a_table_that_ends_inside_a_row_is_refused(server, retry, tmp_path):
    server.files = {"/raw_30s.tsv": table(1)[:-4]}
    with pytest.raises(DownloadError, match="ends in the middle of a row"):
        jamendo_metadata.jamendo_metadata(tmp_path / "to", base_url=server.url, retry=retry)


@pytest.mark.parametrize("address", ["file:///etc", "ftp://x/", "no address", "http://"])
def test_addresses_that_are_not_of_the_web_are_refused(tmp_path, address):
    with pytest.raises(WrongUsage, match="no address"):
        jamendo_metadata.jamendo_metadata(tmp_path, base_url=address)


def test_the_known_checksums_are_those_of_the_real_files(real_metadata):
    for file in jamendo_metadata.JAMENDO_METADATA:
        digest = hashlib.sha256((real_metadata / file.name).read_bytes()).hexdigest()
        assert digest == file.sha256

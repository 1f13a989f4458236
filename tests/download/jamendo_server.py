"""A small MTG-Jamendo on loopback: tables, lists, licences, tracks and archives, with faults.

    with Server() as server:
        world = World(server, n_tracks=40)
        server.faults["/raw_30s/audio-low/01/1.low.mp3"] = [("cut", 1000), ("status", 500, {})]

A fault is used up by one request for that path (GET, not HEAD, unless it is a status):

    ("status", code, headers)   an error
    ("cut", n)                  the connection ends after n bytes of the body
    ("longer", n)               the length says n bytes more than come
    ("shorter", n)              the length says n bytes fewer than there are
    ("slow", n, seconds)        pieces of n bytes with a pause before each
    ("other", bytes)            another content
"""

import hashlib
import io
import socket
import tarfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import soundfile

GENRES = ("ambient", "classical", "electronic", "pop", "rock")
HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\r\n"
PARTS = ("train", "train", "train", "validation", "test")


class Server:
    """Serves `files` by path.

    Attributes:
        log: [method, path, Range header or None, status, bytes of body sent] of each request, in
            the order in which they came; status None while the answer is on its way.
        takes_ranges, takes_head, etags: what the server knows.
    """

    def __init__(self):
        self.files = {}
        self.faults = {}
        self.log = []
        self._answering = set()
        self.takes_ranges = self.takes_head = self.etags = True
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1  # head and body in as few packets as they need

            def do_GET(self):
                server._answer(self)

            do_HEAD = do_GET  # noqa: N815 - so the base class calls it

            def log_message(self, *args):
                pass

        class Http(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request, client_address):
                pass  # a client that hangs up is no fault of the server

        self.http = Http(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.http.shutdown()
        self.http.server_close()

    @property
    def audio_url(self):
        return f"{self.url}/raw_30s/"

    @property
    def metadata_url(self):
        return f"{self.url}/data/"

    def answered(self):
        """The log, once every request in it has its answer (a client has it a little earlier)."""
        end = time.monotonic() + 30
        while self._answering and time.monotonic() < end:
            time.sleep(0.005)
        return list(self.log)

    def asked(self, path, method="GET"):
        return [entry for entry in self.answered() if entry[1] == path and entry[0] == method]

    def fetched_whole(self):
        """How often each track was sent from its beginning to its end in one answer."""
        return Counter(
            path
            for method, path, _, status, sent in self.answered()
            if method == "GET" and status == 200 and sent == len(self.files.get(path, b""))
        )

    def _answer(self, handler):
        wanted = handler.headers.get("Range") if self.takes_ranges else None
        # Noted as it comes: a client may ask again before the thread that cut it off has ended.
        entry = [handler.command, handler.path, wanted, None, 0]
        self._answering.add(id(entry))
        self.log.append(entry)
        try:
            self._reply(handler, entry)
        finally:
            self._answering.discard(id(entry))

    def _reply(self, handler, entry):
        method, path, wanted = entry[:3]
        steps = self.faults.get(path) or []
        step = ("well",)
        if steps and (method == "GET" or steps[0][0] == "status"):
            step = steps.pop(0)
        body = self.files.get(path)
        if step[0] == "status" or body is None or (method == "HEAD" and not self.takes_head):
            code, headers = (step[1], step[2]) if step[0] == "status" else (404, {})
            code = 405 if body is not None and step[0] != "status" else code
            self._head(handler, code, {**headers, "Content-Length": "0"})
            entry[3] = code
            return
        if step[0] == "other":
            body = step[1]
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        if handler.headers.get("If-Range") not in (None, etag):
            entry[2] = wanted = None
        start, end, status = 0, len(body), 200
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end, status = int(first), min(len(body), int(last or len(body)) + 1), 206
        if start >= len(body) > 0:
            self._head(
                handler, 416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"}
            )
            entry[3] = 416
            return
        headers = {"ETag": etag} if self.etags else {}
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
        said = end - start
        if step[0] in ("longer", "shorter"):
            said += step[1] if step[0] == "longer" else -step[1]
        self._head(handler, status, {**headers, "Content-Length": str(said)})
        sent = 0 if method == "HEAD" else self._body(handler, memoryview(body)[start:end], step)
        entry[3:] = status, sent

    def _head(self, handler, status, headers):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    def _body(self, handler, body, step):
        if step[0] == "slow":
            for at in range(0, len(body), step[1]):
                time.sleep(step[2])
                handler.wfile.write(body[at : at + step[1]])
                handler.wfile.flush()
            return len(body)
        if step[0] == "cut":
            body = body[: step[1]]
        handler.wfile.write(body)
        handler.wfile.flush()
        if step[0] in ("cut", "longer", "shorter"):
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        return len(body)


def mp3(seed, seconds=40.0, *, sample_rate=22050, vary=False):
    """A melody as MP3; `vary`: with a bit rate that changes."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    notes = 110 * 2 ** (rng.integers(0, 36, int(seconds) + 1) / 12)
    pitch = notes[t.astype(int)]
    y = 0.3 * np.sin(2 * np.pi * np.cumsum(pitch) / sample_rate)
    y += 0.02 * rng.standard_normal(len(t))
    if vary:
        y[len(y) // 3 : -len(y) // 3] += 0.4 * rng.standard_normal(
            len(y[len(y) // 3 : -len(y) // 3])
        )
    out = io.BytesIO()
    mode = "VARIABLE" if vary else "CONSTANT"
    with soundfile.SoundFile(
        out, "w", sample_rate, 1, format="MP3", bitrate_mode=mode, compression_level=0.5
    ) as file:
        file.write(y.astype(np.float32))
    return out.getvalue()


class World:
    """Tables, lists, tracks and archives of an invented MTG-Jamendo, put on a server."""

    def __init__(
        self,
        server,
        n_tracks=40,
        *,
        songs=None,
        seconds=40.0,
        artists=None,
        first_id=1,
        genres=GENRES,
    ):
        self.server = server
        self.seconds = seconds
        self.songs = songs or [mp3(seed, seconds) for seed in range(3)]
        artists = artists or max(1, n_tracks // 2)
        self.rows = []
        self.files = {}
        for n in range(n_tracks):
            number = first_id + n
            carried = {genres[n % len(genres)]}
            if n % 4 == 0:
                carried.add(genres[n * 3 % len(genres)])
            artist = n % artists
            self.rows.append((number, artist, PARTS[artist % 5], sorted(carried)))
            self.files[self.name(number)] = self.songs[n % len(self.songs)]
        self._put_tables()
        for name, data in self.files.items():
            server.files[f"/raw_30s/audio-low/{name}"] = data
        self._put_lists()

    @staticmethod
    def name(number):
        return f"{number % 100:02d}/{number}.low.mp3"

    def path(self, number):
        return f"/raw_30s/audio-low/{self.name(number)}"

    def _line(self, number, artist, genres):
        tags = "\t".join(f"genre---{genre}" for genre in genres)
        return (
            f"track_{number:07d}\tartist_{artist:06d}\talbum_{artist:06d}\t"
            f"{number % 100:02d}/{number}.mp3\t{self.seconds:.1f}\t{tags}\r\n"
        )

    def _put_tables(self):
        lines = {"raw": [], "train": [], "validation": [], "test": []}
        for number, artist, part, genres in self.rows:
            line = self._line(number, artist, genres)
            lines["raw"].append(line)
            lines[part].append(line)
        files = self.server.files
        for name in ("raw_30s.tsv", "autotagging_genre.tsv"):
            files[f"/data/{name}"] = (HEADER + "".join(lines["raw"])).encode()
        for part in ("train", "validation", "test"):
            text = HEADER + "".join(lines[part])
            files[f"/data/splits/split-0/autotagging_genre-{part}.tsv"] = text.encode()

    def _put_lists(self):
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}
        text = "".join(f"{digest} {name}\n" for name, digest in sums.items())
        self.server.files["/data/download/raw_30s_audio-low_sha256_tracks.txt"] = text.encode()
        licences = "".join(
            f"{number % 100:02d}/{number}.mp3\nSong {number} by Artist {artist} from Jamendo: "
            f"http://example.org/track/{number}\nAvailable under a Creative Commons Attribution "
            "license: http://creativecommons.org/licenses/by-nc-sa/3.0/\n\n"
            for number, artist, *_ in self.rows
        )
        self.server.files["/audio_licenses.txt"] = licences.encode()

    def put_splits(self):
        """Serve the official splits 1 to 4, each with the parts of another fold."""
        for number in range(1, 5):
            lines = {"train": [], "validation": [], "test": []}
            for track, artist, _, genres in self.rows:
                part = PARTS[(artist + number) % 5]
                lines[part].append(self._line(track, artist, genres))
            for part, rows in lines.items():
                place = f"/data/splits/split-{number}/autotagging_genre-{part}.tsv"
                self.server.files[place] = (HEADER + "".join(rows)).encode()

    def put_tar(self, number, *, extra=(), leave_out=(), listed=True):
        """Make the archive of an id's last two digits; `extra` members come first.

        Returns the archive's bytes.
        """
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
            folder = tarfile.TarInfo(f"{number:02d}")
            folder.type = tarfile.DIRTYPE
            tar.addfile(folder)
            for info, data in extra:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            for name, data in self.files.items():
                if name.startswith(f"{number:02d}/") and name not in leave_out:
                    info = tarfile.TarInfo(name)
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
        data = out.getvalue()
        file = f"raw_30s_audio-low-{number:02d}.tar"
        self.server.files[f"/raw_30s/audio-low/{file}"] = data
        if listed:
            sums = self.server.files.setdefault(
                "/data/download/raw_30s_audio-low_sha256_tars.txt", b""
            )
            line = f"{hashlib.sha256(data).hexdigest()} {file}\n"
            self.server.files["/data/download/raw_30s_audio-low_sha256_tars.txt"] = (
                sums + line.encode()
            )
        return data

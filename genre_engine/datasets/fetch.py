"""Fetching a file over HTTP: resumed where it was cut off, checked, tried again.

What has come of a file lies beside it as `.<name>.part`, with what the server said about it in
`.<name>.part.json`; so a download that was cut off, or killed, goes on where it stood, if the
server can and the file hasn't changed meanwhile.
"""

import email.utils
import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from filelock import FileLock, Timeout

from genre_engine import workspace
from genre_engine.errors import DownloadError

CHUNK_BYTES = 1 << 16
TIMEOUT_S = (10, 30)  # to connect, between two pieces
FINAL = frozenset((400, 401, 403, 404, 405, 410, 451))

Progress = Callable[[str, int, int], None]  # file, bytes so far, bytes in all (0: not known)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retry:
    """How often and how soon a failed request is tried again.

    Attributes:
        attempts: failures in a row, without a byte gained, after which it is given up.
        first_wait_s: doubled with each failure, up to `longest_wait_s`.
        longest_wait_s: also the longest `Retry-After` that is waited for.
    """

    attempts: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 120.0
    sleep: Callable[[float], None] = time.sleep

    def wait(self, failures: int, retry_after_s: float | None) -> None:
        """Wait before the next attempt.

        Raises:
            DownloadError: the server asks for a longer wait than is sensible.
        """
        pause = min(self.first_wait_s * 2 ** (failures - 1), self.longest_wait_s)
        if retry_after_s is not None:
            if retry_after_s > self.longest_wait_s:
                raise DownloadError(
                    f"The server asks to wait {retry_after_s:.0f} s. Start again after that; "
                    "what has come is kept."
                )
            pause = retry_after_s or pause
        self.sleep(pause)


class _Cut(Exception):
    """An attempt failed in a way that another may not."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class NotThere(DownloadError):
    """The server has no such file."""


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    max_bytes: int = 1_000_000_000,
    check: Callable[[Path], str | None] | None = None,
    retry: Retry | None = None,
    progress: Progress | None = None,
    session: requests.Session | None = None,
) -> Path:
    """Fetch one file to `target`; one that is there and passes its checks is left as it is.

    Args:
        sha256, size: what the content must have, where known.
        max_bytes: more than this is refused.
        check: looks at the whole file and says what is wrong with it.

    Raises:
        NotThere: the server has no such file.
        DownloadError: no connection after all attempts, a refusal, or content that isn't right.
        StorageError: it can't be written.
    """
    if target.exists() and _wrong(target, sha256, size, check) is None:
        return target
    workspace.make_folder(target.parent)
    lock = FileLock(target.parent / f".{target.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DownloadError(
            f"{target.name} is being fetched by another program at this moment. Wait for it."
        ) from error
    try:
        with session or requests.Session() as client:
            download = _Download(client, url, target, max_bytes, progress)
            download.run(retry or Retry(), sha256, size, check)
    finally:
        lock.release()
    return target


def _wrong(
    path: Path, sha256: str | None, size: int | None, check: Callable[[Path], str | None] | None
) -> str | None:
    n_bytes = path.stat().st_size
    if size is not None and n_bytes != size:
        return f"it has {n_bytes} bytes instead of {size}"
    if sha256 is not None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            return f"its sha256 is {found[:12]}… instead of {sha256[:12]}…"
    if not n_bytes and size != 0:
        return "it is empty"
    return check(path) if check else None


@dataclass
class _Download:
    client: requests.Session
    url: str
    target: Path
    max_bytes: int
    progress: Progress | None
    best: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.part = self.target.with_name(f".{self.target.name}.part")
        self.said = self.target.with_name(f".{self.target.name}.part.json")

    def run(
        self,
        retry: Retry,
        sha256: str | None,
        size: int | None,
        check: Callable[[Path], str | None] | None,
    ) -> None:
        failures, spoilt = 0, False
        self.best = self.have()
        while True:
            try:
                self.attempt()
            except _Cut as cut:
                have = self.have()
                # Bytes gained are progress: a long file over a bad line gets there in many pieces.
                failures = 1 if have > self.best else failures + 1
                self.best = max(self.best, have)
                _log.info("%s: %s (%d of %d failures)", self.url, cut, failures, retry.attempts)
                if failures >= retry.attempts:
                    raise DownloadError(
                        f"{self.target.name} can't be fetched from {self.url}: {cut}. Check the "
                        "network and try again; what has come is kept."
                    ) from cut
                retry.wait(failures, cut.retry_after_s)
                continue
            problem = _wrong(self.part, sha256, size, check)
            if problem is None:
                break
            self.forget()
            if spoilt:
                raise DownloadError(
                    f"{self.target.name} from {self.url} is not what it should be: {problem}. Try "
                    "again later, or another address."
                )
            # What was resumed may have been another version's start: once more from the beginning.
            spoilt, self.best = True, 0
        with workspace.storage_errors(self.target):
            os.replace(self.part, self.target)
            self.said.unlink(missing_ok=True)

    def have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.said.unlink(missing_ok=True)

    def attempt(self) -> None:
        """One request. Returns when the file is whole, as far as the server says.

        Raises:
            _Cut: another attempt may help.
            DownloadError: none will.
        """
        said = self._read_said()
        have = self.have() if said else 0
        # Lengths and ranges count bytes as sent, so nothing may pack them on the way.
        headers = {"Accept-Encoding": "identity"}
        if have and said:
            headers["Range"] = f"bytes={have}-"
            if said["validator"]:
                headers["If-Range"] = said["validator"]
        try:
            with self.client.get(
                self.url, headers=headers, stream=True, timeout=TIMEOUT_S
            ) as answer:
                self._receive(answer, have, said)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise DownloadError(f"{self.url} is no address. Check it.") from error
        except requests.exceptions.SSLError as error:
            raise DownloadError(
                f"The connection to {urlsplit(self.url).netloc} isn't safe ({error}). Check the "
                "system's clock and certificates."
            ) from error
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise _Cut("the server doesn't answer in time") from error
        except (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.HTTPError) as error:
            raise _Cut(f"the connection was cut after {self.have()} bytes") from error
        except requests.exceptions.ConnectionError as error:
            raise _Cut(f"there is no connection to {urlsplit(self.url).netloc}") from error
        except requests.exceptions.RequestException as error:
            raise _Cut(str(error)) from error

    def _receive(self, answer: requests.Response, have: int, said: dict[str, Any] | None) -> None:
        status = answer.status_code
        if status in (404, 410):
            raise NotThere(f"There is no file at {self.url} ({status}). Check the address.")
        if status in FINAL:
            raise DownloadError(f"The server refuses {self.url} ({status}). Check the address.")
        if status == 416:
            total = _range_total(answer)
            if said and total is not None and total == have:
                return
            self.forget()
            raise _Cut("the server has no more bytes to give")
        if status not in (200, 206):
            raise _Cut(f"the server answers {status}", _retry_after_s(answer))
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise DownloadError(
                f"The server packs {self.url} though it was asked not to. Try another address."
            )
        if status == 206:
            total = self._check_range(answer, have, said)
        else:
            have = 0
            length = answer.headers.get("Content-Length", "")
            total = int(length) if length.isdigit() else None
        if total is not None and total > self.max_bytes:
            raise DownloadError(
                f"{self.url} has {total} bytes, over the limit of {self.max_bytes}."
            )
        self._write(answer, have, total)

    def _check_range(
        self, answer: requests.Response, have: int, said: dict[str, Any] | None
    ) -> int | None:
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", answer.headers.get("Content-Range", ""))
        total = int(found[3]) if found and found[3] != "*" else None
        if not found or int(found[1]) != have or (said and said["total"] not in (None, total)):
            self.forget()
            raise _Cut("the server sends another piece than was asked for")
        return total

    def _write(self, answer: requests.Response, have: int, total: int | None) -> None:
        etag = answer.headers.get("ETag", "")
        # A weak tag doesn't promise the same bytes, so it can't join two pieces.
        validator = etag if etag and not etag.startswith("W/") else ""
        validator = validator or answer.headers.get("Last-Modified", "")
        with workspace.storage_errors(self.target):
            if not have:
                self.part.unlink(missing_ok=True)
            said = {"url": self.url, "validator": validator, "total": total}
            self.said.write_text(json.dumps(said), encoding="utf-8")
            file = self.part.open("ab")
        with file:
            # read1 hands over what has come; iter_content would wait for a whole piece, and lose
            # what had come of it when the connection is cut.
            while piece := answer.raw.read1(CHUNK_BYTES, decode_content=False):
                with workspace.storage_errors(self.target):
                    file.write(piece)
                have += len(piece)
                if have > self.max_bytes:
                    raise DownloadError(
                        f"{self.url} has more than the limit of {self.max_bytes} bytes."
                    )
                if self.progress:
                    self.progress(self.target.name, have, total or 0)
        if total is not None and have < total:
            raise _Cut(f"the connection was cut after {have} of {total} bytes")
        if total is not None and have > total:
            self.forget()
            raise _Cut(f"{have} bytes came instead of {total}")

    def _read_said(self) -> dict[str, Any] | None:
        """What the server said about the piece that is here; None if it can't be gone on with."""
        try:
            said = json.loads(self.said.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(said, dict) or said.get("url") != self.url:
            return None
        if not {"validator", "total"} <= set(said):
            return None
        # Without a mark of its version or at least its length, two pieces can't be known to fit.
        return said if said["validator"] or said["total"] else None


def _range_total(answer: requests.Response) -> int | None:
    found = re.fullmatch(r"bytes \*/(\d+)", answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _retry_after_s(answer: requests.Response) -> float | None:
    """Seconds from a Retry-After header, which holds a number or a date."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    with suppress(TypeError, ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    return None

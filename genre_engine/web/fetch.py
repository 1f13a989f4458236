"""Fetching a file over HTTP: resumed where it was cut off, checked, tried again.

What has come of a file lies beside it as `.<name>.part`, with what the server said about it in
`.<name>.part.json`; so a download that was cut off, or killed, goes on where it stood, if the
server can and the file hasn't changed meanwhile.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from genre_engine.errors import DownloadError, WrongUsage
from genre_engine.storage import workspace
from genre_engine.storage.lock import exclusively
from genre_engine.web.http import Answer, BeyondEnd, Cut, NotThere, Retry, Web

__all__ = [
    "Check",
    "NotThere",
    "Progress",
    "Retry",
    "fetch",
    "fetch_alone",
    "web_address",
    "wrong",
]

MAX_BYTES = 1_000_000_000

Progress = Callable[[str, int, int], None]  # file, bytes so far, bytes in all (0: not known)
Check = Callable[[Path], str | None]


def web_address(address: str) -> str:
    """An address below which files lie, with a slash at its end.

    Raises:
        WrongUsage: it isn't one of the web.

    >>> web_address("https://example.org/data")
    'https://example.org/data/'
    """
    if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).netloc:
        raise WrongUsage(f"{address!r} is no address of the web. It must begin with http or https.")
    return address.rstrip("/") + "/"


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    max_bytes: int = MAX_BYTES,
    check: Check | None = None,
    retry: Retry | None = None,
    progress: Progress | None = None,
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
    if target.exists() and wrong(target, sha256, size, check) is None:
        return target
    workspace.make_folder(target.parent)
    refusal = DownloadError(
        f"{target.name} is being fetched by another program at this moment. Wait for it."
    )
    with exclusively(target.parent / f".{target.name}.lock", refusal):
        web = Web()
        try:
            fetch_alone(
                url,
                target,
                web=web,
                retry=retry or Retry(),
                sha256=sha256,
                size=size,
                max_bytes=max_bytes,
                check=check,
                progress=progress,
            )
        finally:
            web.close()
    return target


def fetch_alone(
    url: str,
    target: Path,
    *,
    web: Web,
    retry: Retry,
    sha256: str | None = None,
    size: int | None = None,
    max_bytes: int = MAX_BYTES,
    check: Check | None = None,
    progress: Progress | None = None,
) -> int:
    """As `fetch`, for who holds a lock on the folder, which is there, and knows the file isn't.

    Returns:
        The file's length in bytes.
    """
    download = _Download(web, url, target, max_bytes, progress)
    spoilt = False
    while True:
        retry.persist(download.attempt, lambda: download.have, url)
        problem = wrong(download.part, sha256, size, check)
        if problem is None:
            break
        download.forget()
        if spoilt:
            raise DownloadError(
                f"{target.name} from {url} is not what it should be: {problem}. Try again later, "
                "or another address."
            )
        # What was resumed may have been another version's start: once more from the beginning.
        spoilt = True
    with workspace.storage_errors(target):
        os.replace(download.part, target)
        download.said.unlink(missing_ok=True)
    return download.have


def wrong(
    path: Path, sha256: str | None = None, size: int | None = None, check: Check | None = None
) -> str | None:
    """What is wrong with a file, to go on a sentence with; or None."""
    n_bytes = path.stat().st_size
    if size is not None and n_bytes != size:
        return f"it has {n_bytes} bytes instead of {size}"
    if sha256 is not None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            return f"its sha256 is {found[:12]}… instead of {sha256[:12]}…"
        return None  # says more than any look at it
    if not n_bytes and size != 0:
        return "it is empty"
    return check(path) if check else None


@dataclass
class _Download:
    web: Web
    url: str
    target: Path
    max_bytes: int
    progress: Progress | None

    def __post_init__(self) -> None:
        self.part = self.target.with_name(f".{self.target.name}.part")
        self.said = self.target.with_name(f".{self.target.name}.part.json")
        self.known = self._read_said()
        self.have = self.part.stat().st_size if self.known and self.part.exists() else 0

    def forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.said.unlink(missing_ok=True)
        self.known, self.have = None, 0

    def attempt(self) -> None:
        """One request. Returns when the file is whole, as far as the server says.

        Raises:
            Cut: another attempt may help.
            DownloadError: none will.
        """
        known = self.known
        if known and self.have and self.have == known["total"] and known["validator"]:
            return
        try:
            with self.web.open(
                self.url, start=self.have, validator=known["validator"] if known else ""
            ) as answer:
                if answer.start and known and known["total"] not in (None, answer.total):
                    self.forget()
                    raise Cut("the server sends another file's piece")
                if answer.total is not None and answer.total > self.max_bytes:
                    raise DownloadError(
                        f"{self.url} has {answer.total} bytes, over the limit of {self.max_bytes}."
                    )
                self._write(answer)
        except BeyondEnd as end:
            if end.total is not None and end.total == self.have:
                return
            self.forget()
            raise Cut(str(end)) from end

    def _write(self, answer: Answer) -> None:
        known = {"url": self.url, "validator": answer.validator, "total": answer.total}
        with workspace.storage_errors(self.target):
            if not answer.start:
                self.part.unlink(missing_ok=True)
            if not answer.start or known != self.known:
                self.said.write_text(json.dumps(known), encoding="utf-8")
            file = self.part.open("ab", buffering=0)
        self.known, self.have = known, answer.start
        with file:
            for piece in answer.pieces():
                with workspace.storage_errors(self.target):
                    file.write(piece)
                self.have += len(piece)
                if self.have > self.max_bytes:
                    raise DownloadError(
                        f"{self.url} has more than the limit of {self.max_bytes} bytes."
                    )
                if self.progress:
                    self.progress(self.target.name, self.have, answer.total or 0)
        if answer.total is not None and self.have < answer.total:
            raise Cut(f"the connection was cut after {self.have} of {answer.total} bytes")
        if answer.total is not None and self.have > answer.total:
            came = self.have
            self.forget()
            raise Cut(f"{came} bytes came instead of {answer.total}")

    def _read_said(self) -> dict[str, Any] | None:
        """What the server said about the piece that is here; None if it can't be gone on with."""
        if not self.part.exists():
            return None
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

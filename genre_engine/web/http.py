"""Asking a server for a file or a piece of one, and what may go wrong on the way.

Three outcomes matter to who asks: bytes come; another attempt may help (`Cut`); none will
(`NotThere`, `DownloadError`). Addresses are http or https; proxies and certificates come from the
environment, as for requests, whose tools find them. The transport is urllib3 by itself: through
requests a small file takes twice the processor's time.
"""

import email.utils
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import urllib3
from requests import utils
from urllib3.exceptions import HTTPError, MaxRetryError

from genre_engine.errors import DownloadError

CHUNK_BYTES = 1 << 18
CONNECT_S, SILENCE_S = 10, 30  # to connect, between two pieces
FINAL = frozenset((400, 401, 403, 404, 405, 410, 451))

_DRAINED_BYTES = 1 << 16
_REDIRECTS = 5
# No retries of urllib3's own: it doesn't know whether bytes were gained.
_NO_RETRY = urllib3.Retry(
    total=None,
    connect=0,
    read=0,
    redirect=_REDIRECTS,
    status=0,
    other=0,
    respect_retry_after_header=False,
    raise_on_status=False,
)

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Cut(Exception):
    """An attempt failed in a way that another may not."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class BeyondEnd(Exception):
    """A piece was asked for that begins at or after the file's end; `total` where it is known."""

    def __init__(self, total: int | None) -> None:
        super().__init__("the server has no more bytes to give")
        self.total = total


class NotThere(DownloadError):
    """The server has no such file."""


@dataclass(frozen=True)
class Retry:
    """How often and how soon a failed request is tried again.

    Attributes:
        attempts: failures in a row, without a byte gained, after which it is given up.
        first_wait_s: doubled with each failure, up to `longest_wait_s`.
        longest_wait_s: also the longest `Retry-After` that is waited for.
        jitter: up to this share is added at random, so that many don't come back at once.
        sleep: waits; what it raises ends the attempts.
    """

    attempts: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 120.0
    jitter: float = 0.25
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.Random().random  # noqa: S311 - spreads waits, hides nothing

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
        self.sleep(pause * (1 + self.jitter * self.draw()))

    def persist(self, attempt: Callable[[], T], have: Callable[[], int], url: str) -> T:
        """What `attempt` returns, as soon as it isn't `Cut`.

        Args:
            have: bytes that have come; a gain is progress, so that a long file over a bad line gets
                there in many pieces.

        Raises:
            DownloadError: too many failures in a row.
        """
        failures, best = 0, have()
        while True:
            try:
                return attempt()
            except Cut as cut:
                now = have()
                failures = 1 if now > best else failures + 1
                best = max(best, now)
                _log.info("%s: %s (%d of %d failures)", url, cut, failures, self.attempts)
                if failures >= self.attempts:
                    raise DownloadError(
                        f"{url.rpartition('/')[2]} can't be fetched from {url}: {cut}. Check the "
                        "network and try again; what has come is kept."
                    ) from cut
                self.wait(failures, cut.retry_after_s)


@dataclass
class Answer:
    """A server's answer that brings bytes.

    Attributes:
        start: where its first byte lies in the file.
        total: the whole file's length in bytes; None where the server doesn't say.
        validator: names the file's version, to be handed back as `If-Range`; may be empty.
    """

    raw: urllib3.BaseHTTPResponse
    start: int
    total: int | None
    validator: str

    def pieces(self) -> Iterator[bytes]:
        # read1 hands over what has come; stream() would wait for a whole piece, and lose what had
        # come of it when the connection is cut.
        while piece := self.raw.read1(CHUNK_BYTES, decode_content=False):
            yield piece


class Web:
    """Kept-alive connections, for any number of threads."""

    def __init__(
        self, connections: int = 1, *, connect_s: float = CONNECT_S, silence_s: float = SILENCE_S
    ) -> None:
        """Wait at most so long for a connection, and for the next piece of an answer."""
        self._connections = connections
        self._timeout = urllib3.Timeout(connect=connect_s, read=silence_s)
        self._managers: dict[str, urllib3.PoolManager] = {}
        self._lock = threading.Lock()
        self.hold_until = 0.0  # time.monotonic() before which the server wants nothing more

    def close(self) -> None:
        for manager in self._managers.values():
            manager.clear()

    def size(self, url: str) -> int | None:
        """A file's length in bytes without its content; None where the server doesn't say.

        Raises:
            Cut, NotThere, DownloadError: as `open`.
        """
        try:
            with self.open(url, method="HEAD") as answer:
                return answer.total
        except NotThere:
            raise
        except DownloadError:  # a server may refuse HEAD alone
            return None

    @contextmanager
    def open(
        self,
        url: str,
        *,
        start: int = 0,
        end: int | None = None,
        validator: str = "",
        method: str = "GET",
    ) -> Iterator[Answer]:
        """Ask for a file from byte `start` on, up to before `end`.

        The answer may begin at 0 all the same, with all of the file: then the server knows no
        ranges, or has another version than `validator` names.

        Raises:
            Cut: another attempt may help; also from inside the block, while bytes are read.
            BeyondEnd: the file ends before `start`.
            NotThere, DownloadError: no attempt will help.
        """
        # Lengths and ranges count bytes as sent, so nothing may pack them on the way.
        headers = {"Accept-Encoding": "identity", "User-Agent": "genre-studio"}
        if start or end is not None:
            headers["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
            if validator:
                headers["If-Range"] = validator
        with _told(url):
            raw = self._manager(url).request(
                method, url, headers=headers, preload_content=False, retries=_NO_RETRY
            )
            try:
                yield self._checked(raw, url, start)
            finally:
                _give_back(raw)

    def _checked(self, raw: urllib3.BaseHTTPResponse, url: str, start: int) -> Answer:
        status = raw.status
        if status in (404, 410):
            raise NotThere(f"There is no file at {url} ({status}). Check the address.")
        if status in FINAL:
            raise DownloadError(f"The server refuses {url} ({status}). Check the address.")
        if status == 416:
            found = re.fullmatch(r"bytes \*/(\d+)", raw.headers.get("Content-Range", ""))
            raise BeyondEnd(int(found[1]) if found else None)
        if status not in (200, 206):
            wait_s = retry_after_s(raw.headers.get("Retry-After", ""))
            if wait_s is not None:
                self.hold_until = max(self.hold_until, time.monotonic() + wait_s)
            raise Cut(f"the server answers {status}", wait_s)
        if raw.headers.get("Content-Encoding", "identity") != "identity":
            raise DownloadError(
                f"The server packs {url} though it was asked not to. Try another address."
            )
        etag = raw.headers.get("ETag", "")
        # A weak tag doesn't promise the same bytes, so it can't join two pieces.
        validator = etag if etag and not etag.startswith("W/") else ""
        validator = validator or raw.headers.get("Last-Modified", "")
        if status == 200:
            length = raw.headers.get("Content-Length", "")
            return Answer(raw, 0, int(length) if length.isdigit() else None, validator)
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", raw.headers.get("Content-Range", ""))
        if not found or int(found[1]) != start:
            raise Cut("the server sends another piece than was asked for")
        return Answer(raw, start, int(found[3]) if found[3] != "*" else None, validator)

    def _manager(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            if place not in self._managers:
                self._managers[place] = _manager_for(url, self._connections, self._timeout)
            return self._managers[place]


def _manager_for(url: str, connections: int, timeout: urllib3.Timeout) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "num_pools": 4,
        "maxsize": connections,
        "timeout": timeout,
        "cert_reqs": "CERT_REQUIRED",
        "ca_certs": os.environ.get("REQUESTS_CA_BUNDLE") or utils.DEFAULT_CA_BUNDLE_PATH,
    }
    proxies = utils.get_environ_proxies(url, no_proxy=None)
    proxy = utils.select_proxy(url, proxies)
    if not proxy:
        return urllib3.PoolManager(**options)
    proxy = utils.prepend_scheme_if_needed(proxy, "http")
    user, password = utils.get_auth_from_url(proxy)
    options["proxy_headers"] = (
        urllib3.make_headers(proxy_basic_auth=f"{user}:{password}") if user else None
    )
    try:
        return urllib3.ProxyManager(proxy, **options)
    except urllib3.exceptions.ProxySchemeUnknown as error:
        raise DownloadError(
            "The proxy that the environment names is neither http nor https. Set http_proxy and "
            "https_proxy to one that is."
        ) from error


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Put what goes wrong with a connection into words."""
    host = urlsplit(url).netloc
    try:
        yield
    except urllib3.exceptions.LocationValueError as error:
        raise DownloadError(f"{url} is no address. Check it.") from error
    except HTTPError as error:
        reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
        if isinstance(reason, urllib3.exceptions.SSLError):
            raise DownloadError(
                f"The connection to {host} isn't safe ({reason}). Check the system's clock and "
                "certificates."
            ) from error
        if isinstance(reason, urllib3.exceptions.ResponseError):
            raise DownloadError(
                f"{host} sends {url} on and on to other addresses. Check the address."
            ) from error
        if isinstance(reason, urllib3.exceptions.NewConnectionError):  # a kind of TimeoutError
            raise Cut(f"there is no connection to {host}") from error
        if isinstance(reason, urllib3.exceptions.TimeoutError):
            raise Cut("the server doesn't answer in time") from error
        if isinstance(reason, urllib3.exceptions.ProtocolError):
            raise Cut("the connection was cut") from error
        raise Cut(f"there is no connection to {host}") from error
    except OSError as error:
        # A socket's own complaint; those about our files are StorageErrors by now.
        raise Cut(f"there is no connection to {host}") from error


def _give_back(raw: urllib3.BaseHTTPResponse) -> None:
    """A connection is used again only when nothing of this answer is left in it."""
    with suppress(HTTPError, OSError):
        left = raw.length_remaining
        if left == 0 or (left and left <= _DRAINED_BYTES and raw.status >= 400):
            # Even of nothing the end must have been read, or the next answer isn't taken.
            raw.drain_conn()
            raw.release_conn()
            return
    raw.close()


def retry_after_s(text: str) -> float | None:
    """Seconds from a Retry-After header, which holds a number or a date."""
    text = text.strip()
    if text.isdigit():
        return float(text)
    with suppress(TypeError, ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    return None

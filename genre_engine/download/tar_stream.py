"""Unpacking wanted files from an archive on a server while it comes, without keeping it.

Nothing in an archive decides where anything is written: a member is taken only if it is a plain
file whose name is one of those wanted, and where it goes is the caller's. Links, devices, names
with `..` and absolute ones are passed over.

A connection that is cut is gone on with at the same byte. After each file that is wanted, the place
of the next member is noted, so that another process can go on there.
"""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from genre_engine.errors import DownloadError
from genre_engine.storage import workspace
from genre_engine.web.http import Answer, BeyondEnd, Cut, Retry, Web

_READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Place:
    """Where to go on in an archive: at a member's beginning, of the same version."""

    offset: int = 0
    total: int | None = None
    validator: str = ""


class Spoilt(DownloadError):
    """The archive isn't what it should be."""


@dataclass(frozen=True)
class Unpacked:
    """What an archive gave.

    Attributes:
        done: names that were taken.
        refused: why others of the wanted weren't, by name.
        checked: whether the archive's checksum was compared; not after another process's start.
    """

    done: tuple[str, ...]
    refused: dict[str, str]
    checked: bool


def unpack(
    url: str,
    wanted: Mapping[str, Path],
    *,
    web: Web,
    retry: Retry,
    take: Callable[[str, Path], None],
    place: Place | None = None,
    noted: Callable[[Place], None] | None = None,
    sha256: str | None = None,
    max_bytes: int = 200_000_000,
    count: Callable[[int], None] | None = None,
) -> Unpacked:
    """Read an archive to its end, and hand over each wanted file.

    Args:
        wanted: by name in the archive, a path to write the file to, whose folder is there.
        take: called with name and path of each file that has been written there whole. What it
            raises as DownloadError is why the file is refused.
        place: where to go on.
        noted: called with the place of the next member after each wanted one.
        sha256: of the whole archive.
        max_bytes: a longer member is refused.
        count: called with the bytes that have come, as they come.

    Raises:
        NotThere, DownloadError: the archive can't be fetched, or is no archive.
        Spoilt: its checksum is another.
        StorageError: a file can't be written.
    """
    stream = _Stream(url, web, retry, place or Place(), count or (lambda n: None))
    begun_at = stream.position
    done: list[str] = []
    refused: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_READ_BYTES) as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if name not in wanted or name in done:
                    continue
                reason = _refusal(member, max_bytes)
                if reason is None:
                    _write(tar, member, wanted[name])
                    try:
                        take(name, wanted[name])
                        done.append(name)
                        refused.pop(name, None)
                    except DownloadError as error:
                        reason = str(error)
                if reason is not None:
                    wanted[name].unlink(missing_ok=True)
                    refused[name] = reason
                elif noted:
                    # Skips to the next header, so that its place is known.
                    at = begun_at + member.offset_data + -(-member.size // 512) * 512
                    noted(Place(at, stream.total, stream.validator))
            while stream.read(_READ_BYTES):
                pass  # what comes behind the end counts for the checksum
    except tarfile.TarError as error:
        raise DownloadError(
            f"{url} is no archive, or a damaged one ({error}). Try again later, or fetch the "
            "tracks one by one, without --tars."
        ) from error
    finally:
        stream.close()
    if sha256 and begun_at == 0 and stream.digest != sha256:
        raise Spoilt(
            f"{url} is not what it should be: its sha256 is {stream.digest[:12]}… instead of "
            f"{sha256[:12]}…. Try again later, or fetch the tracks one by one, without --tars."
        )
    return Unpacked(tuple(done), refused, bool(sha256) and begun_at == 0)


def _refusal(member: tarfile.TarInfo, max_bytes: int) -> str | None:
    if member.issym() or member.islnk():
        return "In the archive it is a link, which is never followed."
    if not member.isreg() or member.issparse():
        return "In the archive it is no plain file."
    if member.size > max_bytes:
        return f"It has {member.size} bytes, over the limit of {max_bytes}."
    try:
        tarfile.data_filter(member, "/")
    except tarfile.FilterError as error:
        return f"The archive's entry isn't safe ({error})."
    return None


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    source = tar.extractfile(member)
    if source is None:  # only links and folders have no content
        raise tarfile.ReadError(f"no content in {member.name}")
    with workspace.storage_errors(path):
        file = path.open("wb")
    with source, file:
        while piece := source.read(_READ_BYTES):
            with workspace.storage_errors(path):
                file.write(piece)


class _Stream(io.RawIOBase):
    """An archive's bytes from a place on, as one stream over as many connections as it takes."""

    def __init__(
        self, url: str, web: Web, retry: Retry, place: Place, count: Callable[[int], None]
    ) -> None:
        self._url, self._web, self._retry, self._count = url, web, retry, count
        self.position = place.offset
        self.total, self.validator = place.total, place.validator
        self._sha256 = hashlib.sha256()
        self._open: AbstractContextManager[Answer] | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._rest = b""
        # Before anything is unpacked: another version must not be gone on with in its middle.
        self._retry.persist(self._connect, lambda: 0, url)

    @property
    def digest(self) -> str:
        return self._sha256.hexdigest()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found = bytearray()
        while len(found) < size:
            if not self._rest:
                self._rest = self._retry.persist(self._next, lambda: self.position, self._url)
                if not self._rest:
                    break
            piece = self._rest[: size - len(found)]
            self._rest = self._rest[len(piece) :]
            found += piece
        return bytes(found)

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _next(self) -> bytes:
        """The next piece, or nothing at the end."""
        if self._open is None:
            if self.position == self.total:
                return b""
            self._connect()
        try:
            piece = next(self._pieces, b"")
        except BaseException as error:
            # The connection's own context puts the error into words.
            self._hang_up(error)
            raise
        if piece:
            self.position += len(piece)
            self._count(len(piece))
            self._sha256.update(piece)
            return piece
        self._hang_up()
        if self.total is not None and self.position < self.total:
            raise Cut(f"the connection was cut after {self.position} of {self.total} bytes")
        return b""

    def _connect(self) -> None:
        opened = self._web.open(self._url, start=self.position, validator=self.validator)
        try:
            answer = opened.__enter__()
        except BeyondEnd as end:
            raise self._changed() from end
        self._open, self._pieces = opened, answer.pieces()
        known = (self.total, self.validator)
        if self.position and known not in ((answer.total, answer.validator), (answer.total, "")):
            self._hang_up()
            raise self._changed()
        self.total, self.validator = answer.total, answer.validator
        if answer.start < self.position:
            self._skip(self.position - answer.start)

    def _skip(self, n_bytes: int) -> None:
        """Pass over what is known, where the server takes no ranges."""
        try:
            while n_bytes > 0:
                piece = next(self._pieces, b"")
                if not piece:
                    raise Cut("the connection was cut")
                self._count(len(piece))
                if len(piece) > n_bytes:
                    self._pieces = _with_first(piece[n_bytes:], self._pieces)
                n_bytes -= len(piece)
        except BaseException as error:
            self._hang_up(error)
            raise

    def _changed(self) -> "Changed":
        return Changed(
            f"{self._url} has changed since its first part was fetched. Start again to fetch it "
            "from its beginning."
        )

    def _hang_up(self, error: BaseException | None = None) -> None:
        opened, self._open = self._open, None
        self._pieces, self._rest = iter(()), b""
        if opened is None:
            return
        if error is None:
            with suppress(Cut):
                opened.__exit__(None, None, None)
        elif opened.__exit__(type(error), error, error.__traceback__):
            return


class Changed(DownloadError):
    """The archive isn't the one whose first part was read before."""


def _with_first(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest

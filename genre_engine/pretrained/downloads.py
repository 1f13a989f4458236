"""One file of weights over HTTP: resumed where it was cut, and never asked for twice in vain."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from genre_engine.errors import DownloadError
from genre_engine.web.fetch import fetch_alone
from genre_engine.web.http import Cut, Retry, Web

T = TypeVar("T")


class Unanswered(DownloadError):
    """Not a byte came from an address."""


def download(
    url: str,
    target: Path,
    *,
    sha256: str,
    n_bytes: int,
    patience_s: float,
    report: Callable[[str, int, int], None],
) -> None:
    """Fetch one file of which all is known, for who holds its lock.

    Args:
        patience_s: how long to wait for a connection, and for the next bytes.
        report: takes the file's name, bytes so far, and bytes in all.

    Raises:
        Unanswered: the address gave nothing.
        DownloadError: it can't be fetched, or isn't what it should be.
        StorageError: it can't be written.
    """
    web = Web(connect_s=patience_s, silence_s=patience_s)
    try:
        fetch_alone(
            url,
            target,
            web=web,
            retry=_Resuming(attempts=3, first_wait_s=0.2),
            sha256=sha256,
            size=n_bytes,
            max_bytes=n_bytes,
            progress=report,
        )
    finally:
        web.close()


class _Resuming(Retry):
    """A file that was cut off is resumed; an address that gives nothing isn't asked again."""

    def persist(self, attempt: Callable[[], T], have: Callable[[], int], url: str) -> T:
        before = have()

        def once() -> T:
            try:
                return attempt()
            except Cut as cut:
                if have() == before:
                    raise Unanswered(f"{cut}.") from cut
                raise

        return super().persist(once, have, url)

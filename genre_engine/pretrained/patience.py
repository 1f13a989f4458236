"""Fetching that a song must not wait for long.

The work goes on in a thread of its own. Who waits for it does so as long as bytes keep coming, and
leaves when none came for some seconds. That is remembered in a small file in the workspace, so that
neither the next song nor another process waits again for some minutes.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from genre_engine.errors import StorageError
from genre_engine.storage import workspace
from genre_engine.storage.progress import Progress

PATIENCE_S = 5.0  # without a byte
LONGEST_S = 60.0  # in all, however slowly bytes come
RETRY_S = 600.0

_log = logging.getLogger(__name__)


def attempt(
    work: Callable[[Progress], list[str]],
    *,
    refusals: Path,
    address: str = "",
    progress: Progress | None = None,
    patience_s: float = PATIENCE_S,
) -> None:
    """Start fetching, and wait for it while bytes come.

    Args:
        work: fetches, reports what has come, and returns what went wrong, a sentence each.
        refusals: the file that remembers a failure.
        address: where it is fetched from; a failure is remembered for this address.
    """
    if refused_lately(refusals, address):
        return
    ended = threading.Event()
    gained_at = began = time.monotonic()
    furthest = 0

    def report(done: int, total: int) -> None:
        nonlocal gained_at, furthest
        if done > furthest:
            furthest, gained_at = done, time.monotonic()
        if progress is not None and not left.is_set():
            progress(done, total)

    def run() -> None:
        try:
            wrong = work(report)
        except Exception as error:  # noqa: BLE001 - in a thread nobody would see it
            # Whatever it is: the song goes on with what is here.
            _log.info("fetching weights failed", exc_info=True)
            wrong = [str(error)]
        if wrong:
            _remember(refusals, address, wrong)
        else:
            with suppress(OSError):
                refusals.unlink(missing_ok=True)
        ended.set()

    left = threading.Event()
    # A thread of its own: looking up a host without a network can take longer than any time-out.
    threading.Thread(target=run, name=f"fetching {refusals.stem}", daemon=True).start()
    while not ended.wait(0.02):
        now = time.monotonic()
        if now - gained_at > patience_s or now - began > LONGEST_S:
            left.set()
            _remember(refusals, address, [f"nothing came within {patience_s:.0f} s"])
            return


def refused_lately(refusals: Path, address: str) -> bool:
    """Whether fetching from an address failed in the last `RETRY_S`, in any process."""
    try:
        said = json.loads(refusals.read_text(encoding="utf-8"))
        age_s = time.time() - float(said["time"])
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return 0 <= age_s < RETRY_S and said.get("address", "") == address


def _remember(refusals: Path, address: str, reasons: list[str]) -> None:
    said = {"time": time.time(), "address": address, "reasons": reasons}
    with suppress(StorageError, OSError), workspace.replacing(refusals) as temporary:
        temporary.write_text(json.dumps(said), encoding="utf-8")

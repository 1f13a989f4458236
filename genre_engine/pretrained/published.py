"""The weights of M. Won and others' networks: fetched from their authors, checked, kept.

On disk, in the workspace, byte for byte as published: `weights/<network>.pth`. They are never
unpickled: `tensors` reads the numbers at their known places.

Addresses are tried in turn; `GENRE_ENGINE_WEIGHTS_URL` names one to be used instead (a folder of
files named as here). Whoever waits for a song is not kept waiting for a server that doesn't answer:
after `PATIENCE_S` the song is classified with the networks that are there, and the addresses are
asked again after `RETRY_S`.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from genre_engine.errors import DownloadError, StorageError, WeightsError
from genre_engine.pretrained.network import NETWORKS, Network
from genre_engine.storage import workspace

ADDRESS = "GENRE_ENGINE_WEIGHTS_URL"
PATIENCE_S = 5.0
RETRY_S = 600.0
COMMAND = "python -m genre_engine weights"
LICENCE = "MIT licence, Music Technology Group, Universitat Pompeu Fabra, 2020"

_AUTHORS = "https://raw.githubusercontent.com/minzwon/sota-music-tagging-models/master"
_FORK = (
    "https://raw.githubusercontent.com/7x11x13/sota-music-tagging-models/"
    "8907dd96f448c7351eb1127cbb2299bcb54b5c73"
)

_log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]  # bytes done, bytes in all


def networks() -> tuple[Network, ...]:
    """The networks whose weights come this way."""
    return tuple(network for network in NETWORKS.values() if network.weights.published)


def path(network: Network) -> Path:
    return workspace.weights_folder() / network.weights.name


def present(network: Network) -> bool:
    """Whether the file is there with its size; who reads it checks what is in it."""
    try:
        return path(network).stat().st_size == network.weights.n_bytes
    except OSError:
        return False


def addresses(network: Network, base: str = "") -> tuple[str, ...]:
    """Where a network's file is asked for, in turn.

    Args:
        base: an address below which the files lie under the names that they have here.
    """
    file = network.weights
    if own := base or os.environ.get(ADDRESS, ""):
        return (f"{own.rstrip('/')}/{file.name}",)
    return tuple(f"{home}/{file.published}" for home in (_AUTHORS, _FORK))


def fetch(
    wanted: Iterable[Network], *, base: str = "", progress: Progress | None = None
) -> list[str]:
    """Fetch the weights that aren't there; returns what went wrong, a sentence a network.

    Raises:
        StorageError: the workspace can't be written.
    """
    missing = [network for network in wanted if not present(network)]
    total = sum(network.weights.n_bytes for network in missing)
    done, wrong = 0, []
    for network in missing:

        def report(name: str, so_far: int, of: int, before: int = done) -> None:
            if progress is not None:
                progress(before + so_far, total)

        try:
            _fetch_one(network, base, report)
        except DownloadError as error:
            wrong.append(f"{network.name}: {error}")
        done += network.weights.n_bytes
    if not wrong:
        _refusals().unlink(missing_ok=True)
    return wrong


def fetch_soon(wanted: Iterable[Network], progress: Progress | None = None) -> None:
    """As `fetch`, for who must not wait: gives up where nothing answers within PATIENCE_S.

    What goes wrong is remembered in the workspace, so that nobody waits again for RETRY_S.
    """
    missing = [network for network in wanted if not present(network)]
    if not missing or _refused_lately():
        return
    came = threading.Event()
    ended = threading.Event()

    def report(done: int, total: int) -> None:
        came.set()
        if progress is not None:
            progress(done, total)

    def work() -> None:
        try:
            wrong = fetch(missing, progress=report)
        except Exception as error:  # noqa: BLE001 - in a thread nobody would see it
            # Whatever it is: the song goes on with the networks that are here.
            _log.info("fetching weights failed", exc_info=True)
            wrong = [str(error)]
        if wrong:
            _remember_refusal(wrong)
        ended.set()

    # A thread of its own: looking up a host without a network can take longer than any time-out.
    threading.Thread(target=work, name="weights", daemon=True).start()
    deadline = time.monotonic() + PATIENCE_S
    while not ended.wait(0.02):
        if not came.is_set() and time.monotonic() > deadline:
            _remember_refusal([f"no answer within {PATIENCE_S:.0f} s"])
            return


def take(source: Path, wanted: Iterable[Network]) -> list[str]:
    """Take the weights from a folder that holds them; returns the names of those it lacks.

    Raises:
        WeightsError: a file isn't what was published.
        StorageError: the workspace can't be written.
    """
    from genre_engine.web.fetch import wrong

    missing = []
    for network in wanted:
        file, found = network.weights, source / network.weights.name
        if present(network):
            continue
        if not found.is_file():
            missing.append(network.name)
            continue
        if problem := wrong(found, file.sha256, file.n_bytes):
            raise WeightsError(
                f"{found} is not the published file: {problem}. Copy it again from where it came."
            )
        with workspace.replacing(path(network)) as temporary:
            temporary.write_bytes(found.read_bytes())
    return missing


def _fetch_one(network: Network, base: str, report: Callable[[str, int, int], None]) -> None:
    from filelock import FileLock

    from genre_engine.web.fetch import fetch_alone
    from genre_engine.web.http import Retry, Web

    home = workspace.make_folder(workspace.weights_folder())
    file, problems = network.weights, []
    # Another process may be fetching it: wait, and take what it has fetched.
    with workspace.storage_errors(home), FileLock(home / f".{file.name}.lock"):
        if present(network):
            return
        web = Web()
        try:
            for url in addresses(network, base):
                try:
                    fetch_alone(
                        url,
                        path(network),
                        web=web,
                        retry=Retry(attempts=2, first_wait_s=0.2),
                        sha256=file.sha256,
                        size=file.n_bytes,
                        max_bytes=file.n_bytes,
                        progress=report,
                    )
                    return
                except DownloadError as error:
                    problems.append(f"{urlsplit(url).netloc}: {error}")
        finally:
            web.close()
    raise DownloadError(" ".join(problems))


def _refusals() -> Path:
    return workspace.weights_folder() / "unreachable.json"


def _refused_lately() -> bool:
    try:
        said = json.loads(_refusals().read_text(encoding="utf-8"))
        age_s = time.time() - float(said["time"])
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return 0 <= age_s < RETRY_S and said.get("address", "") == os.environ.get(ADDRESS, "")


def _remember_refusal(wrong: list[str]) -> None:
    said = {"time": time.time(), "address": os.environ.get(ADDRESS, ""), "reasons": wrong}
    with suppress(StorageError), workspace.replacing(_refusals()) as temporary:
        temporary.write_text(json.dumps(said), encoding="utf-8")

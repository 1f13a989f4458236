"""The weights of M. Won and others' networks: fetched from their authors, checked, kept.

On disk, in the workspace, byte for byte as published: `weights/<network>.pth`. They are never
unpickled: `tensors` reads the numbers at their known places.

Addresses are tried in turn; `GENRE_ENGINE_WEIGHTS_URL` names one to be used instead (a folder of
files named as here). Whoever waits for a song is not kept waiting for a server that doesn't answer:
after `PATIENCE_S` the song is classified with the networks that are there, and the addresses are
asked again after `RETRY_S`.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from genre_engine.errors import DownloadError, WeightsError
from genre_engine.pretrained import patience
from genre_engine.pretrained.network import NETWORKS, Network
from genre_engine.pretrained.patience import PATIENCE_S, RETRY_S
from genre_engine.storage import workspace
from genre_engine.storage.progress import Progress

__all__ = ["PATIENCE_S", "RETRY_S"]

ADDRESS = "GENRE_ENGINE_WEIGHTS_URL"
COMMAND = "python -m genre_engine weights"
LICENCE = "MIT licence, Music Technology Group, Universitat Pompeu Fabra, 2020"

_AUTHORS = "https://raw.githubusercontent.com/minzwon/sota-music-tagging-models/master"
_FORK = (
    "https://raw.githubusercontent.com/7x11x13/sota-music-tagging-models/"
    "8907dd96f448c7351eb1127cbb2299bcb54b5c73"
)


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


def sound(network: Network) -> bool:
    """Whether the file is there and what was published."""
    from genre_engine.web.fetch import wrong

    try:
        return wrong(path(network), network.weights.sha256, network.weights.n_bytes) is None
    except OSError:
        return False


def discard_damaged(network: Network) -> None:
    """Remove a file that isn't what was published, so that it counts as missing."""
    if present(network) and not sound(network):
        path(network).unlink(missing_ok=True)


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
    """Fetch the weights that are missing or damaged; returns what went wrong, a sentence a network.

    A host that gives nothing is asked once: the next files aren't waited for.

    Raises:
        StorageError: the workspace can't be written.
    """
    missing = [network for network in wanted if not sound(network)]
    total = sum(network.weights.n_bytes for network in missing)
    done, problems = 0, []
    silent: set[str] = set()
    for network in missing:

        def report(name: str, so_far: int, of: int, before: int = done) -> None:
            if progress is not None:
                progress(before + so_far, total)

        try:
            _fetch_one(network, base, report, silent)
        except DownloadError as error:
            problems.append(f"{network.name}: {error}")
        done += network.weights.n_bytes
    if not problems:
        _refusals().unlink(missing_ok=True)
    return problems


def fetch_soon(wanted: Iterable[Network], progress: Progress | None = None) -> None:
    """As `fetch`, for who must not wait: gives up where nothing comes within PATIENCE_S.

    What goes wrong is remembered in the workspace, so that nobody waits again for RETRY_S.
    """
    missing = [network for network in wanted if not present(network)]
    if missing:
        patience.attempt(
            lambda report: fetch(missing, progress=report),
            refusals=_refusals(),
            address=os.environ.get(ADDRESS, ""),
            progress=progress,
            patience_s=PATIENCE_S,
        )


def take(source: Path, wanted: Iterable[Network]) -> list[str]:
    """Take the weights from a folder that holds them; returns the names of those it lacks.

    Raises:
        WeightsError: a file isn't what was published.
        StorageError: the workspace can't be written.
    """
    missing = []
    for network in wanted:
        file, found = network.weights, source / network.weights.name
        if sound(network):
            continue
        if not os.path.isfile(found):  # noqa: PTH113 - Path.is_file raises for some folders
            missing.append(network.name)
            continue
        copy(found, path(network), sha256=file.sha256, n_bytes=file.n_bytes)
    return missing


def copy(source: Path, target: Path, *, sha256: str, n_bytes: int) -> None:
    """Copy a file that must have this size and checksum.

    Raises:
        WeightsError: it hasn't, or can't be read.
        StorageError: the workspace can't be written.
    """
    from genre_engine.web.fetch import wrong

    with workspace.replacing(target) as temporary:
        try:
            # The size before the content: whatever lies there may be large.
            problem = wrong(source, None, n_bytes)
            if problem is None:
                shutil.copyfile(source, temporary)
                problem = wrong(temporary, sha256, n_bytes)
        except OSError as error:
            if error.filename != str(source):
                raise
            problem = error.strerror or str(error)
        if problem:
            raise WeightsError(
                f"{source} is not the published file: {problem}. Copy it again from where it came."
            )


def _fetch_one(
    network: Network, base: str, report: Callable[[str, int, int], None], silent: set[str]
) -> None:
    """Fetch a network's file from the first address that gives it.

    Args:
        silent: hosts that aren't asked; those that give nothing are added.
    """
    from filelock import FileLock

    from genre_engine.pretrained.downloads import Unanswered, download

    home = workspace.make_folder(workspace.weights_folder())
    file, problems = network.weights, []
    urls = addresses(network, base)
    hosts = {urlsplit(url).netloc for url in urls}
    # Another process may be fetching it: wait, and take what it has fetched.
    with workspace.storage_errors(home), FileLock(home / f".{file.name}.lock"):
        if sound(network):
            return
        discard_damaged(network)
        for url in urls:
            host = urlsplit(url).netloc
            if host in silent:
                continue
            try:
                download(
                    url,
                    path(network),
                    sha256=file.sha256,
                    n_bytes=file.n_bytes,
                    report=report,
                    patience_s=PATIENCE_S / len(hosts),  # of all together
                )
                return
            except Unanswered as error:
                silent.add(host)
                problems.append(f"{host}: {error}")
            except DownloadError as error:
                problems.append(f"{host}: {error}")
    raise DownloadError(" ".join(problems) or f"{', '.join(sorted(hosts))} gave nothing.")


def _refusals() -> Path:
    return workspace.weights_folder() / "unreachable.json"

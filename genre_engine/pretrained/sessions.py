"""The networks ready to compute: graphs built once from the weights, kept, opened once a process.

On disk, in the workspace: `weights/onnx/<network>-<fingerprint>.onnx`. The fingerprint is that of
the weights and of the version of `graphs`, so a graph is built again when either changes. Its
checksum lies beside it, so that a damaged one is built again too.
"""

import hashlib
import logging
import threading
from collections.abc import Iterable
from pathlib import Path

from genre_engine.errors import StorageError, WeightsError
from genre_engine.pretrained import graphs, published, tensors, weights
from genre_engine.pretrained.network import (
    FAST,
    FULL,
    NETWORKS,
    PAIR,
    Loaded,
    Network,
)
from genre_engine.storage import workspace
from genre_engine.storage.onnx_session import open_session
from genre_engine.storage.progress import Progress

CHOICES = {"fast": FAST, "full": FULL}

_log = logging.getLogger(__name__)
_loading = threading.Lock()
_open: dict[tuple[str, Path], Loaded] = {}
_threads: int | None = None


def use_threads(count: int | None) -> None:
    """How many threads compute one patch in this process; None for one a core.

    For networks that are opened after this.
    """
    global _threads
    _threads = count


def threads() -> int | None:
    """What `use_threads` was called with."""
    return _threads


def available(choice: str = "full") -> tuple[str, ...]:
    """Names of the networks of a choice whose weights are here.

    The pair stands in for a `fast` choice of which nothing is there.
    """
    there = tuple(name for name in CHOICES[choice] if _present(NETWORKS[name]))
    if there or choice == "full":
        return there
    return tuple(name for name in PAIR if _present(NETWORKS[name]))


def prepare(choice: str = "full", progress: Progress | None = None) -> tuple[str, ...]:
    """Fetch the weights of a choice that are missing, as far as they can be reached.

    Returns:
        The names of the networks that are here.

    Raises:
        WeightsError: none of them can be fetched.
        StorageError: the workspace can't be written.
    """
    wanted = CHOICES[choice]
    if available(choice) == wanted and loaded(choice):
        return wanted
    _discard_damaged(wanted)
    published.fetch_soon([n for n in published.networks() if n.name in wanted], progress)
    if any(name in PAIR for name in wanted) or not available(choice):
        if all(_is_built(NETWORKS[name]) for name in PAIR):
            pass
        elif set(available(choice)) - set(PAIR):
            weights.fetch_soon(progress)
        else:
            weights.fetch(progress)
    return available(choice)


def _discard_damaged(names: Iterable[str]) -> None:
    """Remove files that aren't what was published, where a graph has to be built from them."""
    for network in map(NETWORKS.__getitem__, names):
        if network.weights.published and not _is_built(network):
            published.discard_damaged(network)


def _is_built(network: Network) -> bool:
    """Whether the weights are here and a graph was built from them before."""
    return _present(network) and _graph_path(network).is_file()


def prepare_pair(progress: Progress | None = None) -> None:
    """Fetch the weights of the musicnn pair, from whose layers `embedding` features come.

    Raises:
        WeightsError, StorageError: as `prepare`.
    """
    weights.fetch(progress)


def loaded(choice: str = "full") -> bool:
    """Whether `networks` would answer at once."""
    names = available(choice)
    return bool(names) and all((name, _path(NETWORKS[name])) in _open for name in names)


def networks(choice: str = "full", names: Iterable[str] | None = None) -> dict[str, Loaded]:
    """The networks of a choice that are here, by name; each is opened once in a process.

    Args:
        names: others than the choice's.

    Raises:
        WeightsError: none is here, all are damaged, or one of `names` is.
    """
    wanted = available(choice) if names is None else tuple(names)
    if not wanted:
        raise WeightsError(f"The pretrained weights are missing. Run: {published.COMMAND}")
    found: dict[str, Loaded] = {}
    with _loading:
        for name in wanted:
            try:
                found[name] = _opened(NETWORKS[name])
            except WeightsError as error:
                if names is not None:
                    raise
                _log.warning("%s", error)
                damaged = error
    if not found:
        raise damaged
    return found


def _opened(network: Network) -> Loaded:
    key = (network.name, _path(network))
    if key not in _open:
        _open[key] = _open_network(network)
    return _open[key]


def _open_network(network: Network) -> Loaded:
    kept = _graph_path(network)
    graph = _read(kept)
    if graph is None:
        graph = _build(network, kept)
    return Loaded(network, open_session(graph, _threads))


def _build(network: Network, kept: Path) -> bytes:
    model = network.build(tensors.read(network, _path(network)), network.frames)
    model.producer_name = "genre_engine"
    data: bytes = model.SerializeToString()
    try:
        for path, content in ((kept, data), (_checksum(kept), _digest(data))):
            with workspace.replacing(path) as temporary:
                temporary.write_bytes(content)
    except StorageError as error:  # a full disk, or one that is only read: it is built each time
        _log.warning("%s", error)
    return data


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _checksum(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}.sha256")


def _read(kept: Path) -> bytes | None:
    """A graph that was kept; None where there is none, or it is damaged."""
    try:
        graph, expected = kept.read_bytes(), _checksum(kept).read_bytes()
    except OSError:
        return None
    return graph if _digest(graph) == expected else None


def _graph_path(network: Network) -> Path:
    made_of = f"{network.weights.sha256} {graphs.VERSION} {network.frames}"
    fingerprint = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    return workspace.weights_folder() / "onnx" / f"{network.name}-{fingerprint}.onnx"


def _path(network: Network) -> Path:
    if network.weights.published:
        return published.path(network)
    return weights.folder() / network.weights.name


def _present(network: Network) -> bool:
    return published.present(network) if network.weights.published else weights.present()

"""MTG's Discogs-EffNet, the strongest: fetched only after its terms were accepted.

A network trained on 400 styles of Discogs, and three small ones that name MTG-Jamendo's genres,
moods and instruments from its 1,280 numbers, as ONNX files by the Music Technology Group. Their
licence, CC BY-NC-SA 4.0, allows no commercial use, so they are never bundled; they are downloaded
unmodified.

On disk, in the workspace's `weights/discogs-effnet/`: the files under their published names, and
`accepted.json`: when the terms were accepted, and the checksum that each file had when it first
came. Two sizes and one checksum are known beforehand; of the other files the first download counts.
A graph is looked at before it is opened: standard operators only, no data outside the file, inputs
and outputs as published. Input: Slaney's mel spectrogram in patches of 128 frames.

`GENRE_ENGINE_DISCOGS_URL` names another address than the published one.
"""

import hashlib
import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import DownloadError, WeightsError, WrongUsage
from genre_engine.storage import workspace
from genre_engine.storage.progress import Progress

if TYPE_CHECKING:
    import onnxruntime

Floats = NDArray[np.float32]

NAME = "discogs-effnet"
ADDRESS = "GENRE_ENGINE_DISCOGS_URL"
LICENCE = "CC BY-NC-SA 4.0, Music Technology Group, Universitat Pompeu Fabra"
TERMS = (
    "Discogs-EffNet is by the Music Technology Group, Universitat Pompeu Fabra, under CC BY-NC-SA "
    "4.0 (creativecommons.org/licenses/by-nc-sa/4.0): not for commercial use, with attribution, "
    "and what is made of it under the same licence. A licence file beside the models says "
    "BY-NC-ND. About 30 MB are downloaded from essentia.upf.edu, unmodified."
)
COMMAND = f"python -m genre_engine weights {NAME} --accept-licence"
FRAMES, EMBEDDING, STYLES = 128, 1280, 400

_HOME = "https://essentia.upf.edu/models"
_MOST_BYTES = 60_000_000
_MOST_NODES = 5_000
_MOST_CLASSES = 1_000


@dataclass(frozen=True)
class File:
    """A file as far as it is known beforehand; `place` is its address below the models' home."""

    place: str
    n_bytes: int | None = None
    sha256: str | None = None

    @property
    def name(self) -> str:
        return self.place.rpartition("/")[2]


def _pair(place: str, n_bytes: int | None = None, sha256: str | None = None) -> tuple[File, File]:
    return File(f"{place}.onnx", n_bytes, sha256), File(f"{place}.json")


_BACKBONE = _pair(
    "feature-extractors/discogs-effnet/discogs-effnet-bsdynamic-1",
    18_027_718,
    "a280825b334797cf677939db8cd5762c0392aedd0ca6415dbc1cd083f045e43c",
)
# Head: its files, and how many classes it names.
HEADS = {"genre": 87, "moodtheme": 56, "instrument": 40}
_HEADS = {
    "genre": _pair(
        "classification-heads/mtg_jamendo_genre/mtg_jamendo_genre-discogs-effnet-1", 2_802_925
    ),
    **{
        name: _pair(f"classification-heads/mtg_jamendo_{name}/mtg_jamendo_{name}-discogs-effnet-1")
        for name in ("moodtheme", "instrument")
    },
}
FILES = (*_BACKBONE, *(file for pair in _HEADS.values() for file in pair))


def folder() -> Path:
    return workspace.weights_folder() / NAME


def available() -> bool:
    """Whether the terms were accepted and all files are here, by name."""
    return _accepted() is not None and all(
        os.path.isfile(folder() / file.name)  # noqa: PTH113 - Path.is_file raises for some folders
        for file in FILES
    )


def fetch(*, accepted: bool, base: str = "", progress: Progress | None = None) -> None:
    """Download what is missing, once the terms have been accepted.

    Raises:
        WrongUsage: they haven't.
        DownloadError: a file can't be fetched, or isn't what it should be.
        WeightsError: a file isn't such a network.
        StorageError: the workspace can't be written.
    """
    from genre_engine.web.fetch import fetch as fetch_file

    record = _accepted()
    if record is None:
        if not accepted:
            raise WrongUsage(f"{TERMS} If you accept these terms, run: {COMMAND}")
        record = {"accepted": time.time(), "terms": TERMS, "sha256": {}}
        workspace.make_folder(folder())
        _write(record)
    home = (base or os.environ.get(ADDRESS, "") or _HOME).rstrip("/")
    total = sum(file.n_bytes or 0 for file in FILES)
    done = 0
    for file in FILES:

        def report(name: str, so_far: int, of: int, before: int = done) -> None:
            if progress is not None:
                progress(before + so_far, max(total, before + so_far))

        target = folder() / file.name
        known = file.sha256 or record["sha256"].get(file.name)
        fetch_file(
            f"{home}/{file.place}",
            target,
            sha256=known,
            size=file.n_bytes if file.sha256 is None else None,
            max_bytes=_MOST_BYTES,
            progress=report,
        )
        record["sha256"][file.name] = hashlib.sha256(target.read_bytes()).hexdigest()
        _write(record)
        done += target.stat().st_size
    _open_files()  # says now what is wrong with them, and not with the first song


def take(source: Path, *, accepted: bool) -> list[str]:
    """Take the files from a folder that holds them; returns the names of those it lacks.

    Raises:
        as `fetch`.
    """
    if _accepted() is None and not accepted:
        raise WrongUsage(f"{TERMS} If you accept these terms, run: {COMMAND} --from {source}")
    lacking = [file.name for file in FILES if not (source / file.name).is_file()]
    if lacking:
        return lacking
    record = _accepted() or {"accepted": time.time(), "terms": TERMS, "sha256": {}}
    for file in FILES:
        found = source / file.name
        if found.stat().st_size > _MOST_BYTES:
            raise WeightsError(f"{found} is larger than any of these files.")
        data = found.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        known = file.sha256 or record["sha256"].get(file.name)
        if known not in (None, sha256):
            raise WeightsError(f"{found} is not the published file (its checksum differs).")
        with workspace.replacing(folder() / file.name) as temporary:
            temporary.write_bytes(data)
        record["sha256"][file.name] = sha256
    _write(record)
    _open_files()
    return []


class Discogs:
    """The networks, ready to compute.

    Attributes:
        styles: names of the 400 styles, "Electronic---Deep House".
        classes: by head, the names of its outputs.
    """

    def __init__(
        self,
        backbone: "onnxruntime.InferenceSession",
        styles: tuple[str, ...],
        heads: "dict[str, tuple[onnxruntime.InferenceSession, tuple[str, ...]]]",
    ) -> None:
        self.styles = styles
        self.classes = {name: classes for name, (_, classes) in heads.items()}
        self._backbone = backbone
        self._heads = heads

    def __call__(self, patches: Floats) -> tuple[Floats, Floats]:
        """Patches `[n, 128, 96]` → activations of the styles `[n, 400]`, embeddings `[n, 1280]`."""
        activations = np.empty((len(patches), STYLES), np.float32)
        embeddings = np.empty((len(patches), EMBEDDING), np.float32)
        for row, patch in enumerate(patches):
            found = self._backbone.run(
                ["activations", "embeddings"], {"melspectrogram": patch[None]}
            )
            activations[row], embeddings[row] = found[0][0], found[1][0]
        return activations, embeddings

    def head(self, name: str, embeddings: Floats) -> Floats:
        """Embeddings `[n, 1280]` → activations of a head's classes, `[n, classes]`."""
        session = self._heads[name][0]
        found: Floats = session.run(["activations"], {"embeddings": embeddings})[0]
        return found


_loading = threading.Lock()
_open: dict[Path, Discogs] = {}


def load() -> Discogs:
    """The networks, opened once in a process.

    Raises:
        WeightsError: they aren't here, or one isn't what it was.
    """
    with _loading:
        if folder() not in _open:
            _open[folder()] = _open_files()
        return _open[folder()]


def _open_files() -> Discogs:
    record = _accepted()
    if record is None or not available():
        raise WeightsError(f"{NAME} isn't here. Run: {COMMAND}")
    backbone = _session(_BACKBONE[0], record, "melspectrogram", (FRAMES, 96), ("embeddings",))
    styles = _names(_BACKBONE[1], record, STYLES)
    heads = {
        name: (
            _session(files[0], record, "embeddings", (EMBEDDING,), ()),
            _names(files[1], record, HEADS[name]),
        )
        for name, files in _HEADS.items()
    }
    return Discogs(backbone, styles, heads)


def _read(file: File, record: dict[str, Any]) -> bytes:
    path = folder() / file.name
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _foreign(path, "it is larger than any of these files")
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"{workspace.shown(path)} can't be read. Run again: {COMMAND}"
        ) from error
    if hashlib.sha256(data).hexdigest() != record["sha256"].get(file.name):
        raise _foreign(path, "it isn't the file that was downloaded")
    return data


def _session(
    file: File,
    record: dict[str, Any],
    given: str,
    shape: tuple[int, ...],
    others: tuple[str, ...],
) -> "onnxruntime.InferenceSession":
    import onnx
    from google.protobuf.message import DecodeError

    from genre_engine.pretrained.sessions import threads
    from genre_engine.storage.onnx_session import open_session

    path, data = folder() / file.name, _read(file, record)
    try:
        model = onnx.ModelProto.FromString(data)
    except (DecodeError, ValueError) as error:
        raise _foreign(path, "it isn't an ONNX file") from error
    if len(model.graph.node) > _MOST_NODES or model.functions:
        raise _foreign(path, "its graph isn't that of such a network")
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx") or any(
            attribute.HasField("g") or attribute.graphs for attribute in node.attribute
        ):
            raise _foreign(path, f"it holds the operator {node.op_type!r}, which none of these has")
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise _foreign(path, "it takes numbers from another file")
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if [value.name for value in inputs] != [given]:
        raise _foreign(path, f"it doesn't take {given!r} alone")
    dims = [dim.dim_value for dim in inputs[0].type.tensor_type.shape.dim][1:]
    if tuple(dims) != shape:
        raise _foreign(path, f"its input has the shape {dims} instead of {list(shape)}")
    outputs = {value.name for value in model.graph.output}
    if not {"activations", *others} <= outputs:
        raise _foreign(path, "it doesn't give what it should")
    try:
        return open_session(data, threads())
    except Exception as error:  # ONNX Runtime has no class of its own for all that it refuses
        raise _foreign(path, f"ONNX Runtime can't open it: {error}") from error


def _names(file: File, record: dict[str, Any], count: int) -> tuple[str, ...]:
    path = folder() / file.name
    try:
        names = json.loads(_read(file, record))["classes"]
        if not isinstance(names, list) or len(names) != count or len(names) > _MOST_CLASSES:
            raise ValueError(f"{count} classes belong here")
        return tuple(str(name)[:100].removeprefix("genre---") for name in names)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _foreign(path, f"it names no classes ({error})") from error


def _foreign(path: Path, why: str) -> WeightsError:
    return WeightsError(
        f"{workspace.shown(path)} can't be used: {why}. Remove the folder "
        f"{workspace.shown(path.parent)}, then run: {COMMAND}"
    )


def _accepted() -> dict[str, Any] | None:
    try:
        record = json.loads((folder() / "accepted.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    right = isinstance(record, dict) and isinstance(record.get("sha256"), dict)
    return record if right and record.get("accepted") else None


def _write(record: dict[str, Any]) -> None:
    with workspace.replacing(folder() / "accepted.json") as temporary:
        temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")


__all__ = ["Discogs", "DownloadError", "available", "fetch", "load", "take"]

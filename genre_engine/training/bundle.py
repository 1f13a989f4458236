"""A run as one zip, to be taken to another machine: `export` and `import`.

    bundle.json                 {"format": 1, "files": {name: sha256}}
    config.json events.jsonl report.json parts.parquet log.txt looks.json
    model/…                     as `models` saves it, without model.onnx
    predictions/…npz
    model-card.md               for people; not read again

A zip may come from anyone. Before anything in it is loaded, its members are compared with this
list, their sizes bounded, unpacked out of sight and looked through: JSON for its form, the model
for types and layers that no model of ours has, arrays for what their headers claim. Only a run that
is whole and sound takes its place.

`model.onnx` stays behind and is made again on the other side, from the model's own files once these
have been checked: so no graph that someone else wrote is ever loaded, and whoever has an earlier
version can read the zip. One that lies in a zip all the same isn't unpacked.
"""

import hashlib
import json
import re
import secrets
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

from genre_engine import evaluation, models, runs
from genre_engine.errors import (
    BundleError,
    GenreEngineError,
    ModelError,
    RunError,
    RunExists,
    StorageError,
)
from genre_engine.models.files import ONNX, read_arrays, read_description
from genre_engine.runs import Config, Predictions, Run, journal
from genre_engine.storage import output, workspace

FORMAT = 1
SUFFIX = ".genre-run.zip"

_NEEDED = ("config.json", "events.jsonl", "report.json", "parts.parquet")
_OPTIONAL = ("log.txt", "looks.json")
_PREDICTIONS = tuple(f"predictions/{part}.npz" for part in ("train", *runs.PREDICTED))
_MODEL_FILE = re.compile(r"model/[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")

# Far above any run made here, and far below what harms.
MAX_MEMBERS = 64
MAX_BYTES = 1 << 30
MAX_JSON_BYTES = 64 << 20
# Text shrinks to a twentieth; a bomb to a thousandth.
MAX_RATIO = 200
_RATIO_FROM_BYTES = 1 << 20
_MAX_ROWS = 1_000_000
_BLOCK = 1 << 20

_ADVICE = "Ask whoever gave it to you to export the run again, or train it here."


def export(run: Run, path: Path, *, force: bool = False) -> Path:
    """Write a finished run as a zip.

    Args:
        force: replace a file that isn't an exported run.

    Raises:
        WrongUsage: there is something else than an exported run at the path.
        RunError: it hasn't finished, or is damaged.
        StorageError: the zip can't be written.
    """
    if run.error:
        raise RunError(run.error)
    if run.status != "finished":
        advice = "Resume it first." if run.resumable else "Wait for it."
        raise RunError(
            f"The run {run.name!r} is {run.status}; only a finished one can be exported. {advice}"
        )
    target = output.check(path, kind="an exported run", is_kind=is_bundle, force=force)
    models.check_files(run.model_folder)
    card = evaluation.card(run, evaluation.evaluate_run(run)).encode()
    members = [run.folder / name for name in (*_NEEDED, *_OPTIONAL, *_PREDICTIONS)]
    members += sorted(path for path in run.model_folder.iterdir() if path.name != ONNX)
    with (
        workspace.storage_errors(path),
        output.place_for(target) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        sums: dict[str, str] = {"model-card.md": hashlib.sha256(card).hexdigest()}
        archive.writestr("model-card.md", card)
        for member in members:
            if member.is_file():
                name = member.relative_to(run.folder).as_posix()
                data = member.read_bytes()
                sums[name] = hashlib.sha256(data).hexdigest()
                archive.writestr(name, data)
        archive.writestr("bundle.json", json.dumps({"format": FORMAT, "files": sums}, indent=1))
    return path


def file_name(run: Run) -> str:
    """What an exported run is called."""
    return f"{run.name}{SUFFIX}"


def import_zip(source: Path | IO[bytes], name: str | None = None) -> Run:
    """Take a zip in as a run of origin `import`; a taken name gets a number.

    Args:
        name: another name than the run had.

    Raises:
        BundleError: it isn't a run of ours, is damaged, or holds what none of ours holds.
        RunExists, WrongUsage: the name can't be had.
        StorageError: the workspace can't be written.
    """
    folder = workspace.make_folder(workspace.runs_folder())
    with (
        _opened(source) as archive,
        workspace.storage_errors(folder),
        FileLock(folder / ".lock"),
    ):
        infos = _members(archive)
        taken = {known for run in runs.listing() for known in (run.id, run.name)}
        config = _config(archive, infos)
        if name is not None and workspace.check_name(name) in taken:
            raise RunExists(
                f"There is a run {name!r} already, and it stays as it is. Choose another name."
            )
        new_id = config.id
        while not _RUN_ID.fullmatch(new_id) or new_id in taken:
            new_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        made = replace(config, id=new_id, name=name or _free(config.name, taken), origin="import")
        with workspace.replacing(folder / new_id) as room:
            room.mkdir()
            for info in infos.values():
                _unpack(archive, info, room)
            (room / "config.json").write_text(
                json.dumps(made.to_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
            )
            _check(room, made)
            models.renew_onnx(room / "model")
    return Run(folder / new_id)


def is_bundle(path: Path) -> bool:
    """Whether a file is a zip that `export` may have written."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "bundle.json" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


@contextmanager
def _opened(source: Path | IO[bytes]) -> Iterator[zipfile.ZipFile]:
    if isinstance(source, Path) and not source.is_file():
        raise BundleError(f"There is no file {source}. Name the zip that `export` wrote.")
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BundleError(f"This isn't a zip, or it is damaged. {_ADVICE}") from error
    with archive:
        try:
            yield archive
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise BundleError(f"This zip is damaged. {_ADVICE}") from error


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members by name, none of which has been read yet."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise BundleError(f"This zip holds {len(infos):,} files, more than any run. {_ADVICE}")
    known = {*_NEEDED, *_OPTIONAL, *_PREDICTIONS, "bundle.json", "model-card.md"}
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        # The name as it stands in the file: zipfile cuts it off at a zero byte.
        name = info.orig_filename
        if name not in known and not _MODEL_FILE.fullmatch(name):
            raise BundleError(f"This zip holds {name[:80]!r}, which no run of ours has. {_ADVICE}")
        if name in found:
            raise BundleError(f"This zip holds {name!r} twice. {_ADVICE}")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise BundleError(f"{name} of this zip is a link, not a file. {_ADVICE}")
        if info.flag_bits & 1:
            raise BundleError("This zip is locked with a password. Export it without one.")
        if info.file_size > max(_RATIO_FROM_BYTES, MAX_RATIO * info.compress_size):
            raise BundleError(f"{name} of this zip would unpack to far more than it is. {_ADVICE}")
        if name.endswith((".json", ".jsonl", ".txt", ".md")) and info.file_size > MAX_JSON_BYTES:
            raise BundleError(f"{name} of this zip is larger than any run's. {_ADVICE}")
        found[name] = info
    if sum(info.file_size for info in infos) > MAX_BYTES:
        raise BundleError(f"This zip unpacks to more than {MAX_BYTES >> 20:,} MB. {_ADVICE}")
    if missing := [name for name in ("bundle.json", *_NEEDED) if name not in found]:
        raise BundleError(f"This zip isn't an exported run: it has no {missing[0]}. {_ADVICE}")
    return found


def _config(archive: zipfile.ZipFile, infos: dict[str, zipfile.ZipInfo]) -> Config:
    about = _json(archive.read(infos["bundle.json"]), "bundle.json")
    version = about.get("format")
    if not isinstance(version, int) or isinstance(version, bool):
        raise BundleError(f"bundle.json of this zip isn't ours. {_ADVICE}")
    if version > FORMAT:
        raise BundleError("This zip was made by a newer version. Update this one.")
    sums = about.get("files")
    if not isinstance(sums, dict) or {*sums, "bundle.json"} != set(infos):
        raise BundleError(f"This zip lacks files, or has some that were added to it. {_ADVICE}")
    for name, info in infos.items():
        if name != "bundle.json" and _sum(archive, info) != sums[name]:
            raise BundleError(f"{name} of this zip was changed after the export. {_ADVICE}")
    try:
        return Config.from_dict(_json(archive.read(infos["config.json"]), "config.json"))
    except RunError as error:
        raise BundleError(f"{error} {_ADVICE}") from error


def _sum(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    digest = hashlib.sha256()
    with archive.open(info) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _json(data: bytes, name: str) -> dict[str, Any]:
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{name} of this zip is damaged. {_ADVICE}") from error
    if not isinstance(values, dict):
        raise BundleError(f"{name} of this zip isn't a run's. {_ADVICE}")
    return values


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, room: Path) -> None:
    if info.filename in ("bundle.json", "model-card.md", f"model/{ONNX}"):
        return
    target = room / info.filename
    target.parent.mkdir(exist_ok=True)
    with archive.open(info) as source, target.open("wb") as file:
        # zipfile hands out no more than the size that was checked.
        while block := source.read(_BLOCK):
            file.write(block)


def _check(room: Path, config: Config) -> None:
    """Whether what was unpacked is a finished run, without loading its model."""
    try:
        workspace.check_name(config.name)
        models.check_files(room / "model")
        description = read_description(room / "model")
        same = (
            description.model == config.model
            and description.genres == config.genres
            and description.task == config.task
        )
        if not same:
            raise BundleError(f"The model in this zip isn't its run's. {_ADVICE}")
        status = journal.last(room / "events.jsonl", ("status",))
        if status is None or status.get("status") != "finished":
            raise BundleError(f"The run in this zip hasn't finished. {_ADVICE}")
        for name in ("report.json", "looks.json"):
            if (room / name).is_file():
                _json((room / name).read_bytes(), name)
        _check_parts(room / "parts.parquet")
        for place in sorted((room / "predictions").glob("*.npz")):
            read_arrays(place.parent, place.name)
            if place.stem in runs.PREDICTED:
                Predictions.load(place, len(config.genres))
    except (BundleError, StorageError):
        raise
    except ModelError as error:
        # The folder it names is gone when this is read.
        said = str(error).replace(f" in {room / 'model'}", " in this zip")
        raise BundleError(said) from error
    except GenreEngineError as error:
        raise BundleError(f"{error} {_ADVICE}") from error


def _check_parts(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            about = file.metadata
            groups = range(about.num_row_groups)
            size = sum(about.row_group(group).total_byte_size for group in groups)
            names = set(file.schema_arrow.names)
            if about.num_rows > _MAX_ROWS or size > MAX_BYTES:
                raise BundleError(f"parts.parquet of this zip is larger than any run's. {_ADVICE}")
            file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BundleError(f"parts.parquet of this zip is damaged. {_ADVICE}") from error
    if not {"track_id", "part", "half", "artist"} <= names:
        raise BundleError(f"parts.parquet of this zip isn't a run's. {_ADVICE}")


def _free(name: str, taken: set[str]) -> str:
    stem, number = name[:56], 1
    while (free := name if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    return free

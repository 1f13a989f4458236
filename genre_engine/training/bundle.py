"""A run as one zip, to be taken to another machine: `export` and `import`.

    bundle.json                 {"format": 1, "files": {name: sha256}}
    config.json events.jsonl report.json parts.parquet log.txt looks.json
    model/…                     as `models` saves it, without model.onnx
    predictions/…npz
    model-card.md               for people; not read again

A zip may come from anyone. Before anything in it is loaded, its members are compared with this
list, their sizes bounded, unpacked out of sight and looked through: JSON for its form, the model
for types and layers that no model of ours has, arrays for what their headers claim. That is done in
a process of its own, whose memory and time are bounded (`storage.budget`). Only a run that is whole
and sound takes its place.

`model.onnx` stays behind and is made again on the other side, from the model's own files once these
have been checked: so no graph that someone else wrote is ever loaded, and whoever has an earlier
version can read the zip. One that lies in a zip all the same isn't unpacked.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import time
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

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
from genre_engine.storage import budget, output, owners, workspace

if TYPE_CHECKING:
    import pyarrow as pa

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
MAX_JSON_BYTES = budget.SCHEMA_BYTES
# Ours have 55,701 at most, with ids of a few signs.
_MAX_ROWS = 300_000
_MAX_TEXT = 256
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
        OverBudget: it takes too much to be read.
        RunExists, WrongUsage: the name is taken, or can't be one.
        StorageError: the workspace can't be written.
    """
    if name is not None:
        _check_free(name, runs.taken_names())
    folder = workspace.make_folder(workspace.runs_folder())
    _clear_leftovers(folder)
    with (
        workspace.storage_errors(folder),
        TemporaryDirectory(prefix=_ROOM, dir=folder) as kept,
    ):
        path, room = _file(source, Path(kept)), Path(kept, "run")
        room.mkdir()
        # Nobody waits for a zip to be looked through: the lock is taken when it is sound.
        arguments = {"path": str(path), "room": str(room)}
        checked = budget.run(_UNPACK, arguments, budget.BUNDLE, "This zip")
        config = Config.from_dict(checked)
        with FileLock(folder / ".lock"):
            taken = runs.taken_names()
            if name is not None:
                _check_free(name, taken)
            new_id = config.id
            while not _is_id(new_id) or new_id in taken:
                new_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
            made = replace(
                config, id=new_id, name=name or _free(config.name, taken), origin="import"
            )
            (room / "config.json").write_text(
                json.dumps(made.to_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
            )
            owners.mark(room)
            room.rename(folder / new_id)
    return Run(folder / new_id)


def unpack(path: str, room: str) -> dict[str, Any]:
    """Look through a zip and unpack it; for a process that is held to a budget.

    Returns:
        The run's configuration.

    Raises:
        BundleError: it isn't a run of ours, is damaged, or holds what none of ours holds.
    """
    place = Path(room)
    with _opened(Path(path)) as archive, workspace.storage_errors(place):
        infos = _members(archive)
        config = _config(archive, infos)
        for info in infos.values():
            _unpack(archive, info, place)
        _check(place, config)
    return config.to_dict()


_ROOM = ".import-"
_UNPACK = f"{__name__}:{unpack.__name__}"


def _file(source: Path | IO[bytes], room: Path) -> Path:
    """The zip as a file, which another process can open."""
    if isinstance(source, Path):
        return source
    path = room / "bundle.zip"
    source.seek(0)
    with path.open("wb") as file:
        shutil.copyfileobj(source, file, _BLOCK)
    return path


def _clear_leftovers(folder: Path) -> None:
    """Remove what imports left that were killed; one that runs is over long before."""
    oldest = time.time() - 10 * budget.BUNDLE.wall_s
    for room in folder.glob(f"{_ROOM}*"):
        with suppress(OSError):
            if room.stat().st_mtime < oldest:
                shutil.rmtree(room)


def _check_free(name: str, taken: Collection[str]) -> None:
    if workspace.check_name(name) in taken:
        raise RunExists(
            f"There is a run {name!r} already, and it stays as it is. Choose another name."
        )


def _is_id(run_id: str) -> bool:
    """Whether an id is one of ours, of a moment that has been: ids sort by time."""
    if not _RUN_ID.fullmatch(run_id):
        return False
    try:
        made = datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return False
    return made <= datetime.now(UTC) + timedelta(days=1)


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
        if budget.is_bomb(info):
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
        values = budget.parse_json(data)
    except ValueError as error:
        raise BundleError(
            f"{name} of this zip is damaged, or larger than any run's. {_ADVICE}"
        ) from error
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
        models.renew_onnx(room / "model")
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
                found = Predictions.load(place, len(config.genres))
                if len(found.track_ids) > _MAX_ROWS:
                    raise BundleError(f"{place.name} of this zip is larger than any run's.")
        # Loaded once while a budget bounds it: so what comes in can be classified with.
        models.load_classifier(room / "model")
    except (BundleError, StorageError):
        raise
    except GenreEngineError as error:
        # The folder it names is gone when this is read, and is nobody's business.
        said = str(error).replace(f" in {room / 'model'}", " in this zip")
        said = said.replace(f"{room}{os.sep}", "")
        advice = "" if isinstance(error, ModelError) else f" {_ADVICE}"
        raise BundleError(f"{said}{advice}") from error


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
        # As dictionaries: a long text that stands in every row is there once.
        table = pq.read_table(path, read_dictionary=sorted(names))
        longest = max(map(_longest, table.columns), default=0)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BundleError(f"parts.parquet of this zip is damaged. {_ADVICE}") from error
    if longest > _MAX_TEXT:
        raise BundleError(f"parts.parquet of this zip is larger than any run's. {_ADVICE}")
    if not {"track_id", "part", "half", "artist"} <= names:
        raise BundleError(f"parts.parquet of this zip isn't a run's. {_ADVICE}")


def _longest(column: "pa.ChunkedArray") -> int:
    """Bytes of a column's longest text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    longest = 0
    for chunk in column.chunks:
        values = chunk.dictionary if isinstance(chunk, pa.DictionaryArray) else chunk
        # Where no artist is known pandas writes numbers, none of which is one.
        if pa.types.is_primitive(values.type) or pa.types.is_null(values.type):
            continue
        if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
            raise ValueError("a column of a type that no run has")
        longest = max(longest, pc.max(pc.binary_length(values)).as_py() or 0)
    return longest


def _free(name: str, taken: set[str]) -> str:
    stem, number = name[:56], 1
    while (free := name if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    return free

"""A run's model as one ONNX file that needs nothing else of this project.

The graph is `models.onnx_graph`'s; all that turns a song into what it takes, and what it gives into
scores, stands in the file's metadata, each value as JSON:

    format              1
    producer            name and version of this program
    run                 id, name, created
    model, task, genres what it is; genres in the order of the probabilities
    features            kind, fingerprint, columns, parameters
    windows             length_s and hop_s, length_samples and hop_samples (null: the whole song
                        at once), aggregation
    thresholds          global and per_genre, on probabilities before calibration; or null
    calibration         Platt's slope, offsets and single; or null
    dataset             name, licence, synthetic

`docs/onnx.md` says how they are used.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genre_engine import __version__, models
from genre_engine.errors import RunError
from genre_engine.models import onnx_file
from genre_engine.models.files import MAX_FILE_BYTES, read_description
from genre_engine.models.onnx_graph import PRODUCER, about, set_metadata
from genre_engine.prediction import run_model
from genre_engine.prediction import windows as excerpt_windows
from genre_engine.runs import Run
from genre_engine.storage import output, workspace

FORMAT = 1


def export(run: Run, path: Path, *, force: bool = False) -> Path:
    """Write a finished run's model as an ONNX file; runs of earlier versions too.

    Args:
        force: replace a file that isn't an ONNX file.

    Raises:
        WrongUsage: there is something else than an ONNX file at the path.
        RunError, ModelError: the run hasn't finished, or is damaged.
        StorageError: the file can't be written.
    """
    if run.error:
        raise RunError(run.error)
    if run.status != "finished":
        what_to_do = "Resume it first." if run.resumable else "Wait for it."
        raise RunError(
            f"The run {run.name!r} is {run.status}; only a finished one can be exported. "
            f"{what_to_do}"
        )
    target = output.check(path, kind="an ONNX file", is_kind=_is_onnx, force=force)
    model = models.onnx_of(run.model_folder)
    try:
        set_metadata(model, metadata(run))
    except ValueError as error:
        raise RunError(
            f"report.json of the run {run.name!r} is damaged: it holds values that aren't finite "
            "numbers. Remove the run and train again."
        ) from error
    model.doc_string = (
        "Input: features of a song, scaled by the graph itself. Output: probabilities of the "
        "genres. The metadata say how features are computed and what follows, each value as JSON."
    )
    data = onnx_file.to_bytes(model)
    with workspace.storage_errors(path), output.place_for(target) as temporary:
        temporary.write_bytes(data)
    return path


def metadata(run: Run) -> dict[str, Any]:
    """What the file says of itself.

    Raises:
        RunError, ModelError: the run is damaged.
    """
    config = run.config
    description = read_description(run.model_folder)
    run_model.judged(run, run.name, len(description.genres))
    report = run.report() or {}
    return {
        "format": FORMAT,
        "producer": {"name": PRODUCER, "version": __version__},
        "run": {"id": run.id, "name": run.name, "created": config.created},
        **about(description),
        "windows": _windows(description.features.parameters),
        "thresholds": report.get("thresholds"),
        "calibration": report.get("calibration"),
        "dataset": {
            "name": config.dataset,
            "licence": config.licence,
            "synthetic": config.synthetic,
        },
    }


def _windows(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """How a song is cut, as `prediction.windows` does it."""
    length_s, sample_rate = parameters.get("excerpt_s"), parameters.get("sample_rate")
    found = dict.fromkeys(("length_s", "hop_s", "length_samples", "hop_samples"))
    if isinstance(length_s, int | float) and isinstance(sample_rate, int | float):
        size, hop = excerpt_windows.sizes(length_s, int(sample_rate))
        values = (length_s, hop / sample_rate, size, hop)
        found = dict(zip(found, values, strict=True))
    return {**found, "aggregation": "mean"}


def _is_onnx(path: Path) -> bool:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return False
        model: onnx.ModelProto = onnx.ModelProto.FromString(path.read_bytes())
    except (OSError, DecodeError, ValueError):
        return False
    return bool(model.ir_version and model.opset_import and model.graph.node)

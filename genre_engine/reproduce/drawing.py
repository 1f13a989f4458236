"""The course project's nine figures, kept as Plotly's JSON.

figures/figures.json        name → title, what it says in words
figures/<name>.json         the figure
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from genre_engine import runs
from genre_engine.datasets import Dataset
from genre_engine.errors import AudioError, GenreEngineError
from genre_engine.features import track_view
from genre_engine.figures import reproduction as figures
from genre_engine.figures.training import Curves, training_curve, training_curve_alt
from genre_engine.models import model
from genre_engine.reproduce import material
from genre_engine.reproduce.state import Reproduction
from genre_engine.storage import workspace

if TYPE_CHECKING:
    import plotly.graph_objects as go

TITLES = {
    "counts-train": "Genres in train",
    "counts-validation": "Genres in validation",
    "waveform": "Waveform",
    "mfcc": "MFCC",
    "mel": "Mel spectrogram",
    "chroma": "Chroma",
    "tonnetz": "Tonnetz",
    "accuracy": "Accuracy by epoch",
    "loss": "Loss by epoch",
}
_CURVES = ("accuracy", "loss")

Drawn = Iterator[tuple[str, "go.Figure", str]]


def draw(reproduction: Reproduction, dataset: Dataset) -> dict[str, Any]:
    """Draw and keep all that can be drawn.

    Raises:
        AudioError: the track can't be read.
        StorageError: a figure can't be written.
    """
    track = material.first_track(dataset)
    listed: dict[str, dict[str, str]] = {}
    folder = workspace.make_folder(reproduction.figures_folder)
    for drawn in (
        _counts(dataset, reproduction.request.seed),
        _track(dataset, track),
        _curves(reproduction),
    ):
        for name, figure, words in drawn:
            with workspace.replacing(folder / f"{name}.json") as temporary:
                temporary.write_text(figure.to_json(), encoding="utf-8")
            listed[name] = {"title": TITLES[name], "alt": words}
    with workspace.replacing(folder / "figures.json") as temporary:
        temporary.write_text(json.dumps(listed, ensure_ascii=False, indent=1), encoding="utf-8")
    return {"figures": list(listed), "track": str(track["track_id"])}


def incomplete(reproduction: Reproduction) -> bool:
    """Whether a network has been trained since whose curves aren't drawn."""
    there = (reproduction.output("figures") or {}).get("figures", [])
    missing = not set(_CURVES) <= set(there)
    return missing and any(reproduction.output(name) is not None for name in _TRAININGS)


def stored(reproduction: Reproduction) -> dict[str, tuple[str, str, str]]:
    """What is kept: title, words and JSON by name; empty where nothing was drawn."""
    folder = reproduction.figures_folder
    try:
        listed = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
        return {
            name: (
                listed[name]["title"],
                listed[name]["alt"],
                (folder / f"{name}.json").read_text(),
            )
            for name in TITLES
            if name in listed
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # they can be drawn again; a report without them is better than none


def _counts(dataset: Dataset, seed: int) -> Drawn:
    for part, counts in material.part_counts(dataset, seed).items():
        figure = figures.genre_counts(counts, part)
        yield f"counts-{part}", figure, figures.genre_counts_alt(counts, part)


def _track(dataset: Dataset, track: Any) -> Drawn:
    path = dataset.audio_path(track["path"]) if isinstance(track["path"], str) else None
    if path is None:
        return
    try:
        drawn = track_view.of_source(path)
    except AudioError as error:
        raise type(error)(f"{track['track_id']}: {error}") from error
    for name, figure in figures.track_figures(drawn).items():
        yield name, figure, f"{TITLES[name]} of {track['track_id']}"


# The one that ran is the one whose curves were published.
_TRAININGS = ("multilabel-fcn-ran", "multilabel-fcn")


def _curves(reproduction: Reproduction) -> Drawn:
    for name in _TRAININGS:
        run_id = reproduction.outcomes[name].runs.get("run")
        if reproduction.output(name) is None or run_id is None:
            continue
        try:
            run = runs.open(run_id)
        except GenreEngineError:  # removed since
            continue
        settings = model(run.config.model).Settings.from_dict(run.config.settings).to_dict()
        curves = Curves(run.epochs(), int(settings["epochs"]), ended=True)
        for quantity in _CURVES:
            words = training_curve_alt(curves, quantity)
            yield quantity, training_curve(curves, quantity), words
        return

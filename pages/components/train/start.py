"""What a training will take, and its start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import streamlit as st

from genre_engine import features, jobs, labels, models, runs
from genre_engine.errors import GenreEngineError
from genre_engine.features import store as feature_stores
from genre_engine.training import TrainingRequest
from pages.components.shared import datasets
from pages.components.shared.datasets import Opened
from pages.components.shared.session_id import visitor
from pages.components.shared.text import duration, plain
from pages.components.train import pickers, request_text

# Of the runs on this machine, so many of the newest are asked how long an epoch took.
_ASKED = 30
# Starting a process and importing what it learns with.
_STARTUP_S = 8


@dataclass(frozen=True)
class Outlook:
    """What is in the way of a training, and what it will take.

    Attributes:
        missing: tracks whose features must be extracted first.
        differing: in what features that are there differ, where those wanted aren't.
        tracks: how many take part.
        training_s: None where there is nothing to estimate it from.
    """

    kind: str
    tracks: int
    missing: int = 0
    differing: str = ""
    training_s: float | None = None


def outlook(data: Opened, choice: TrainingRequest) -> Outlook:
    """Raises GenreEngineError: the choice can't be trained."""
    wanted: Sequence[str] | str = choice.genres or data.dataset.genres
    chosen = datasets.chosen(data, wanted, choice.rule)
    if choice.task != "multilabel":
        chosen = data.dataset.select(
            labels.choose(data.counts, wanted), rule=choice.rule, task=choice.task
        )
    kind = choice.features or pickers.feature_kinds(data, choice.model)[0]
    missing, differing = _to_extract(data, kind, choice.excerpt_s)
    seconds = _training_s(choice, len(chosen.rows))
    return Outlook(kind, len(chosen.rows), missing, differing, seconds)


def _to_extract(data: Opened, kind: str, excerpt_s: float | None) -> tuple[int, str]:
    """How many tracks have no such features, and how those that are there differ."""
    folder, ids = data.dataset.features_folder, data.tracks["track_id"].tolist()
    wanted = features.kind(kind, excerpt_s=excerpt_s) if kind in features.NAMES else None
    store = feature_stores.find(folder, kind, wanted.fingerprint if wanted else None)
    if store is None:
        other = feature_stores.newest(folder, kind) if wanted else None
        if wanted is None or other is None:
            return len(ids), ""
        return len(ids), features.differences(other.parameters, wanted.parameters)
    # A track whose file can't be read is no reason to extract again.
    failed = set(store.failures["track_id"])
    known = store.has(ids)
    missing = [1 for track, has in zip(ids, known, strict=True) if not has and track not in failed]
    return len(missing), ""


def _training_s(choice: TrainingRequest, n_tracks: int) -> float | None:
    """By what an epoch of a model of the same size took here, if one was ever trained."""
    settings = models.model(choice.model).Settings.from_dict(choice.settings).to_dict()
    rate = _seconds_per_track(choice.model, _size(choice.model, settings))
    if rate is None:
        return None
    per_track, usual = rate
    return float(_STARTUP_S + per_track * n_tracks * settings.get("epochs", usual))


def _size(model: str, settings: Mapping[str, Any]) -> str:
    """What an epoch's time depends on: layers, and all that is counted but the epochs."""
    counted = [
        (info.name, settings.get(info.name, info.default))
        for info in models.model(model).Settings.describe()
        if info.type in ("int", "sizes") and info.name not in ("epochs", "patience")
    ]
    return str([(name, list(value) if np.iterable(value) else value) for name, value in counted])


@st.cache_data(ttl=60, max_entries=16, show_spinner=False)
def _seconds_per_track(model: str, size: str) -> tuple[float, int] | None:
    """Of an epoch, and how many epochs there were; medians of earlier runs."""
    rates = []
    most = []
    for run in runs.listing()[:_ASKED]:
        if run.error or run.config.model != model or run.config.origin == "import":
            continue
        if _size(model, run.config.settings) != size:
            continue
        epochs = run.epochs()
        seconds = [event["seconds"] for event in epochs if event.get("seconds")]
        try:
            n_tracks = len(run.parts())
        except GenreEngineError:
            continue
        if seconds and n_tracks:
            rates.append(median(seconds) / n_tracks)
            most.append(int(epochs[-1].get("epochs") or len(epochs)))
    return (median(rates), int(median(most))) if rates else None


def bar(data: Opened, choice: TrainingRequest | None) -> None:
    """The bar with Start, which stays in sight."""
    with st.container(horizontal=True, vertical_alignment="center", key="train-start", border=True):
        seen: Outlook | None = None
        problem = "One of the settings can't be used; it is marked above." if not choice else ""
        if choice is not None:
            try:
                seen = outlook(data, choice)
            except GenreEngineError as error:
                problem = str(error)
        label = "Extract features, then train" if seen and seen.missing else "Start"
        clicked = st.button(
            label,
            type="primary",
            icon=":material/play_arrow:",
            key="train-go",
            disabled=seen is None,
        )
        st.markdown(plain(problem) if problem else _expected(seen), width="stretch")
        if choice is not None:
            with (
                st.container(width="content", key="train-command"),
                st.popover("As a command", icon=":material/terminal:"),
            ):
                st.markdown("The same from the command line; its curves appear here as well:")
                extract = seen is not None and seen.missing and seen.kind in features.NAMES
                first = ""
                if seen is not None and extract:
                    asked = {"excerpt_s": choice.excerpt_s}
                    first = f"{feature_stores.command(data.dataset.name, seen.kind, asked)}\n"
                st.code(first + request_text.command(choice), language="bash", wrap_lines=True)
    if clicked and choice is not None:
        start(choice)


def _expected(seen: Outlook | None) -> str:
    if seen is None:
        return ""
    said = [f"{seen.tracks:,} tracks"]
    if seen.missing:
        said.append(f"features of {seen.missing:,} are missing: they are extracted first")
    if seen.differing:
        said.append(
            f"those that are there were made with other parameters ({plain(seen.differing)})"
        )
    if seen.training_s is not None:
        said.append(f"training at most {duration(seen.training_s)}, by earlier ones here")
    else:
        said.append("the time left shows after the first epoch")
    return " · ".join(said)


def start(request: TrainingRequest) -> None:
    """Put a training into the queue and look at it."""
    try:
        job = jobs.submit("training", request, owner=visitor())
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.query_params.from_dict({"job": job.id})
    st.rerun()

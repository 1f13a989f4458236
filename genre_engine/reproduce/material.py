"""Which genres the experiment is about, and the stages that prepare its material."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from genre_engine import datasets, extraction, features, labels, leakage, splits
from genre_engine.datasets import Dataset
from genre_engine.download import jamendo_audio, jamendo_plan
from genre_engine.errors import DatasetError, DatasetMissing
from genre_engine.labels import Labels
from genre_engine.prediction import vocabulary
from genre_engine.reproduce.state import Request

Share = Callable[[float, str], None]  # of the stage that is done, and what is being done
ShouldStop = Callable[[], bool]

TWO = ("classical", "electronic")

# Of the stage with all genres: rarer ones can be in train or in test, but hardly in both.
FEWEST_TRACKS = 20


class Stopped(Exception):
    """Raised where the work was asked to end; what is done by then is kept."""


class Skipped(Exception):
    """Raised by a stage that this data set can't have; says why."""


def ten(dataset: Dataset) -> tuple[str, ...]:
    """The course project's ten genres, as far as the data set has them; without two of them, its
    own ten most populated."""
    counts = labels.count(dataset.tracks["genres"].tolist())
    known = [genre for genre in vocabulary.TEN if genre in counts]
    return labels.choose(counts, known if len(known) > 1 else "top10")


def genres(dataset: Dataset, which: str) -> tuple[str, ...]:
    """The genres that a training means by `ten`, `two` or `all`."""
    chosen = ten(dataset)
    if which == "ten":
        return chosen
    if which == "all":
        counts = labels.count(dataset.tracks["genres"].tolist())
        return tuple(sorted({*chosen, *(g for g, n in counts.items() if n >= FEWEST_TRACKS)}))
    if set(chosen) >= set(TWO):
        return TWO
    counts = dataset.select(chosen, rule="only", task="multilabel").counts
    return tuple(sorted(list(counts)[:2]))


def selection(dataset: Dataset) -> Labels:
    """The tracks that carry only the ten genres."""
    return dataset.select(ten(dataset), rule="only")


def with_audio(dataset: Dataset, chosen: Labels) -> Labels:
    """Those of them whose audio is there; all of a table of ready features."""
    if dataset.kind == "feature_table":
        return chosen
    paths = dataset.tracks["path"].iloc[chosen.rows]
    there = [dataset.audio_path(path) is not None for path in paths]
    return replace(chosen, rows=chosen.rows[there], y=chosen.y[there])


def honest_split(dataset: Dataset) -> str:
    """The data set's own parts where it has them, else by artist."""
    return "official" if dataset.tracks["split"].notna().any() else "artist"


def fetch_audio(request: Request, share: Share, should_stop: ShouldStop) -> dict[str, Any]:
    """Have the audio there: as it lies, or fetched for a data set that doesn't exist yet.

    Raises:
        DatasetMissing, DatasetError: there is none, and none is to be fetched.
        DownloadError: it can't be fetched.
    """
    # What was begun here goes on until all is there; what the user brought is taken as it is.
    if request.tracks is not None and is_fetched(request.dataset):
        return _fetch(request, share, should_stop)
    dataset = datasets.open(request.dataset)
    if dataset.kind == "feature_table":
        return {"tracks": len(dataset.tracks), "audio": 0}
    paths = dataset.tracks["path"]
    n = sum(dataset.audio_path(path) is not None for path in paths)
    if not n:
        advice = (
            f"Fetch it with `download jamendo-audio {dataset.name}`"
            if dataset.kind == "jamendo"
            else f"Put it into {dataset.audio_folder}"
        )
        raise DatasetError(
            f"None of the {len(paths)} tracks of {dataset.name!r} has its audio here. "
            f"{advice}, and start again."
        )
    return {"tracks": len(paths), "audio": n}


def is_fetched(name: str) -> bool:
    """Whether a data set is made by fetching it, now or before."""
    try:
        source = datasets.open(name).info.get("source") or {}
    except DatasetMissing:
        return True
    return "download" in source


def _fetch(request: Request, share: Share, should_stop: ShouldStop) -> dict[str, Any]:
    plan_request = jamendo_plan.Request(
        request.dataset,
        tracks=request.tracks,
        rule="only",
        excerpt_s=request.excerpt_s,
        seed=request.seed,
        metadata=request.metadata,
        base_url=request.base_url,
    )

    def progress(done: int, total: int, failed: int, bytes_done: int, bytes_total: int) -> None:
        lost = f", {failed:,} failed" if failed else ""
        share(bytes_done / max(1, bytes_total), f"{done:,} of {total:,} tracks{lost}")

    outcome = jamendo_audio.download(plan_request, progress=progress, should_stop=should_stop)
    if should_stop():
        raise Stopped
    n = len(outcome.dataset.tracks)
    return {"tracks": n, "audio": n - len(outcome.failures), "failed": len(outcome.failures)}


def choose_tracks(dataset: Dataset) -> dict[str, Any]:
    """How many tracks carry only the ten genres, and what they are."""
    chosen = with_audio(dataset, selection(dataset))
    rows = dataset.tracks.iloc[chosen.rows]
    if not len(rows):
        raise DatasetError(
            f"No track of {dataset.name!r} with audio carries only the ten genres. Choose another "
            "data set, or import it with --genres all."
        )
    return {
        "tracks": len(rows),
        "of": len(dataset.tracks),
        "artists": int(rows["artist_id"].nunique()),
        "labels_per_track": round(chosen.labels_per_track, 4),
        "genres": chosen.counts,
        "same_as_course": set(chosen.genres) == set(vocabulary.TEN),
    }


def make_splits(dataset: Dataset, seed: int) -> dict[str, Any]:
    """Sizes and leaks of the random splits and of the honest one."""
    chosen = with_audio(dataset, selection(dataset))
    found: dict[str, Any] = {}
    for name in ("random:course", "random:course-ran", honest_split(dataset)):
        kind, fractions = splits.parse(name)
        made = dataset.split(chosen, kind, fractions=fractions, seed=seed)
        artists = dataset.tracks["artist_id"].iloc[chosen.rows]
        found[name] = {"sizes": made.sizes, "artist_overlap": leakage.overlap(artists, made)}
    return {"splits": found}


def part_counts(dataset: Dataset, seed: int) -> dict[str, dict[str, int]]:
    """Tracks per genre in train and validation of the course project's split."""
    chosen = with_audio(dataset, selection(dataset))
    kind, fractions = splits.parse("random:course")
    made = dataset.split(chosen, kind, fractions=fractions, seed=seed)
    return {
        part: replace(chosen, rows=chosen.rows[at], y=chosen.y[at]).counts
        for part in ("train", "validation")
        if len(at := made.rows(part))
    }


def extract(
    dataset: Dataset, kind_name: str, share: Share, should_stop: ShouldStop
) -> dict[str, Any]:
    """Extract a kind of features of all tracks that any training of it will use.

    Raises:
        Skipped: the data set is a table of ready features.
        WeightsError, StorageError, ExtractionRunning: as `extraction.extract`.
    """
    if dataset.kind == "feature_table":
        if kind_name != "summary":
            raise Skipped("This data set is a table of ready features, without audio.")
        return {"tracks": len(dataset.tracks), "columns": None}
    kind = features.kind(kind_name)
    rows = selection(dataset).rows
    if kind_name == "summary":
        # The stage with more genres takes tracks with any of them.
        rows = dataset.select(genres(dataset, "all"), rule="any").rows
    ids = dataset.tracks["track_id"].iloc[rows].tolist()

    def progress(done: int, total: int, failed: int) -> None:
        lost = f", {failed:,} failed" if failed else ""
        share(done / max(1, total), f"{done:,} of {total:,} tracks{lost}")

    store = extraction.extract(
        dataset, kind, track_ids=ids, progress=progress, should_stop=should_stop
    )
    if should_stop():
        raise Stopped
    return {
        "tracks": int(store.has(ids).sum()),
        "failed": len(set(ids) & set(store.failures["track_id"])),
        "columns": len(kind.columns) or None,
    }


def first_track(dataset: Dataset) -> "pd.Series[Any]":
    """The track that is drawn: the course project's 1234446 where it is there, else the first."""
    rows = dataset.tracks.iloc[with_audio(dataset, selection(dataset)).rows]
    own = rows[rows["track_id"] == "track_1234446"]
    return (own if len(own) else rows).iloc[0]

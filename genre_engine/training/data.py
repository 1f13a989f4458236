"""What a run learns from and is evaluated on: tracks with their labels, parts and features.

Tracks whose audio isn't there (most of MTG-Jamendo, as a rule) take no part, so they are left out
before the split. Tracks whose features failed are left out after it: so other kinds of features,
for which they may not have failed, are evaluated on the same parts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from genre_engine import features, leakage, models, splits
from genre_engine.datasets import Dataset
from genre_engine.errors import (
    DatasetError,
    FeaturesDiffer,
    FeaturesError,
    FeaturesMissing,
    SplitError,
    WrongUsage,
)
from genre_engine.features import EXCERPT_S, NAMES
from genre_engine.features import store as feature_stores
from genre_engine.features.store import FeatureStore
from genre_engine.labels import Labels
from genre_engine.models.data import Data, FeatureInfo
from genre_engine.runs import Run
from genre_engine.splits import THRESHOLD_SET


@dataclass(frozen=True)
class Material:
    """The tracks of a run, n of them, each in one of the three parts.

    Attributes:
        tracks: their rows of the track table.
        y: uint8 [n, n_genres].
        groups: the number of each track's artist, those joined who share audio.
        warnings: sentences: what was left out, which genre is missing where.
    """

    tracks: pd.DataFrame
    y: npt.NDArray[np.uint8]
    genres: tuple[str, ...]
    split: splits.Split
    groups: npt.NDArray[np.intp]
    store: FeatureStore
    warnings: tuple[str, ...] = ()

    @property
    def track_ids(self) -> list[str]:
        return [str(name) for name in self.tracks["track_id"]]

    @property
    def artist_overlap(self) -> float | None:
        """Share of test tracks whose artist is also in train; None where no artist is known."""
        artists = self.tracks["artist_id"]
        if self.split.fold is not None:
            return leakage.fold_overlap(artists, self.split.fold[:, 0])
        return leakage.overlap(artists, self.split)

    @property
    def has_artists(self) -> bool:
        """Whether any track is known to belong with another."""
        known = self.tracks[["artist_id", "album_id"]].notna()
        return bool(known.to_numpy().any())

    def rows(self, part: str) -> npt.NDArray[np.intp]:
        """Positions of a part's tracks, or of a half's of validation.

        A validation by one artist can't be halved: all of it then serves both ends.
        """
        found = self.split.rows(part)
        return found if len(found) or part != THRESHOLD_SET else self.split.rows("validation")

    def parts_table(self) -> pd.DataFrame:
        """What is stored as parts.parquet."""
        fold = self.split.fold
        columns = {} if fold is None else {f"fold_{n}": f for n, f in enumerate(fold.T, 1)}
        return pd.DataFrame(
            {
                "track_id": self.track_ids,
                "part": self.split.part.tolist(),
                "half": self.split.half.tolist(),
                "artist": self.tracks["artist_id"].tolist(),
                "group": self.groups,
            }
            | columns
        )


def part_data(run: Run, material: Material, rows: npt.NDArray[np.intp]) -> Data:
    """Some tracks of a run as its model takes them.

    Raises:
        FeaturesError: the features can't be read.
    """
    ids = [material.track_ids[row] for row in rows]
    store = material.store
    info = FeatureInfo(store.kind_name, store.fingerprint, store.columns, store.parameters)
    patches = models.model(run.config.model).input == "patches"
    x = store.patches(ids) if patches else store.vectors(ids)
    groups = material.groups[rows] if material.has_artists else None
    return Data(x, material.y[rows], material.genres, run.config.task, info, groups)


def find_store(dataset: Dataset, kind: str, excerpt_s: float | None = EXCERPT_S) -> FeatureStore:
    """A data set's features of a kind, as this version makes them from such excerpts.

    Raises:
        FeaturesMissing: there are none; the message has the command that extracts them.
        FeaturesDiffer: there are some of that kind, made with other parameters.
        WrongUsage: the data set can't have them.
    """
    wanted = features.kind(kind, excerpt_s=excerpt_s) if kind in NAMES else None
    if wanted is None and excerpt_s != EXCERPT_S:
        raise WrongUsage(f"{kind} features aren't made from excerpts. Leave the excerpt out.")
    fingerprint = wanted.fingerprint if wanted else None
    found = feature_stores.find(dataset.features_folder, kind, fingerprint)
    if found is not None:
        return found
    if wanted is None:
        raise WrongUsage(
            f"The data set {dataset.name!r} has no {kind} features; only an imported table has. "
            f"Choose one of: {', '.join(NAMES)}."
        )
    if dataset.kind == "feature_table":
        raise WrongUsage(
            f"The data set {dataset.name!r} is a table of ready features without audio. Use them: "
            "--features table."
        )
    command = feature_stores.command(dataset.name, kind, wanted.parameters)
    other = feature_stores.newest(dataset.features_folder, kind)
    if other is None:
        raise FeaturesMissing(f"There are no {kind} features of {dataset.name!r}. Run: {command}")
    raise FeaturesDiffer(
        f"The {kind} features of {dataset.name!r} were made with other parameters "
        f"({features.differences(other.parameters, wanted.parameters)}). {_how_to_take(other)}: "
        f"{command}"
    )


def _how_to_take(other: FeatureStore) -> str:
    """How to ask for features that are there, where this version makes such too."""
    same = other.kind
    if same is None:
        return "Run"
    return f"Take these with --excerpt {features.excerpt_text(same.excerpt_s)}, or run"


def refind_store(dataset: Dataset, recorded: Mapping[str, Any]) -> FeatureStore:
    """The features that a run was made for, as its config has them recorded.

    Raises:
        FeaturesMissing: they are gone; the message has the command that makes them again.
        FeaturesError: they are gone, and this version makes others.
        WrongUsage: an imported table's are gone.
    """
    kind, fingerprint = recorded["kind"], recorded["fingerprint"]
    found = feature_stores.find(dataset.features_folder, kind, fingerprint)
    if found is not None:
        return found
    if kind not in NAMES:
        raise WrongUsage(
            f"The data set {dataset.name!r} has no {kind} features any more with which this run "
            "was made. Import the table again under another name, and train a new run."
        )
    parameters = recorded.get("parameters", {})
    here = features.this_version(kind, parameters)
    if here.fingerprint != fingerprint:
        raise FeaturesError(
            f"The {kind} features of {dataset.name!r} that this run was made for are gone, and "
            "this version makes them with other parameters "
            f"({features.differences(parameters, here.parameters)}). Train a new run."
        )
    raise FeaturesMissing(
        f"The {kind} features of {dataset.name!r} that this run was made for are gone. Run: "
        f"{feature_stores.command(dataset.name, kind, parameters)}"
    )


def gather(
    dataset: Dataset,
    chosen: Labels,
    store: FeatureStore,
    *,
    split: str = "artist",
    fractions: splits.Fractions | splits.Folds | None = None,
    seed: int = 0,
) -> Material:
    """Split the chosen tracks that have audio, and keep those that have features.

    Raises:
        FeaturesMissing: the extraction hasn't come to all of them.
        SplitError: the tracks can't be split so, a part is empty, or train lacks a genre.
        DatasetError: no track is left.
    """
    tracks = dataset.tracks.iloc[chosen.rows]
    has = store.has(tracks["track_id"].tolist())
    silent = np.zeros(len(tracks), bool)
    if not has.all():
        without = np.flatnonzero(~has)
        paths = tracks["path"].iloc[without]
        silent[without] = [dataset.audio_path(path) is None for path in paths]
        _refuse_unextracted(tracks[~has & ~silent], store, len(tracks))
    warnings = []
    if silent.any():
        if silent.all():
            raise DatasetError(
                f"None of these tracks has audio in {dataset.audio_folder}, nor features. Put it "
                "there, fetch it with `download jamendo-audio`, or choose another data set."
            )
        warnings.append(
            f"{int(silent.sum())} of {len(tracks)} tracks are left out: their audio isn't there."
        )
        tracks, has = tracks[~silent], has[~silent]
        chosen = replace(chosen, rows=chosen.rows[~silent], y=chosen.y[~silent])
    made = dataset.split(chosen, split, fractions=fractions, seed=seed)
    keep = has & (made.part != "")
    if failed := int((~has).sum()):
        warnings.append(f"{failed} tracks are left out: their features could not be extracted.")
    if unplaced := int((has & (made.part == "")).sum()):
        warnings.append(f"{unplaced} tracks are left out: the {split} split gives them no part.")
    groups = splits.artist_groups(tracks, dataset.joined_artists)
    material = Material(
        tracks[keep].reset_index(drop=True),
        chosen.y[keep],
        chosen.genres,
        replace(
            made,
            part=made.part[keep],
            half=made.half[keep],
            fold=None if made.fold is None else made.fold[keep],
        ),
        groups[keep],
        store,
        (*warnings, *made.warnings),
    )
    return replace(material, warnings=(*material.warnings, *_check_parts(material)))


def regather(
    dataset: Dataset, chosen: Labels, store: FeatureStore, parts: pd.DataFrame, kind: str
) -> Material:
    """The material of a run that began before, from its parts.parquet.

    Raises:
        DatasetError: a track isn't in the data set any more, or not among those chosen.
    """
    tracks = dataset.tracks.iloc[chosen.rows]
    position = {name: row for row, name in enumerate(tracks["track_id"])}
    try:
        rows = [position[name] for name in parts["track_id"]]
    except KeyError as error:
        raise DatasetError(
            f"The track {error.args[0]!r} of this run isn't in the data set {dataset.name!r} any "
            "more. Train a new run."
        ) from error
    made = splits.Split(
        kind,
        parts["part"].to_numpy(str),
        parts["half"].to_numpy(str),
        fold=splits.folds_in(parts),
    )
    return Material(
        tracks.iloc[rows].reset_index(drop=True),
        chosen.y[rows],
        chosen.genres,
        made,
        parts["group"].to_numpy(np.intp),
        store,
    )


def _refuse_unextracted(tracks: pd.DataFrame, store: FeatureStore, n_tracks: int) -> None:
    """Tracks have no features though they have audio and nothing failed: extraction was stopped."""
    failed = set(store.failures["track_id"])
    left = [name for name in tracks["track_id"] if name not in failed]
    if left:
        raise FeaturesMissing(
            f"{len(left)} of {n_tracks} tracks of {store.dataset_name!r} have no "
            f"{store.kind_name} features yet, the first is {left[0]!r}. Run: "
            f"{feature_stores.command(store.dataset_name, store.kind_name, store.parameters)}"
        )


def _check_parts(material: Material) -> list[str]:
    """Refuse what can't be trained on; warn of what can't be evaluated."""
    split, y, genres = material.split, material.y, material.genres
    if split.fold is not None:
        _check_folds(material, split.fold)
        return []
    for part, what in (("train", "to learn from"), ("validation", "to stop and set thresholds by")):
        if not (split.part == part).any():
            raise SplitError(
                f"No track is in {part}, so there is nothing {what}. Give fractions for all three "
                "parts, as in artist:0.72,0.18,0.10, or choose another split."
            )
    learnt = y[split.part == "train"]
    if missing := _names(genres, ~learnt.any(axis=0)):
        kept = [genre for genre in genres if genre not in missing]
        raise SplitError(
            f"No track of {_listed(missing)} is in train, so it can't be learnt. Choose another "
            f"split or seed, or leave it out: --genres {','.join(kept)}"
        )
    if constant := _names(genres, learnt.all(axis=0)):
        raise SplitError(
            f"Every track in train is {_listed(constant)}, so its absence can't be learnt. "
            "Leave it out of --genres, or choose more genres."
        )
    warnings = []
    for part in ("validation", "test"):
        inside = split.part == part
        if not inside.any():
            warnings.append(f"No track is in {part}: the run can't be evaluated there.")
        elif lacking := _names(genres, ~y[inside].any(axis=0)):
            named = [
                genre
                for genre in lacking
                if not any(repr(genre) in text and part in text for text in split.warnings)
            ]
            if named:
                warnings.append(
                    f"No track of {_listed(named)} is in {part}: it can't be evaluated there."
                )
    if not (split.half == THRESHOLD_SET).any():
        warnings.append(
            "Validation is by one artist and can't be halved: thresholds are chosen on the tracks "
            "that also stop the training."
        )
    return warnings


def _check_folds(material: Material, fold: npt.NDArray[np.intp]) -> None:
    """Refuse folds of which one couldn't be learnt from the others."""
    for dealt in fold.T:
        for number in range(int(dealt.max(initial=-1)) + 1):
            learnt = material.y[dealt != number]
            if not len(learnt) or not (dealt == number).any():
                raise SplitError(
                    "A fold has no track left whose features are there. Choose fewer folds."
                )
            lacking = _names(material.genres, ~learnt.any(axis=0))
            if constant := _names(material.genres, learnt.all(axis=0)):
                raise SplitError(
                    f"Outside one fold every track is {_listed(constant)}, so its absence can't "
                    "be learnt. Leave it out of --genres, or choose more genres."
                )
            if lacking:
                raise SplitError(
                    f"All tracks of {_listed(lacking)} fell into one fold, so it can't be judged. "
                    "Leave it out of --genres, choose another seed, or add music of it."
                )


def _names(genres: Sequence[str], which: npt.NDArray[np.bool_]) -> list[str]:
    return [genre for genre, on in zip(genres, which, strict=True) if on]


def _listed(genres: Sequence[str]) -> str:
    return ", ".join(repr(genre) for genre in genres)

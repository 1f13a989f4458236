"""What a split lets through from train to test, and what can be scored without listening.

The artist-prior baseline never listens: it gives a track the shares of each genre among its
artist's tracks in train, else its album's, else everybody's. A model below it has shown nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from genre_engine.splits import PARTS, Split

Labels = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float64]

_THRESHOLDS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class ArtistPrior:
    """The artist-prior baseline's scores on a split's held-out part.

    Attributes:
        threshold: one for all genres: it maximises macro F1 on `threshold_from`.
        threshold_from: `validation` where there is one, else `train` (each track left out of its
            own artist's share).
        f1_macro: over the genres that occur in the held-out part.
        average_precision_macro, roc_auc_macro: over the genres where they are defined, else None.
        prevalence: mean share of the genres, what average precision reaches by chance.
    """

    threshold: float
    threshold_from: str
    f1_macro: float
    average_precision_macro: float | None
    roc_auc_macro: float | None
    prevalence: float


@dataclass(frozen=True)
class Leakage:
    """What a split lets through.

    Attributes:
        held_out: `test`, or `validation` where a split has no test.
        artist_overlap: share of held-out tracks whose artist is also in train; None if no artist
            is known.
        album_overlap: the same for albums.
        duplicate_groups: groups of byte-identical audio that lie in more than one part; None where
            no checksum is known.
        artist_prior: None where there is nothing to train on or to judge by.
    """

    held_out: str
    artist_overlap: float | None
    album_overlap: float | None
    duplicate_groups: int | None
    artist_prior: ArtistPrior | None


def measure(tracks: pd.DataFrame, y: Labels, split: Split) -> Leakage:
    """Measure a split of tracks [n] with labels [n, n_genres]."""
    held_out = held_out_part(split)
    return Leakage(
        held_out,
        overlap(tracks["artist_id"], split),
        overlap(tracks["album_id"], split),
        duplicate_groups(tracks["sha256"], split),
        artist_prior(tracks, y, split),
    )


def held_out_part(split: Split) -> str:
    return "test" if (split.part == "test").any() else "validation"


def overlap(ids: pd.Series, split: Split) -> float | None:
    """Share of held-out tracks whose artist (or album) is also in train.

    None where no id is known or a part is empty. Tracks without id count as not overlapping.
    """
    held_out = ids[split.part == held_out_part(split)]
    train = ids[split.part == "train"].dropna()
    if held_out.isna().all() or train.empty:
        return None
    return float((held_out.isin(set(train)) & held_out.notna()).mean())


def fold_overlap(ids: pd.Series, fold: npt.NDArray[np.intp]) -> float | None:
    """Share of tracks whose artist is also in another fold; None where no artist is known.

    >>> fold_overlap(pd.Series(["u", "u", "v", "v"]), np.array([0, 1, 1, 1]))
    0.5
    """
    if ids.isna().all():
        return None
    in_folds = pd.Series(fold).groupby(ids.to_numpy()).transform("nunique")
    return float((in_folds.fillna(1) > 1).mean())


def duplicate_groups(sha256: pd.Series, split: Split) -> int | None:
    """How many groups of byte-identical audio lie in more than one part."""
    if sha256.isna().all():
        return None
    frame = pd.DataFrame({"sha256": sha256.to_numpy(), "part": split.part})
    frame = frame[(frame["part"] != "") & frame["sha256"].notna()]
    return int((frame.groupby("sha256")["part"].nunique() > 1).sum())


def artist_prior_scores(tracks: pd.DataFrame, y: Labels, train: npt.NDArray[np.bool_]) -> Scores:
    """The artist-prior baseline's scores [n, n_genres] for all tracks.

    A track in train is left out of the shares it is given: else the only track of an artist would
    predict itself.

    Args:
        train: bool [n], the tracks whose labels are known to the predictor.
    """
    own = np.where(train[:, None], y, 0).astype(float)
    n_train = int(train.sum())
    sums, n = own.sum(axis=0) - own, n_train - train.astype(float)
    scores: Scores = sums / np.maximum(n, 1)[:, None]
    for column in ("album_id", "artist_id"):
        codes, names = pd.factorize(tracks[column])
        if not len(names):
            continue
        known = codes >= 0
        at = np.where(known, codes, 0)
        inside = train & known
        totals = np.stack(
            [np.bincount(at[inside], weights=g[inside], minlength=len(names)) for g in y.T], axis=1
        )
        members = np.bincount(at[inside], minlength=len(names))
        n = members[at] - train
        use = known & (n > 0)
        scores[use] = (totals[at[use]] - own[use]) / n[use, None]
    return scores


def artist_prior(tracks: pd.DataFrame, y: Labels, split: Split) -> ArtistPrior | None:
    """Score the artist-prior baseline on a split's held-out part."""
    train, held_out = split.part == "train", split.part == held_out_part(split)
    if not train.any() or not held_out.any():
        return None
    scores = artist_prior_scores(tracks, y, train)
    separate = (split.part == "validation").any() and held_out_part(split) == "test"
    chooser = "validation" if separate else "train"
    choosing = split.part == chooser
    f1 = [macro_f1(y[choosing], scores[choosing] >= t) for t in _THRESHOLDS[1:]]
    threshold = float(_THRESHOLDS[1:][int(np.argmax(f1))])
    truth, guess = y[held_out], scores[held_out]
    defined = (truth.any(axis=0)) & (~truth.all(axis=0))
    precision, auc = None, None
    if defined.any():
        from sklearn.metrics import average_precision_score, roc_auc_score

        precision = float(average_precision_score(truth[:, defined], guess[:, defined]))
        auc = float(roc_auc_score(truth[:, defined], guess[:, defined]))
    return ArtistPrior(
        threshold,
        chooser,
        macro_f1(truth, guess >= threshold),
        precision,
        auc,
        float(truth[:, truth.any(axis=0)].mean()),
    )


def macro_f1(truth: Labels, guess: npt.NDArray[np.bool_]) -> float:
    """Mean F1 over the genres that occur in `truth`; 0 where nothing is right."""
    hits = (guess & (truth == 1)).sum(axis=0)
    marked = guess.sum(axis=0) + truth.sum(axis=0)
    occurring = truth.any(axis=0)
    if not occurring.any():
        return 0.0
    return float((2 * hits[occurring] / marked[occurring]).mean())


def uploader_agreement(
    genre_lists: Sequence[Sequence[str]], sha256: Sequence[Any], genres: Sequence[str]
) -> dict[str, float | int] | None:
    """How far people agree who uploaded the same audio: a ceiling for every model.

    Returns:
        `pairs` of byte-identical tracks, `same_genres` (share of pairs whose genres are all the
        same), and over the pairs that carry any of `genres` (`labelled_pairs`) the
        `f1` (micro) with which one's labels predict the other's. None where there is no pair.
    """
    members: dict[str, list[int]] = {}
    for row, digest in enumerate(sha256):
        if isinstance(digest, str):
            members.setdefault(digest, []).append(row)
    wanted = set(genres)
    pairs = same = labelled = hits = marks = 0
    for rows in members.values():
        for one, other in combinations(rows, 2):
            pairs += 1
            left, right = set(genre_lists[one]), set(genre_lists[other])
            same += left == right
            left, right = left & wanted, right & wanted
            if left or right:
                labelled += 1
                hits += 2 * len(left & right)
                marks += len(left) + len(right)
    if not pairs:
        return None
    agreement: dict[str, float | int] = {
        "pairs": pairs,
        "same_genres": same / pairs,
        "labelled_pairs": labelled,
    }
    if marks:
        agreement["f1"] = hits / marks
    return agreement


def part_counts(y: Labels, split: Split, genres: Sequence[str]) -> pd.DataFrame:
    """Tracks per genre (rows) and part (columns, as in PARTS)."""
    columns = {part: y[split.part == part].sum(axis=0, dtype=int) for part in PARTS}
    return pd.DataFrame(columns, index=list(genres))

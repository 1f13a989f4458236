"""What can be scored without a model: the figures beside which a model's stand.

    always_negative   says no genre
    always_positive   says every genre
    training_prior    gives every track each genre's share in train, as a constant score
    most_frequent     says the k most common genres of train, k chosen on validation
    prior_random      says each genre as often as train has it, at random
    artist_prior              knows the artist and never listens (`leakage.artist_prior_scores`)

A baseline says what it says as decisions, and ranks by its scores; one that says yes or no has
scores of 1 and 0. It has no best-ranked genre where it ranks all alike: its `top1` is null.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genre_engine.errors import WrongUsage
from genre_engine.metrics.arrays import Flags, Floats, most_probable
from genre_engine.metrics.thresholds import choose_global

NAMES = (
    "always_negative",
    "always_positive",
    "training_prior",
    "most_frequent",
    "prior_random",
    "artist_prior",
)
WITHOUT_TRAINING = ("always_negative", "always_positive")


@dataclass(frozen=True, eq=False)
class Baseline:
    """What a predictor that doesn't listen gives each track.

    Attributes:
        scores: float [n, n_genres].
        decisions: bool [n, n_genres].
    """

    scores: Floats
    decisions: Flags


def without_training(n: int, n_genres: int, *, task: str = "multilabel") -> dict[str, Baseline]:
    """The two that need to know nothing."""
    none, every = np.zeros((n, n_genres)), np.ones((n, n_genres))
    scores = (none, every)
    if task != "multilabel":
        # One of the genres is true: who prefers none says that all are as probable.
        even = np.full((n, n_genres), 1 / n_genres)
        scores = (even, even)
    return {
        "always_negative": Baseline(scores[0], none.astype(bool)),
        "always_positive": Baseline(scores[1], every.astype(bool)),
    }


def no_skill(
    y_train: Any,
    y_validation: Any,
    n_test: int,
    genres: Sequence[str],
    *,
    task: str = "multilabel",
    seed: int = 0,
) -> dict[str, Baseline]:
    """All but the artist-prior baseline, for n_test tracks.

    Args:
        y_train: zeros and ones [n, n_genres].
        y_validation: the same of what thresholds are chosen on; may be empty, then train is taken.

    Raises:
        WrongUsage: nothing to train on, or other columns than genres.

    >>> sorted(no_skill([[1, 0], [1, 1]], [[1, 0]], 5, ["jazz", "rock"]))
    ['always_negative', 'always_positive', 'most_frequent', 'prior_random', 'training_prior']
    """
    train, validation = _labels(y_train, genres), _labels(y_validation, genres)
    if not len(train):
        raise WrongUsage("There is no track in train, so the baselines have nothing to go by.")
    single = task != "multilabel"
    prior = train.mean(axis=0)
    constant = np.tile(prior, (n_test, 1))
    k = 1 if single else _best_k(prior, validation if len(validation) else train)
    chosen = np.zeros(len(genres))
    chosen[np.argsort(-prior, kind="stable")[:k]] = 1
    frequent = np.tile(chosen, (n_test, 1))
    rng = np.random.default_rng(seed)
    if single:
        random = np.eye(len(genres))[rng.choice(len(genres), n_test, p=prior / prior.sum())]
    else:
        random = (rng.random((n_test, len(genres))) < prior).astype(float)
    return without_training(n_test, len(genres), task=task) | {
        "training_prior": Baseline(
            constant, most_probable(constant) if single else constant >= 0.5
        ),
        "most_frequent": Baseline(frequent, frequent.astype(bool)),
        "prior_random": Baseline(random, random.astype(bool)),
    }


def artist_prior(
    y_validation: Any,
    scores_validation: Any,
    scores: Any,
    genres: Sequence[str],
    *,
    task: str = "multilabel",
) -> Baseline:
    """The artist-prior baseline with a threshold from validation, like a model's.

    Args:
        y_validation: zeros and ones [m, n_genres].
        scores_validation: `leakage.artist_prior_scores` of the same tracks.
        scores: those of the tracks that are judged, [n, n_genres].
    """
    scores = np.asarray(scores, float)
    if task != "multilabel":
        return Baseline(scores, most_probable(scores))
    threshold = choose_global(y_validation, scores_validation, genres)
    return Baseline(scores, scores >= threshold)


def _labels(y: Any, genres: Sequence[str]) -> Flags:
    labels = np.asarray(y).astype(bool)
    if labels.ndim != 2 or labels.shape[1] != len(genres):
        raise WrongUsage(
            f"Shape of the labels: {labels.shape}. It must be (tracks, {len(genres)} genres)."
        )
    return labels


def _best_k(prior: Floats, y: Flags) -> int:
    """How many of the most common genres to say, for the highest micro F1 on validation."""
    ranked = y[:, np.argsort(-prior, kind="stable")]
    hits = np.cumsum(ranked.sum(axis=0))
    predicted = np.arange(1, len(prior) + 1) * len(y)
    return int(np.argmax(2 * hits / (predicted + ranked.sum()))) + 1

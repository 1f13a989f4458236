"""Whether a probability of 0.7 comes true seven times in ten, and its correction where not.

Class weights, focal loss, mixup and label smoothing all bend probabilities. Platt's scaling bends
them back: `sigmoid(slope · logit(p) + offset)`, with an offset for each genre and one slope for
all, learnt on the threshold set. It is kept only where it helps on artists that it wasn't learnt
from: on a small set the scaling itself is further off than the probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genre_engine.errors import WrongUsage
from genre_engine.metrics.arrays import Flags, Floats, Judged
from genre_engine.metrics.bootstrap import groups_of

BINS = 10
_CLIP = 1e-6
# Parts that the threshold set is divided into, to see whether scaling helps.
_FOLDS = 5
_Z = 1.959963984540054  # 95 %


@dataclass(frozen=True, eq=False)
class Platt:
    """Slope and offsets that were learnt.

    Attributes:
        slope: above 0; 1 leaves the spread of the probabilities as it is.
        offsets: float [n_genres].
        single: whether a track has one genre: then rows go through a softmax and add up to 1.
        kept: whether scaling helped on artists that it wasn't learnt from; where it didn't, slope
            and offsets leave the probabilities as they are.
    """

    slope: float
    offsets: Floats
    single: bool = False
    kept: bool = True

    def apply(self, p: Any) -> Floats:
        """Calibrated probabilities [n, n_genres]; the order within a genre stays."""
        scores = self.slope * _scores(np.asarray(p, float), self.single) + self.offsets
        return _softmax(scores) if self.single else _sigmoid(scores)

    def to_dict(self) -> dict[str, Any]:
        return {
            "slope": self.slope,
            "offsets": self.offsets.tolist(),
            "single": self.single,
            "kept": self.kept,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Platt":
        return cls(
            float(stored["slope"]),
            np.asarray(stored["offsets"], float),
            bool(stored.get("single", False)),
            bool(stored.get("kept", True)),
        )


def fit(judged: Judged) -> Platt:
    """Learn slope and offsets; a weak prior keeps genres without tracks sane."""
    from scipy.optimize import minimize

    x = _scores(judged.p, judged.single)
    y = judged.y.astype(float)
    if not judged.single:
        # Platt's targets: nobody is surer than the number of examples allows.
        n, positives = len(y), y.sum(axis=0)
        y = np.where(judged.y, (positives + 1) / (positives + 2), 1 / (n - positives + 2))
    start = np.r_[1.0, np.zeros(y.shape[1])]
    found = minimize(
        _loss,
        start,
        args=(x, y, judged.single),
        method="trust-exact",
        jac=lambda *at: _slopes(*at)[0],
        hess=lambda *at: _slopes(*at)[1],
        options={"gtol": 1e-8 * len(y)},
    )
    at = found.x
    # A model that is worse than chance would be turned over; its order is left alone instead.
    return Platt(max(float(at[0]), 1e-3), at[1:], judged.single)


def fit_if_better(judged: Judged, groups: Sequence[Any] | None = None) -> Platt:
    """Learn slope and offsets where that helps on artists that they weren't learnt from; elsewhere
    the probabilities stay as they are.

    Args:
        groups: the artist of each track, null where unknown (then a track counts as its own).

    Each fifth of the artists is scored by what was learnt from the others; the mean loss must be
    below that of the probabilities as they are.
    """
    of = groups_of(groups, len(judged.y)).of
    n_groups = int(of.max()) + 1
    unchanged = Platt(1.0, np.zeros(judged.y.shape[1]), judged.single, kept=False)
    if n_groups < _FOLDS:
        return unchanged
    fold = np.random.default_rng(0).permutation(np.arange(n_groups) % _FOLDS)[of]
    scaled = np.empty(judged.p.shape)
    for number in range(_FOLDS):
        out = fold == number
        rest = Judged(judged.y[~out], judged.p[~out], judged.genres, judged.task)
        scaled[out] = fit(rest).apply(judged.p[out])
    better = _cross_entropy(judged, scaled) < _cross_entropy(judged, judged.p)
    return fit(judged) if better else unchanged


def _cross_entropy(judged: Judged, p: Any) -> float:
    p = np.clip(np.asarray(p, float), _CLIP, 1 - _CLIP)
    right = np.log(np.where(judged.y, p, 1.0 if judged.single else 1 - p))
    return float(-right.sum())


# Strength of the prior around slope 1 and offsets 0, in tracks.
_PRIOR = 0.1


def _loss(at: Floats, x: Floats, y: Floats, single: bool) -> float:
    scores = at[0] * x + at[1:]
    if single:
        top = scores.max(axis=1)
        total = (
            np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top - (y * scores).sum(axis=1)
        ).sum()
    else:
        total = (np.logaddexp(0, scores) - y * scores).sum()
    return float(total + _PRIOR / 2 * ((at[0] - 1) ** 2 + (at[1:] ** 2).sum()))


def _slopes(at: Floats, x: Floats, y: Floats, single: bool) -> tuple[Floats, Floats]:
    """Gradient [1 + g] and curvature [1 + g, 1 + g] of the loss."""
    scores = at[0] * x + at[1:]
    q = _softmax(scores) if single else _sigmoid(scores)
    off = q - y
    gradient = np.r_[(off * x).sum(), off.sum(axis=0)]
    g = x.shape[1]
    curvature = np.zeros((1 + g, 1 + g))
    if single:
        mean = (q * x).sum(axis=1)
        curvature[0, 0] = (q * x**2).sum() - (mean**2).sum()
        curvature[0, 1:] = curvature[1:, 0] = (q * (x - mean[:, None])).sum(axis=0)
        curvature[1:, 1:] = np.diag(q.sum(axis=0)) - q.T @ q
    else:
        w = q * (1 - q)
        curvature[0, 0] = (w * x**2).sum()
        curvature[0, 1:] = curvature[1:, 0] = (w * x).sum(axis=0)
        curvature[1:, 1:] = np.diag(w.sum(axis=0))
    gradient += _PRIOR * (at - np.r_[1.0, np.zeros(g)])
    return gradient, curvature + _PRIOR * np.eye(1 + g)


@dataclass(frozen=True, eq=False)
class Reliability:
    """Predicted probability against observed frequency, in bins of equal count.

    Attributes:
        predicted: float [bins], mean probability.
        observed: float [bins], share that is true.
        low, high: float [bins], Wilson's 95 % interval of the share.
        n: float [bins], how many.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    n: Floats

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance, weighted by count."""
        return float((self.n * np.abs(self.predicted - self.observed)).sum() / self.n.sum())


def reliability(y: Any, p: Any, bins: int = BINS) -> Reliability:
    """The reliability curve of one genre (or of all cells): y and p of the same shape.

    Bins hold about equally many; equal probabilities stay in one bin, so there may be fewer bins.
    """
    truth: Flags = np.asarray(y).astype(bool).ravel()
    scores: Floats = np.asarray(p, float).ravel()
    if not len(truth) or truth.shape != scores.shape:
        raise WrongUsage("A reliability curve needs as many truths as probabilities, at least one.")
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1]))
    at = np.searchsorted(edges, scores, side="right")
    counted = np.bincount(at, minlength=len(edges) + 1)
    filled = counted > 0
    n: Floats = counted[filled].astype(float)
    predicted = np.bincount(at, scores, len(filled))[filled] / n
    share = np.bincount(at, truth, len(filled))[filled] / n
    low, high = wilson(share, n)
    return Reliability(predicted, share, low, high, n)


def wilson(share: Any, n: Any) -> tuple[Floats, Floats]:
    """Wilson's 95 % interval of a share of n."""
    share, n = np.asarray(share, float), np.asarray(n, float)
    below = 1 + _Z**2 / n
    centre = (share + _Z**2 / (2 * n)) / below
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / below
    # At shares of 0 and 1 an end is the share itself, but for rounding.
    return np.clip(centre - half, 0, share), np.clip(centre + half, share, 1)


def brier(y: Any, p: Any) -> float:
    """Mean squared distance of probability and truth over all cells."""
    return float(((np.asarray(p, float) - np.asarray(y, float)) ** 2).mean())


def ece(y: Any, p: Any, bins: int = BINS) -> float:
    """Expected calibration error over all cells, in bins of equal count."""
    return reliability(y, p, bins).error


def summary(judged: Judged) -> dict[str, float]:
    """Both figures of a judgement."""
    return {"brier": brier(judged.y, judged.p), "ece": ece(judged.y, judged.p)}


def _scores(p: Floats, single: bool) -> Floats:
    p = np.clip(p, _CLIP, 1 - _CLIP)
    return np.log(p) if single else np.log(p / (1 - p))


def _sigmoid(scores: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(scores / 2))


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = powers / powers.sum(axis=1, keepdims=True)
    return result

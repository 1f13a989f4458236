"""What more tracks would bring, from a learning curve: a power law with a ceiling.

    score(n) = a + b · n^-c,  a at most 1, c one of EXPONENTS

It is fitted to the means of the trainings on each share, and for each draw of the bootstrap (the
same draws at every share, one of its trainings at random) with all exponents that fit about as well
as the best, which gives the interval of what more tracks would bring. A genre rises where that
interval lies above zero. All genres grow together along the curve, so some of what a genre's own
songs seem to bring may be due to the others'.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_engine import metrics
from genre_engine.metrics.metric import METRICS

SCORE = "average_precision.macro"
EXPONENTS = (0.25, 0.5, 1.0, 2.0)
# Three numbers are fitted, over at least such a range of tracks.
LEAST_POINTS = 4
_LEAST_RANGE = 2.0
# A smaller gain isn't worth a word, nor is one that rests on so few judged tracks of the genre.
LEAST_GAIN = 0.005
LEAST_JUDGED = 5
# The second genre is named where it would gain at least so much of the first's gain.
_NEXT = 0.6
_TAIL = 0.025
_AS_GOOD = 2.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a share of the tracks: one training, or one for each fold.

    Attributes:
        share: percent.
        repeat: which choice of the tracks, from 0.
        tracks: learnt from; with folds, their mean.
        of_genres: float [n_genres], how many of them carry each genre.
        report: on the judged tracks, the same for all outcomes.
    """

    share: int
    repeat: int
    tracks: float
    of_genres: Floats
    report: metrics.Report


GENRE_SCORE = "average_precision"


def drawn_of_genre(one: Outcome, index: int) -> Floats:
    """The draws of a genre's average precision."""
    assert one.report.draws is not None  # noqa: S101 - for the type checker
    found: Floats = one.report.draws.figures.per_genre[GENRE_SCORE][:, index]
    return found


def score_of_genre(one: Outcome, index: int) -> float:
    """A genre's average precision; NaN where it isn't defined."""
    return float(one.report.figures.per_genre[GENRE_SCORE][0, index])


def power_law(n: Floats, scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Fit score(n) = a + b · n^-c to each row with each of EXPONENTS, by least squares, a ≤ 1.

    Args:
        n: float [rows, points], numbers of tracks.
        scores: float [rows, points].

    Returns:
        a, b and the sum of squared errors, each float [exponents, rows]; a row without a range of n
        gets b = 0.

    >>> n = np.array([[10.0, 40.0, 90.0, 160.0]])
    >>> a, b, error = power_law(n, 0.9 - 2 / np.sqrt(n))
    >>> best = int(error[:, 0].argmin())
    >>> EXPONENTS[best], float(a[best, 0].round(6)), float(b[best, 0].round(6))
    (0.5, 0.9, -2.0)
    """
    found = []
    for exponent in EXPONENTS:
        x = n**-exponent
        away = x - x.mean(axis=1, keepdims=True)
        spread = (away**2).sum(axis=1)
        b = np.divide(
            (away * scores).sum(axis=1), spread, out=np.zeros(len(n)), where=spread > 1e-18
        )
        a = scores.mean(axis=1) - b * x.mean(axis=1)
        # No score goes beyond 1: where the free line would, the one that ends there is fitted.
        over = a > 1
        a[over] = 1.0
        b[over] = (x * (scores - 1)).sum(axis=1)[over] / (x**2).sum(axis=1)[over]
        found.append((a, b, ((scores - a[:, None] - b[:, None] * x) ** 2).sum(axis=1)))
    a, b, error = (np.stack(part) for part in zip(*found, strict=True))
    return a, b, error


def _gain(
    by_share: Sequence[Sequence[Outcome]],
    tracks: Callable[[Outcome], float],
    value: Callable[[Outcome], float],
    draws: Callable[[Outcome], Floats],
    more: float,
) -> dict[str, Any] | None:
    """What `more` tracks would bring; None where that can't be said from these points."""
    n = np.array([[np.mean([tracks(one) for one in of]) for of in by_share]])
    scores = np.array([[np.mean([value(one) for one in of]) for of in by_share]])
    if len(np.unique(n)) < LEAST_POINTS or n.max() < _LEAST_RANGE * n.min() or n.min() <= 0:
        return None
    if not np.isfinite(scores).all() or by_share[-1][0].report.draws is None:
        return None
    now, at = float(scores[0, -1]), float(n[0, -1])
    rng = np.random.default_rng(0)
    drawn_n, drawn_scores = [], []
    for of in by_share:
        of_all = np.stack([draws(one) for one in of])
        which = rng.integers(0, len(of), of_all.shape[1])
        drawn_scores.append(of_all[which, np.arange(of_all.shape[1])])
        drawn_n.append(np.array([tracks(one) for one in of])[which])
    rises, error = _rises(np.stack(drawn_n, axis=1), np.stack(drawn_scores, axis=1), at, more)
    # So few points fit several exponents about as well: all these count.
    gains = rises[np.isfinite(rises) & (error <= _AS_GOOD * error.min(axis=0))]
    if not len(gains):
        return None
    of_means, error = _rises(n, scores, at, more)
    gain = min(float(of_means[error.argmin(), 0]), 1 - now)
    low, high = (float(x) for x in np.quantile(gains, (_TAIL, 1 - _TAIL)))
    return {
        "tracks": round(at, 1),
        "from": now,
        "gain": gain,
        "interval": [low, min(high, 1 - now)],
        "rises": bool(low > 0 and gain >= LEAST_GAIN),
    }


def _rises(n: Floats, scores: Floats, at: float, more: float) -> tuple[Floats, Floats]:
    """What `more` tracks bring by each exponent, float [exponents, rows], and the errors."""
    _, b, error = power_law(n, scores)
    c = np.array(EXPONENTS)[:, None]
    return b * ((at + more) ** -c - at**-c), error


def doubling(by_share: Sequence[Sequence[Outcome]]) -> dict[str, Any] | None:
    """What twice as many tracks would bring; None where that can't be said.

    Args:
        by_share: outcomes of each share, from the smallest.
    """
    return _gain(
        by_share,
        lambda one: one.tracks,
        lambda one: float(one.report.figures.overall[SCORE][0]),
        lambda one: one.report.draws.figures.overall[SCORE],  # type: ignore[union-attr]
        by_share[-1][0].tracks,
    )


def advice(by_share: Sequence[Sequence[Outcome]], genres: Sequence[str]) -> dict[str, Any]:
    """Which genre more songs would help most; see `learning_curve` for what is in it."""
    last = by_share[-1][0]
    songs = _round_number(float(np.median(last.of_genres)) / 4)
    rows: dict[str, Any] = {}
    for index, genre in enumerate(genres):
        rows[genre] = None
        if int(last.report.judged.y[:, index].sum()) >= LEAST_JUDGED:
            rows[genre] = _gain(
                by_share,
                lambda one, at=index: float(one.of_genres[at]),  # type: ignore[misc]
                lambda one, at=index: score_of_genre(one, at),  # type: ignore[misc]
                lambda one, at=index: drawn_of_genre(one, at),  # type: ignore[misc]
                songs,
            )
    rising = [genre for genre, row in rows.items() if row and row["rises"]]
    rising.sort(key=lambda genre: -rows[genre]["gain"])
    best = [g for g in rising[:2] if rows[g]["gain"] >= _NEXT * rows[rising[0]]["gain"]]
    # Who might gain more than those, were there more tracks to be sure by.
    least = max(rows[best[0]]["gain"] if best else 0.0, LEAST_GAIN)
    unsure = {g: row["gain"] for g, row in rows.items() if row and not row["rises"]}
    perhaps = max(unsure, key=lambda genre: unsure[genre], default=None)
    if perhaps is not None and unsure[perhaps] <= least:
        perhaps = None
    found = {"songs": songs, "genres": rows, "best": best, "perhaps": perhaps}
    return found | {"text": advice_text(found, _why_not(by_share, rows))}


def _round_number(wanted: float) -> int:
    """1, 2 or 5 times a power of ten, at least 5.

    >>> [_round_number(x) for x in (0.2, 7, 18, 60)]
    [5, 5, 20, 50]
    """
    steps = [m * 10**e for e in range(6) for m in (1, 2, 5)]
    return int(max(5, min(steps, key=lambda step: abs(np.log(step / max(wanted, 0.1))))))


def _why_not(by_share: Sequence[Sequence[Outcome]], rows: Mapping[str, Any]) -> str:
    """Why nothing can be said, in words; "" where something can."""
    if any(rows.values()):
        return ""
    last = by_share[-1][0].report
    if last.draws is None:
        over = "artists" if last.groups.over == "artists" else "tracks"
        return (
            f"The curve is judged on {len(last.judged.y)} tracks"
            + (f" by {len(last.groups.sizes)} artists" if over == "artists" else "")
            + ": too few to say how far a score could be off, so no genre is named."
        )
    sizes = {round(float(np.mean([one.tracks for one in of])), 1) for of in by_share}
    if len(sizes) < LEAST_POINTS or max(sizes) < _LEAST_RANGE * min(sizes):
        return (
            f"Which genre needs songs most can be said once {LEAST_POINTS} sizes are measured, the "
            "largest at least twice the smallest."
        )
    return "Too few judged tracks carry any one genre to say which needs songs most."


def advice_text(
    advice: Mapping[str, Any], why_not: str = "", name: Callable[[str], str] = str
) -> str:
    """The advice as a sentence or two.

    Args:
        why_not: why there is none.
        name: how a genre is shown.
    """
    if why_not:
        return why_not
    rows, songs = advice["genres"], advice["songs"]
    perhaps = ""
    if (unsure := advice["perhaps"]) is not None:
        perhaps = (
            f" {name(unsure)[:1].upper()}{name(unsure)[1:]} may gain more (about "
            f"{rows[unsure]['gain']:.2f}), but its tracks are too few to be sure."
        )
    if not advice["best"]:
        return (
            f"No genre's curve clearly rises any more: {songs} more songs of any one genre would "
            "bring less than these tracks can show. Other features, another model or cleaner "
            f"labels may bring more.{perhaps}"
        )
    first, *others = advice["best"]
    row = rows[first]
    said = (
        f"{songs} more songs of {name(first)} would help most: its average precision, "
        f"{row['from']:.2f} with {row['tracks']:,.0f} songs, would rise by about "
        f"{row['gain']:.2f} ({row['interval'][0]:.2f} to {row['interval'][1]:.2f})."
    )
    for other in others:
        said += f" Next is {name(other)}, by about {rows[other]['gain']:.2f}."
    return said + perhaps


def doubling_text(found: Mapping[str, Any] | None) -> str:
    """What twice as many tracks would bring, in a sentence; "" where that can't be said."""
    if found is None:
        return ""
    label = METRICS[SCORE].label
    n, now, (low, high) = found["tracks"], found["from"], found["interval"]
    if not found["rises"]:
        return (
            f"The curve is flat, or too uncertain to say that it rises: twice as many tracks "
            f"({2 * n:,.0f}) would change {label[0].lower() + label[1:]} ({now:.2f}) by "
            f"{low:+.2f} to {high:+.2f}."
        )
    return (
        f"Twice as many tracks ({2 * n:,.0f}) would bring {label[0].lower() + label[1:]} from "
        f"{now:.2f} to about {now + found['gain']:.2f} ({now + low:.2f} to {now + high:.2f})."
    )

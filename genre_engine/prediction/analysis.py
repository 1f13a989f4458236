"""What is known of a song, and how others read it: as the elements of `classify --format json`, as
rows of CSV, and as plain values that can be kept.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_engine.prediction import vocabulary
from genre_engine.prediction.vocabulary import Detected, GenreScores
from genre_engine.storage import escape


@dataclass(frozen=True, eq=False)
class Analysis:
    """What a model says of one song; a snapshot while `share_heard` is below 1.

    Attributes:
        model: which one.
        duration_s: length of what decoded; while that isn't known yet, of what was decoded so far.
        starts_s, ends_s: `[windows]`, the windows that were heard, in the order of time.
        views: the genres' scores in each view.
        detected: what is detected besides genres, the surest first.
        networks: names of the pretrained networks that took part; none for a trained model.
        warnings: sentences on what makes the result less sure.
        share_heard: windows scored of those that are known, 0 to 1.
        calibrated: whether the scores are probabilities that come true as often as they say.
    """

    model: str
    duration_s: float
    starts_s: NDArray[np.float64]
    ends_s: NDArray[np.float64]
    views: dict[str, GenreScores]
    detected: tuple[Detected, ...]
    warnings: tuple[str, ...] = ()
    share_heard: float = 1.0
    calibrated: bool = False
    networks: tuple[str, ...] = ()

    def view(self, wanted: str) -> str:
        """The wanted view where there is one of that name, else the first."""
        return wanted if wanted in self.views else next(iter(self.views))

    def sentence(self, view: str) -> str:
        """The result in a few words: "Classical, clearly", or the genres that count as "yes".

        How far the first must be ahead to be clear depends on how many genres there are: of two,
        the better one is soon ahead. What warns makes it less sure.
        """
        scores = self.views[view]
        if scores.thresholds is not None:
            named = _listed([scores.genres[i] for i in scores.yes()])
            return f"Perhaps {_small(named)}" if self.warnings and scores.yes() else named
        first, second = scores.ranking()[:2]
        best, next_best = scores.song[first], scores.song[second]
        name = vocabulary.display_name(scores.genres[first])
        other = vocabulary.display_name(scores.genres[second])
        if best < scores.clear:
            return "No clear genre"
        if best - next_best < 0.04:
            return f"Between {name} and {other}"
        if self.warnings:
            return f"Perhaps {name}"
        if best >= 0.5 and best - next_best >= _AHEAD + _AHEAD_OF_ALL / len(scores.genres):
            return f"{name}, clearly"
        return f"Most likely {name}"

    def leader(self, view: str, before: str | None = None) -> str:
        """The genre to name while a song is being analysed, given the one that was named before:
        another takes its place only when it is ahead by a margin, so that the name doesn't flicker.
        """
        scores = self.views[view]
        best = int(scores.ranking()[0])
        if before in scores.genres:
            kept = scores.genres.index(before)
            if scores.song[best] - scores.song[kept] < _AHEAD:
                return before
        return scores.genres[best]


def _listed(genres: list[str]) -> str:
    """["pop", "rock"] → "Pop and rock"; with many, the rest is counted."""
    if not genres:
        return "No clear genre"
    first = vocabulary.display_name(genres[0])
    rest = [vocabulary.name_within(genre) for genre in genres[1:]]
    if len(rest) > _NAMED:
        rest = [*rest[: _NAMED - 1], f"{len(rest) - _NAMED + 1} more"]
    return " and ".join([", ".join([first, *rest[:-1]]), *rest[-1:]])


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


_NAMED = 3
# How far the first genre is ahead of the second where it is the clear one: so much, and more where
# there are few.
_AHEAD, _AHEAD_OF_ALL = 0.1, 0.6

# Columns of the CSV beside the genres; names are those of the JSON where both have them.
_BEFORE = ("file", "model", "view", "duration_s")
_AFTER = ("also_detected", "warnings", "error")


def element(
    analysis: Analysis,
    file: str | None,
    view: str,
    *,
    top: int | None = None,
    windows: bool = False,
) -> dict[str, Any]:
    """A classified song; its best `top` genres (None: all), with its windows where asked for."""
    scores = analysis.views[view]
    found = _empty(file, analysis.model, view)
    found["calibrated"] = analysis.calibrated
    found["duration_s"] = round(analysis.duration_s, 3)
    found["genres"] = [
        {"genre": scores.genres[i], "score": _rounded(scores.song[i])}
        for i in scores.ranking()[:top]
    ]
    if windows:
        times = zip(analysis.starts_s, analysis.ends_s, scores.by_window, strict=True)
        found["windows"] = [
            {
                "start_s": round(float(start), 3),
                "end_s": round(float(end), 3),
                "genres": dict(zip(scores.genres, map(_rounded, row), strict=True)),
            }
            for start, end, row in times
        ]
    found["warnings"] = list(analysis.warnings)
    return found


def failure(file: str | None, error: Exception, view: str, model: str) -> dict[str, Any]:
    """A song that could not be classified."""
    found = _empty(file, model, view)
    found["error"] = {"type": type(error).__name__, "message": str(error)}
    return found


def _empty(file: str | None, model: str, view: str) -> dict[str, Any]:
    return {
        "file": file,
        "model": model,
        "view": view,
        "calibrated": False,
        "duration_s": None,
        "genres": [],
        "warnings": [],
        "error": None,
    }


def _rounded(score: float) -> float:
    return round(float(score), 4)


def csv_header(top: int) -> list[str]:
    """Column names for rows with `top` genres."""
    pairs = [name for n in range(1, top + 1) for name in (f"genre_{n}", f"score_{n}")]
    return [*_BEFORE, *pairs, *_AFTER]


def csv_row(found: dict[str, Any], analysis: Analysis | None, top: int) -> list[Any]:
    """One song as a row; `analysis` is None where it failed."""
    pairs = [value for g in found["genres"][:top] for value in (g["genre"], g["score"])]
    cells = [
        *(found[name] for name in _BEFORE),
        *pairs,
        *[""] * (2 * top - len(pairs)),
        "; ".join(one.name for one in analysis.detected[:5]) if analysis else "",
        " ".join(found["warnings"]),
        found["error"]["message"] if found["error"] else "",
    ]
    return [escape.cell(value) if isinstance(value, str) else value for value in cells]


def dump(analysis: Analysis) -> dict[str, Any]:
    """An analysis as plain values, rounded to the digits that mean something."""
    return {
        "model": analysis.model,
        "duration_s": analysis.duration_s,
        "starts_s": analysis.starts_s.round(3).tolist(),
        "ends_s": analysis.ends_s.round(3).tolist(),
        "views": {
            name: {
                "genres": list(scores.genres),
                "song": scores.song.round(5).tolist(),
                "by_window": scores.by_window.round(4).tolist(),
                "clear": scores.clear,
                **_thresholds(scores),
            }
            for name, scores in analysis.views.items()
        },
        "detected": [asdict(one) for one in analysis.detected],
        "networks": list(analysis.networks),
        "warnings": list(analysis.warnings),
        "share_heard": analysis.share_heard,
        "calibrated": analysis.calibrated,
    }


def _thresholds(scores: GenreScores) -> dict[str, list[float]]:
    return {} if scores.thresholds is None else {"thresholds": scores.thresholds.tolist()}


def restore(values: Mapping[str, Any]) -> Analysis:
    """The analysis that `dump` made into plain values."""
    return Analysis(
        model=values["model"],
        duration_s=values["duration_s"],
        starts_s=np.array(values["starts_s"]),
        ends_s=np.array(values["ends_s"]),
        views={
            name: GenreScores(
                tuple(view["genres"]),
                np.array(view["song"]),
                np.array(view["by_window"]),
                np.array(view["thresholds"]) if "thresholds" in view else None,
                view["clear"],
            )
            for name, view in values["views"].items()
        },
        detected=tuple(Detected(**one) for one in values["detected"]),
        networks=tuple(values["networks"]),
        warnings=tuple(values["warnings"]),
        share_heard=values["share_heard"],
        calibrated=values["calibrated"],
    )

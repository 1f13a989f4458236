"""Truth and probabilities → Report: every figure of a judgement, and what to hold it against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from genre_engine.errors import WrongUsage
from genre_engine.metrics import baselines as no_skill
from genre_engine.metrics import bootstrap, calibration
from genre_engine.metrics.arrays import Flags, Floats, Judged, check, decide, thresholds_of
from genre_engine.metrics.baselines import Baseline
from genre_engine.metrics.bootstrap import Draws, Groups
from genre_engine.metrics.figures import NAMES, PER_GENRE, Figures, plain, sums

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Report:
    """All figures of one judgement; `to_dict` is the JSON of `evaluate`.

    Attributes:
        figures: of the model, each an array of one.
        thresholds: float [n_genres]; None where the most probable genre is predicted.
        baselines: figures of each no-skill baseline and the artist-prior one; None where training
            data would be needed.
        draws: of the bootstrap; None where there are too few tracks or artists, or none was asked.
        groups: what is drawn: the artists where they are known, else the tracks.
        run, part, artist_overlap: as they were given; None if they weren't.
        nested: float [n_tracks, n_genres], the thresholds that decided where those in `thresholds`
            were chosen on the same tracks; else None.
    """

    judged: Judged
    thresholds: Floats | None
    figures: Figures
    baselines: Mapping[str, Figures | None]
    draws: Draws | None
    groups: Groups
    calibration: dict[str, float] = field(default_factory=dict)
    run: str | None = None
    part: str | None = None
    artist_overlap: float | None = None
    nested: Floats | None = None

    @property
    def genres(self) -> tuple[str, ...]:
        return self.judged.genres

    @property
    def support(self) -> dict[str, int]:
        """Tracks that carry each genre."""
        return dict(zip(self.genres, self.judged.y.sum(axis=0).tolist(), strict=True))

    def figure(self, name: str) -> float | None:
        """One figure by a name of `figures.NAMES`, such as `f1.macro`."""
        return _number(self.figures.overall[name][0])

    def interval(self, name: str) -> list[float] | None:
        """Its 95 % interval."""
        return None if self.draws is None else self.draws.interval(self.draws.figures.overall[name])

    @property
    def undefined(self) -> dict[str, list[str]]:
        """Genres for which a figure isn't defined: left out of its macro mean, or counted as 0."""
        y = self.judged.y
        found: dict[str, Any] = {
            "precision": ~self.decisions.any(axis=0),
            "recall": ~y.any(axis=0),
            "f1": ~y.any(axis=0) & ~self.decisions.any(axis=0),
            "roc_auc": ~y.any(axis=0) | y.all(axis=0),
            "average_precision": ~y.any(axis=0),
        }
        return {
            name: [genre for genre, flag in zip(self.genres, flags, strict=True) if flag]
            for name, flags in found.items()
        }

    @cached_property
    def decisions(self) -> Flags:
        """bool [n_tracks, n_genres]: what was predicted."""
        values = self.nested if self.nested is not None else self.thresholds
        return decide(self.judged, values if values is not None else np.zeros(0))

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it: numbers, texts, null for what isn't defined or known."""
        return {
            "run": self.run,
            "part": self.part,
            "task": self.judged.task,
            "tracks": len(self.judged.y),
            "genres": list(self.genres),
            "support": self.support,
            **self._body(self.figures, self.decisions),
            "thresholds": self._thresholds(),
            "calibration": self.calibration,
            "undefined": self.undefined,
            "baselines": {
                name: None if found is None else self._body(found)
                for name, found in self.baselines.items()
            },
            "intervals": self._intervals(),
            "bootstrap": self._bootstrap(),
            "artist_overlap": self.artist_overlap,
        }

    def _body(self, figures: Figures, predicted: Any = None) -> dict[str, Any]:
        """The figures, nested as their names say, with those of each genre."""
        body = nested({name: _number(figures.overall[name][0]) for name in NAMES})
        rows: dict[str, dict[str, float | int | None]] = {}
        for index, (genre, support) in enumerate(self.support.items()):
            rows[genre] = {"support": support}
            if predicted is not None:
                rows[genre]["predicted"] = int(predicted[:, index].sum())
            rows[genre] |= {name: _number(figures.per_genre[name][0, index]) for name in PER_GENRE}
        return {**body, "per_genre": rows}

    def _thresholds(self) -> dict[str, Any] | None:
        if self.thresholds is None:
            return None
        values = [float(value) for value in self.thresholds]
        return {
            "global": values[0] if len(set(values)) == 1 else None,
            "per_genre": dict(zip(self.genres, values, strict=True)),
        }

    def _intervals(self) -> dict[str, Any] | None:
        if self.draws is None:
            return None
        per_genre, groups = self.draws.figures.per_genre, self.draws.groups
        # A genre's figures rest on the artists who have it.
        having = [len(np.unique(groups.of[column])) for column in self.judged.y.T]
        return {
            **nested({name: self.interval(name) for name in NAMES}),
            "per_genre": {
                genre: {
                    name: self.draws.interval(per_genre[name][:, index], n_groups=having[index])
                    for name in PER_GENRE
                }
                for index, genre in enumerate(self.genres)
            },
        }

    def _bootstrap(self) -> dict[str, Any] | None:
        if self.draws is None:
            return None
        groups = self.draws.groups
        return {
            "level": bootstrap.LEVEL,
            "over": groups.over,
            "groups": len(groups.sizes),
            "effective_groups": groups.effective,
            "draws": self.draws.n,
            "seed": self.draws.seed,
        }


def evaluate(
    y_true: Any,
    y_prob: Any,
    *,
    genres: Sequence[str],
    thresholds: Any = 0.5,
    nested: Floats | None = None,
    task: str = "multilabel",
    groups: Sequence[Any] | None = None,
    draws: int = bootstrap.DRAWS,
    seed: int = 0,
    baselines: Mapping[str, Any] | None = None,
    run: str | None = None,
    part: str | None = None,
    artist_overlap: float | None = None,
) -> Report:
    """Judge probabilities by the truth.

    Args:
        y_true: zeros and ones [n_tracks, n_genres].
        y_prob: probabilities [n_tracks, n_genres].
        genres: names of the columns.
        thresholds: one number, a number for each genre by name, or an array [n_genres]; a genre is
            predicted from its threshold on. For `multiclass` and `binary` the most probable genre
            is predicted and thresholds have no part.
        nested: thresholds float [n_tracks, n_genres] that decide instead: after cross-validation
            each track's were chosen without it. `thresholds` are then those to use from now on.
        task: `multilabel` (binary cross-entropy), `multiclass` or `binary` (two columns; both
            categorical cross-entropy).
        groups: the artist of each track, null where unknown: the bootstrap then draws artists.
        draws: of the bootstrap; 0 for no intervals.
        baselines: what else is judged on the same tracks, by name: `baselines.Baseline`s, or plain
            scores [n_tracks, n_genres], which get the model's thresholds. Always saying no and
            always saying yes are there by themselves.
        run, part, artist_overlap: what the report says about where it comes from.

    Raises:
        WrongUsage: something doesn't fit; the message says what.

    >>> y_true = [[1, 0], [0, 1], [1, 1]]
    >>> y_prob = [[0.9, 0.2], [0.4, 0.8], [0.6, 0.3]]
    >>> report = evaluate(y_true, y_prob, genres=["jazz", "rock"], draws=0)
    >>> round(report.to_dict()["f1"]["macro"], 3)
    0.833
    """
    judged = check(y_true, y_prob, genres, task)
    values = None if judged.single else thresholds_of(thresholds, judged.genres)
    if judged.single or (nested is not None and nested.shape != judged.y.shape):
        nested = None
    deciding = values if nested is None else nested
    decisions = decide(judged, deciding if deciding is not None else np.zeros(0))
    if part is not None and part not in PARTS:
        raise WrongUsage(f"There is no part {part!r}. Choose one of: {', '.join(PARTS)}.")
    prepared = sums(judged, decisions)
    drawn_over = bootstrap.groups_of(groups, len(judged.y))
    drawn = bootstrap.draw(prepared, drawn_over, n=draws, seed=seed)
    found: dict[str, Figures | None] = dict.fromkeys(no_skill.NAMES)
    known = no_skill.without_training(*judged.y.shape, task=task) | dict(baselines or {})
    for name, predictor in known.items():
        found[name] = _baseline_figures(name, predictor, judged, values)
    return Report(
        judged,
        values,
        plain(prepared),
        found,
        drawn,
        drawn_over,
        calibration.summary(judged),
        run,
        part,
        artist_overlap,
        nested,
    )


def _baseline_figures(
    name: str, predictor: Any, judged: Judged, thresholds: Floats | None
) -> Figures | None:
    if predictor is None:
        return None
    if not isinstance(predictor, Baseline):
        scores = np.asarray(predictor, float)
        if scores.shape != judged.y.shape:
            raise WrongUsage(
                f"Shape of the baseline {name!r}: {scores.shape}. The truth has {judged.y.shape}."
            )
        own = check(judged.y, scores, judged.genres)
        own = Judged(own.y, own.p, own.genres, judged.task)
        decisions = decide(own, thresholds if thresholds is not None else np.zeros(0))
        predictor = Baseline(own.p, decisions)
    if predictor.scores.shape != judged.y.shape or predictor.decisions.shape != judged.y.shape:
        raise WrongUsage(
            f"Shape of the baseline {name!r}: {predictor.scores.shape}. The truth has "
            f"{judged.y.shape}."
        )
    as_model = Judged(judged.y, predictor.scores, judged.genres, judged.task)
    figures = plain(sums(as_model, predictor.decisions))
    if judged.y.shape[1] > 1 and (np.ptp(predictor.scores, axis=1) == 0).all():
        figures.overall["accuracy.top1"] = np.array([np.nan])
    return figures


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """`{"f1.micro": 1}` → `{"f1": {"micro": 1}}`."""
    result: dict[str, Any] = {}
    for name, value in flat.items():
        group, dot, key = name.partition(".")
        if dot:
            result.setdefault(group, {})[key] = value
        else:
            result[group] = value
    return result


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None

"""Finished runs side by side: which is better, is the difference real, and what was set otherwise.

Runs are ranked together only where they answer the same question: the same tracks, the same truth,
the same genres, one task. Such runs form a board. Within a board the difference of two runs is
taken draw by draw, over the same artists for both (paired bootstrap), and where several pairs are
looked at, their p-values are Holm's.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from genre_engine import metrics
from genre_engine.datasets.feature_table import ROW
from genre_engine.errors import RunError, WrongUsage
from genre_engine.evaluation import repeats
from genre_engine.evaluation.differences import (
    DEFAULT_FIGURE,
    LEAST_DIFFERENCE,
    Difference,
    corrected,
    difference,
)
from genre_engine.evaluation.differing import differing_settings
from genre_engine.metrics.figures import NAMES
from genre_engine.metrics.metric import METRICS
from genre_engine.runs import Predictions, Run

# What a leader board can be sorted by.
FIGURES = (
    "average_precision.macro",
    "f1.macro",
    "f1.micro",
    "roc_auc.macro",
    "average_precision.micro",
    "roc_auc.micro",
    "accuracy.top1",
    "accuracy.labelwise",
    "accuracy.subset",
    "hamming_loss",
    "loss",
)
# Runs that agree in so many decimals share a place.
_DECIMALS = 3
# Settings of so many runs can be laid over each other as lines.
PARALLEL_FROM = 10


@dataclass(frozen=True, eq=False)
class Board:
    """Runs that may be ranked together, the best first.

    Attributes:
        reports: of each run, on the same tracks in the same order with the same draws.
        differences: of each pair.
    """

    dataset: str
    task: str
    genres: tuple[str, ...]
    n_tracks: int
    over: str
    runs: tuple[Run, ...]
    reports: Mapping[str, metrics.Report]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` prints.

    Attributes:
        apart: sentences on why runs are not ranked together.
        settings: what differs between the runs: by its name, each run's value by the run's name.
    """

    part: str
    figure: str
    runs: tuple[Run, ...]
    boards: tuple[Board, ...]
    apart: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]]

    def ranked_by(self, figure: str, least: float = LEAST_DIFFERENCE) -> "Comparison":
        """The same judgement, ranked by another figure; no new look at anything.

        Args:
            least: the least difference that matters, in the figure's own unit.

        Raises:
            WrongUsage: there is no such figure, or no such difference.
        """
        if not 0 <= least <= 1:
            raise WrongUsage(f"The least difference that matters is {least:g}. Choose 0 to 1.")
        if figure not in FIGURES:
            raise WrongUsage(f"There is no figure {figure!r}. Choose one of: {', '.join(FIGURES)}.")
        boards = tuple(_ranked(board, figure, least) for board in self.boards)
        return replace(self, figure=figure, boards=boards)

    def report(self, run: Run) -> metrics.Report:
        return next(board.reports[run.id] for board in self.boards if run.id in board.reports)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "part": self.part,
            "figure": self.figure,
            "runs": [self._run(run) for run in self.runs],
            "boards": [
                {
                    "dataset": board.dataset,
                    "task": board.task,
                    "genres": list(board.genres),
                    "tracks": board.n_tracks,
                    "bootstrap_over": board.over,
                    "ranking": [run.name for run in board.runs],
                    "places": places(
                        [board.reports[run.id].figure(self.figure) for run in board.runs]
                    ),
                    "differences": [
                        {
                            "ahead": difference.ahead,
                            "behind": difference.behind,
                            "difference": difference.value,
                            "interval": list(difference.interval) if difference.interval else None,
                            "p": difference.p,
                            "p_holm": difference.p_holm,
                            "real": difference.real,
                            "groups": difference.n_groups,
                            "least": difference.least,
                        }
                        for difference in board.differences
                    ],
                }
                for board in self.boards
            ],
            "repeats": [
                {
                    "runs": [run.name for run in group],
                    "seeds": [run.config.seed for run in group],
                    "same_tracks": len(self._boards_of(group)) == 1,
                    **_means({name: self.over_seeds(group, name) for name in NAMES}),
                }
                for group in self.repeated()
            ],
            "not_ranked_together": list(self.apart),
            "settings": {name: dict(values) for name, values in self.settings.items()},
        }

    def repeated(self) -> list[tuple[Run, ...]]:
        """Those of the runs that differ in their seed alone, together; see `repeats`."""
        return [group for group in repeats.grouped(self.runs) if len(group) > 1]

    def over_seeds(self, group: Sequence[Run], figure: str) -> repeats.Spread:
        """A figure's mean and standard deviation over runs of one recipe."""
        return repeats.spread([self.report(run).figure(figure) for run in group])

    def _boards_of(self, group: Sequence[Run]) -> list[Board]:
        ids = {run.id for run in group}
        return [board for board in self.boards if ids & set(board.reports)]

    def _run(self, run: Run) -> dict[str, Any]:
        report = self.report(run)
        best = best_epoch(run)
        return {
            "run": run.name,
            "id": run.id,
            "dataset": run.config.dataset,
            "model": run.config.model,
            "features": run.config.features.get("kind"),
            "split": run.config.split.get("kind"),
            "figures": {name: report.figure(name) for name in NAMES},
            "intervals": {name: report.interval(name) for name in NAMES},
            "best_epoch": None if best is None else best.get("epoch"),
        }


def compare(
    chosen: Sequence[Run],
    *,
    part: str = "validation",
    figure: str = DEFAULT_FIGURE,
    least: float = LEAST_DIFFERENCE,
) -> Comparison:
    """Lay finished runs side by side. On test, a look is counted in each run.

    Args:
        least: the least difference that matters, in the figure's own unit.

    Raises:
        WrongUsage: fewer than two runs, one named twice, no such part or figure.
        RunError: one hasn't finished, or its files are damaged.
    """
    if len(chosen) < 2:
        raise WrongUsage("One run can't be compared. Name two or more.")
    if len({run.id for run in chosen}) < len(chosen):
        raise WrongUsage("A run is named twice. Name each once.")
    if part not in ("validation", "test"):
        raise WrongUsage(f"There is no part {part!r} to judge. Choose validation or test.")
    keys = {run.id: question(run, part) for run in chosen}
    boards = tuple(
        _board([run for run in chosen if keys[run.id] == key], part)
        for key in dict.fromkeys(keys.values())
    )
    found = Comparison(
        part,
        figure,
        tuple(chosen),
        boards,
        _apart(boards, part),
        differing_settings(chosen),
    ).ranked_by(figure, least)
    if part == "test":  # after all that could be refused
        for run in chosen:
            run.add_look()
    return found


def question(run: Run, part: str = "validation") -> str:
    """A digest of what a run was asked: task, genres, and a part's tracks with their truth.

    Raises:
        RunError: the run hasn't finished, or its files are damaged.
    """
    predicted = run.predictions(part)
    order = np.argsort(np.asarray(predicted.track_ids, str), kind="stable")
    digest = hashlib.sha256()
    for text in (run.config.task, *run.config.genres):
        digest.update(text.encode() + b"\0")
    ids = _identities(run, predicted)
    digest.update("\0".join(ids[i] for i in order).encode("utf-8", "replace"))
    digest.update(np.ascontiguousarray(predicted.y[order]).tobytes())
    return digest.hexdigest()


def _identities(run: Run, predicted: Predictions) -> list[str]:
    """Its tracks, by names that no other tracks have: rows are only the same in one data set."""
    ids = predicted.track_ids
    if all(track.startswith(ROW) for track in ids):
        return [f"{run.config.dataset}/{track}" for track in ids]
    return ids


def _board(members: Sequence[Run], part: str) -> Board:
    first = members[0]
    shared = _sorted(first.predictions(part))
    groups = None if shared.groups is None else shared.groups.tolist()
    reports = {}
    for run in members:
        predicted = _sorted(run.predictions(part))
        reports[run.id] = metrics.evaluate(
            predicted.y,
            predicted.p,
            genres=run.config.genres,
            thresholds=_threshold(run),
            task=run.config.task,
            groups=groups,
            run=run.name,
            part=part,
        )
    draws = reports[first.id].draws
    return Board(
        first.config.dataset,
        first.config.task,
        first.config.genres,
        len(shared.track_ids),
        "nothing" if draws is None else draws.groups.over,
        tuple(members),
        reports,
        (),
    )


def places(values: Sequence[float | None]) -> list[int]:
    """Places of runs that are ranked already; those that look equal share one.

    >>> places([0.81, 0.7004, 0.7001, 0.5])
    [1, 2, 2, 4]
    """
    shown = [None if value is None else round(value, _DECIMALS) for value in values]
    return [shown.index(value) + 1 for value in shown]


def _ranked(board: Board, figure: str, least: float) -> Board:
    """The board with its runs and differences in the order of a figure."""
    sign = 1 if METRICS[figure].higher_is_better else -1

    def score(run: Run) -> float:
        value = board.reports[run.id].figure(figure)
        return -np.inf if value is None else sign * value

    ranked = tuple(sorted(board.runs, key=score, reverse=True))
    found = [
        difference(ahead, behind, board.reports, figure, sign, least)
        for ahead, behind in combinations(ranked, 2)
    ]
    known = [one for one in found if one is not None]
    return replace(board, runs=ranked, differences=corrected(known))


def _sorted(predicted: Predictions) -> Predictions:
    """In the order of the tracks' ids: then all runs of a board see the same draws."""
    order = np.argsort(np.asarray(predicted.track_ids, str), kind="stable")
    return Predictions(
        [predicted.track_ids[i] for i in order],
        predicted.y[order],
        predicted.p[order],
        None if predicted.groups is None else predicted.groups[order],
    )


def _threshold(run: Run) -> Any:
    stored = (run.report() or {}).get("thresholds")
    try:
        return 0.5 if stored is None else float(stored["global"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"report.json of the run {run.name!r} holds no thresholds. Train it again."
        ) from error


def _apart(boards: Sequence[Board], part: str) -> tuple[str, ...]:
    """Why boards are several: for each but the first, how it differs from the first."""
    if len(boards) < 2:
        return ()
    base = boards[0]
    said = []
    for board in boards[1:]:
        names = " and ".join(_names(board))
        reasons = []
        if board.task != base.task:
            reasons.append(f"another task ({board.task} instead of {base.task})")
        if board.genres != base.genres:
            reasons.append(f"other genres ({len(board.genres)} against {len(base.genres)})")
        mine, theirs = (_ids(one, part) for one in (board, base))
        if mine != theirs:
            reasons.append(
                f"other {part} tracks ({len(mine):,} against {len(theirs):,}, of which "
                f"{len(mine & theirs):,} are the same)"
            )
        elif not reasons:
            reasons.append("the same tracks with other labels")
        said.append(
            f"{names} can't be ranked with {' and '.join(_names(base))}: {', '.join(reasons)}."
        )
    return tuple(said)


def _names(board: Board) -> list[str]:
    return [run.name for run in board.runs]


def _ids(board: Board, part: str) -> set[str]:
    run = board.runs[0]
    return set(_identities(run, run.predictions(part)))


def _means(found: Mapping[str, repeats.Spread]) -> dict[str, dict[str, float | None]]:
    return {
        "mean": {name: spread.mean for name, spread in found.items()},
        "sd": {name: spread.sd for name, spread in found.items()},
    }


def best_epoch(run: Run) -> dict[str, Any] | None:
    """The epoch whose weights were kept: that of the lowest loss on validation; None for none."""
    epochs = [epoch for epoch in run.epochs() if epoch.get("val_loss") is not None]
    return min(epochs, key=lambda epoch: float(epoch["val_loss"]), default=None)

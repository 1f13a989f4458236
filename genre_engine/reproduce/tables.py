"""What was published beside what was found: the course project's two tables and all trainings."""

from dataclasses import dataclass
from typing import Any

from genre_engine.metrics.metric import METRICS
from genre_engine.reproduce.published import COURSE_PROJECT
from genre_engine.reproduce.stages import PARTS, STAGES
from genre_engine.reproduce.state import Reproduction

NOT_YET = "not yet run"
# Of what won't be there, by the state of its stage.
_ABSENT = {"failed": "failed", "skipped": "left out"}

# The project's two tables, by the figures of ours that answer its own.
TABLES: dict[str, tuple[str, ...]] = {
    "Scores": ("accuracy.labelwise", "loss", "roc_auc.micro", "hamming_loss"),
    "F1, precision, recall": (
        *("f1.micro", "precision.micro", "recall.micro"),
        *("f1.macro", "precision.macro", "recall.macro"),
    ),
}

# Columns beside the published figures: title, stage, and what of its output.
COLUMNS = (
    ("As it ran, 70/15/15", "multilabel-fcn-ran", "figures"),
    ("As described, 72/18/10", "multilabel-fcn", "figures"),
    ("Honest split", "honest-fcn", "figures"),
    ("95 % interval", "honest-fcn", "intervals"),
    ("Best no-skill", "honest-fcn", "no_skill"),
    ("Artist prior", "honest-fcn", "artist_prior"),
    ("Artist prior, random split", "multilabel-fcn", "artist_prior"),
)

READING = (
    "All columns but the first are on test tracks. The first two of ours predict a genre from a "
    "probability of 0.5 on, as the course project did; the honest one from the threshold that was "
    "best on validation. Accuracy is the share of right label cells, so always saying no scores "
    "high. The artist-prior baseline knows a track's artist and never listens: what it reaches on "
    "a random split is what leaks through artists."
)


@dataclass(frozen=True)
class Table:
    """Text ready to be shown; NOT_YET where a stage hasn't come to it."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def published(reproduction: Reproduction) -> list[Table]:
    """The two tables, published figures beside ours."""
    head = ("", "Published", *(title for title, _, _ in COLUMNS))
    return [
        Table(
            title,
            head,
            tuple(
                (
                    METRICS[key].label,
                    f"{COURSE_PROJECT[key]:g}",
                    *(_cell(reproduction, key, *c[1:]) for c in COLUMNS),
                )
                for key in names
            ),
        )
        for title, names in TABLES.items()
    ]


def _cell(reproduction: Reproduction, key: str, stage: str, what: str) -> str:
    output = reproduction.output(stage)
    if output is None:
        return _absent(reproduction, stage)
    return _text((output[what] or {}).get(key))


def _absent(reproduction: Reproduction, stage: str) -> str:
    return _ABSENT.get(reproduction.outcomes[stage].status, NOT_YET)


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return f"{value[0]:.3f} to {value[1]:.3f}"
    return f"{value:.3f}"


TRAININGS_HEAD = (
    *("", "Split", "Tracks in test", "Genres", "Macro AP", "Macro F1", "Macro AUC"),
    *("First is right", "No-skill F1", "Artist-prior F1", "Artists in train"),
)


def trainings(reproduction: Reproduction) -> list[Table]:
    """Every training by part, with what is reached without listening."""
    found = []
    for part, title in PARTS.items():
        rows: list[tuple[str, ...]] = []
        for stage in STAGES:
            if stage.part != part:
                continue
            output = reproduction.output(stage.name)
            if stage.training is not None:
                rows.append(_training(stage.title, output, _absent(reproduction, stage.name)))
            elif stage.name == "official-splits":
                splits = output["splits"] if output else {}
                rows += [_training(f"Official split {n}", one) for n, one in splits.items()]
                if not splits:
                    rows.append(_training(stage.title, None, _absent(reproduction, stage.name)))
        found.append(Table(title, TRAININGS_HEAD, tuple(rows)))
    return found


def _training(title: str, output: dict[str, Any] | None, absent: str = NOT_YET) -> tuple[str, ...]:
    if output is None:
        return (title, *[absent] * (len(TRAININGS_HEAD) - 1))
    figures, artist_prior = output["figures"], output["artist_prior"] or {}
    overlap = output["artist_overlap"]
    return (
        title,
        _split(output["split"]),
        f"{output['tracks']['test']:,}",
        f"{output['genres']}",
        *(_text(figures[k]) for k in ("average_precision.macro", "f1.macro", "roc_auc.macro")),
        _text(figures["accuracy.top1"]),
        _text(output["no_skill"]["f1.macro"]),
        _text(artist_prior.get("f1.macro")),
        "–" if overlap is None else f"{overlap:.0%}",
    )


def _split(split: dict[str, Any]) -> str:
    shares = split.get("fractions")
    if split["kind"] != "random" or not shares:
        return str(split["kind"])
    return "random " + "/".join(f"{100 * shares[p]:.0f}" for p in ("train", "test", "validation"))

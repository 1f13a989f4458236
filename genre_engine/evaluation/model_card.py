"""A run's model card: what the model is, what it was trained on, how it did, what to beware of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genre_engine import metrics, models
from genre_engine.errors import BadSetting
from genre_engine.metrics.export import best_baseline, value_of
from genre_engine.metrics.metric import GENRE_METRICS, METRICS
from genre_engine.runs import Run
from genre_engine.storage.escape import markdown

_ROWS = (
    "f1.macro",
    "average_precision.macro",
    "roc_auc.macro",
    "f1.micro",
    "accuracy.top1",
    "accuracy.labelwise",
    "accuracy.subset",
    "hamming_loss",
    "loss",
)


def card(run: Run, report: metrics.Report) -> str:
    """Markdown."""
    config, found = run.config, report.to_dict()
    stored = run.report() or {}
    fit = stored.get("fit", {})
    looks = len(run.looks())
    lines = [
        f"# {markdown(run.name)}",
        "",
        f"{models.model(config.model).title} for {len(config.genres)} genres "
        f"({config.task}): {', '.join(map(markdown, config.genres))}.",
        "",
        "## Training",
        "",
        f"- Run {run.id}, {config.created[:10]}, seed {config.seed}",
        f"- Data set {markdown(config.dataset)}"
        + (f", licence: {markdown(config.licence)}" if config.licence else ", licence unknown"),
        f"- Tracks {_rule(config.rule)}: "
        + ", ".join(f"{n} {part}" for part, n in stored.get("sizes", {}).items()),
        f"- Split {config.split['kind']}; {_overlap(stored.get('artist_overlap'))}",
        f"- Features {config.features['kind']} ({config.features['fingerprint']})",
        f"- Settings {markdown(_settings(config.model, config.settings))}",
        *([f"- Chosen by the model: {markdown(said)}"] if (said := chosen(run)) else []),
        f"- {fit.get('epochs')} epochs, the best {fit.get('best_epoch')}, "
        f"{fit.get('seconds', 0):.0f} s",
        "",
        f"## Figures on {report.part}",
        "",
        *_figures(found),
        "",
        *_per_genre(found),
        "",
        _intervals(found["bootstrap"]),
        f"Its figures on test have been looked at {looks} time{'' if looks == 1 else 's'}.",
    ]
    if config.synthetic:
        lines += ["", "It was trained on synthetic music and knows nothing of any other."]
    if config.warnings:
        lines += ["", "## Remarks", "", *(f"- {markdown(text)}" for text in config.warnings)]
    return "\n".join(lines) + "\n"


def rows(found: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Name, figure, its interval, and both kinds of baselines, as text."""
    artist_prior = found["baselines"].get("artist_prior")
    intervals = found["intervals"]
    listed = []
    for name in _ROWS:
        interval, best = value_of(intervals, name), best_baseline(found, name)
        listed.append(
            (
                METRICS[name].label,
                number(value_of(found, name)),
                f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "",
                number(best and best[1]),
                number(value_of(artist_prior, name)),
            )
        )
    return listed


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _figures(found: Mapping[str, Any]) -> list[str]:
    head = ("", "model", "95 % interval", "no-skill", "artist prior")
    return _table(head, rows(found))


def _per_genre(found: Mapping[str, Any]) -> list[str]:
    per_genre = [
        (genre, str(values["support"]), *(number(values[name]) for name in GENRE_METRICS))
        for genre, values in found["per_genre"].items()
    ]
    return _table(("genre", "tracks", *GENRE_METRICS.values()), per_genre)


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    rows = (map(markdown, cells) for cells in body)
    return [line(head), line(["---"] * len(head)), *map(line, rows)]


def _intervals(bootstrap: Mapping[str, Any] | None) -> str:
    if not bootstrap:
        return "There are no intervals: all tracks are by one artist."
    return (
        f"Intervals are drawn over {bootstrap['groups']} {bootstrap['over']} (in effect "
        f"{bootstrap['effective_groups']:.0f})."
    )


def _rule(rule: str) -> str:
    return (
        "with these genres only, an easier choice" if rule == "only" else "with any of these genres"
    )


def _overlap(share: float | None) -> str:
    if share is None:
        return "no artist is known, so whether artists leak can't be said"
    return f"{share:.1%} of test tracks are by an artist who is also in train"


def chosen(run: Run) -> str:
    """ "batch size 16, learning rate 0.002": what was left to the model, as it chose it; "" where
    nothing was, or the run is of a version that didn't write it down."""
    found = (run.report() or {}).get("fit", {}).get("chosen", {})
    said = []
    for info in models.model(run.config.model).Settings.describe():
        try:
            value = info.text(info.checked(found[info.name]))
        except (KeyError, TypeError, BadSetting):  # not left to the model, or changed by hand
            continue
        label = info.label if len(info.label) == 1 else info.label.lower()
        said.append(f"{label} {value.replace(',', ', ')}")
    return ", ".join(said)


def _settings(model: str, settings: Mapping[str, Any]) -> str:
    declared = models.model(model).Settings
    changed = declared.from_dict(settings).changed()
    if not changed:
        return "all at their defaults"
    return ", ".join(f"{name}={declared.info(name).text(value)}" for name, value in changed.items())

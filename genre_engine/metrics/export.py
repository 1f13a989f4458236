"""A report for elsewhere: CSV for a table, Markdown for people (a model card). JSON is its dict.

All take the report as `Report.to_dict` gives it, which is also what a run stores.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from genre_engine.metrics.figures import NAMES, PER_GENRE

TITLES = {
    "loss": "Loss",
    "accuracy.subset": "Accuracy, all genres right",
    "accuracy.labelwise": "Accuracy, label by label",
    "accuracy.top1": "Accuracy, first genre",
    "hamming_loss": "Hamming loss",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
}
BASELINES = {
    "always_negative": "says no genre",
    "always_positive": "says every genre",
    "training_prior": "shares in train, as constant scores",
    "most_frequent": "says the commonest genres",
    "prior_random": "says genres at random, as often as in train",
    "deaf": "knows the artist, never listens",
}
COLUMNS = ("predictor", "genre", "figure", "value", "low", "high", "support")


class Described(Protocol):
    """What a model card needs of a run."""

    @property
    def name(self) -> str: ...
    @property
    def config(self) -> Any: ...
    def looks(self) -> list[str]: ...
    def report(self) -> dict[str, Any] | None: ...


def title(name: str) -> str:
    """`f1.macro` → `F1, macro`."""
    if name in TITLES:
        return TITLES[name]
    group, _, mean = name.partition(".")
    return f"{TITLES[group]}, {mean}"


def value_of(values: Mapping[str, Any] | None, name: str) -> Any:
    """A figure of a report, of a baseline or of the intervals, by its name such as `f1.macro`."""
    if values is None:
        return None
    group, dot, key = name.partition(".")
    found = values.get(group)
    return found.get(key) if dot and isinstance(found, Mapping) else found


def to_csv(report: Mapping[str, Any]) -> str:
    """One figure a row: of the model and of each baseline, overall (no genre) and per genre."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    own = report.get("run") or "model"
    rows.writerows(_rows(own, report, report.get("intervals") or {}))
    for name, found in report["baselines"].items():
        if found is not None:
            rows.writerows(_rows(name, found, {}))
    return text.getvalue()


def _rows(
    predictor: str, values: Mapping[str, Any], intervals: Mapping[str, Any]
) -> Iterator[list[Any]]:
    for name in NAMES:
        low, high = value_of(intervals, name) or ("", "")
        yield [_one_line(predictor), "", name, _blank(value_of(values, name)), low, high, ""]
    per_genre = intervals.get("per_genre", {})
    for genre, figures in values["per_genre"].items():
        for name in PER_GENRE:
            low, high = per_genre.get(genre, {}).get(name) or ("", "")
            cells = [_blank(figures[name]), low, high, figures["support"]]
            yield [_one_line(predictor), _one_line(genre), name, *cells]


def _blank(value: Any) -> Any:
    return "" if value is None else value


def _one_line(text: str) -> str:
    return " ".join(str(text).split())


def best_baseline(report: Mapping[str, Any], name: str) -> tuple[str, float] | None:
    """The do-nothing predictor with the best figure (the deaf one stands apart), and the figure."""
    known = [
        (value_of(found, name), baseline)
        for baseline, found in report["baselines"].items()
        if baseline != "deaf" and value_of(found, name) is not None
    ]
    if not known:
        return None
    least = name in ("loss", "hamming_loss")
    value, baseline = min(known) if least else max(known)
    return baseline, value


def model_card(run: Described, report: Mapping[str, Any]) -> str:
    """What there is to know about a trained model, as Markdown.

    Args:
        run: its config, its report.json and how often its test figures were looked at.
        report: the JSON of `evaluate` on the part that the card is about.
    """
    config = run.config
    stored = run.report() or {}
    card = [
        f"# {_plain(run.name)}",
        "",
        f"{config.model} on {config.features.get('kind')} features; judged on {report['part']}.",
        *_data_section(config, stored),
        *_settings_section(config, report),
        *_figures_section(report),
        *_genres_section(report),
        *_limits_section(config, report, run.looks()),
    ]
    return "\n".join(card) + "\n"


def _data_section(config: Any, stored: Mapping[str, Any]) -> list[str]:
    source = config.dataset_source or {}
    sizes = stored.get("sizes") or {}
    fractions = config.split.get("fractions")
    split = f"{config.split['kind']}, seed {config.seed}"
    if fractions:
        split += f", {'/'.join(f'{share:g}' for share in fractions.values())}"
    lines = [
        f"- Data set: {_plain(config.dataset)} ({source.get('kind', 'kind unknown')})"
        + (", synthetic" if config.synthetic else ""),
        f"- Licence of the data: {_plain(config.licence or 'not stated')}",
        f"- Genres ({len(config.genres)}): {', '.join(map(_plain, config.genres))}",
        f"- Tracks: {_RULES.get(config.rule, config.rule)}; task {config.task}",
        f"- Split: {split}",
    ]
    if sizes:
        lines.append("- Sizes: " + ", ".join(f"{part} {n:,}" for part, n in sizes.items()))
    return ["", "## Data", "", *lines]


_RULES = {
    "any": "those with at least one of the genres",
    "only": "those whose genres all lie within the list (an easier selection)",
}


def _settings_section(config: Any, report: Mapping[str, Any]) -> list[str]:
    rows = [[f"`{name}`", f"`{json.dumps(value)}`"] for name, value in config.settings.items()]
    thresholds = report["thresholds"]
    said = "the most probable genre is said"
    if thresholds:
        values = thresholds["per_genre"].values()
        said = (
            f"{thresholds['global']:.3f} for all genres"
            if thresholds["global"] is not None
            else f"per genre, {min(values):.3f} to {max(values):.3f}"
        )
    return ["", "## Settings", "", *_table(["Setting", "Value"], rows), "", f"Threshold: {said}."]


def _figures_section(report: Mapping[str, Any]) -> list[str]:
    rows = []
    for name in NAMES:
        best = best_baseline(report, name)
        deaf = value_of(report["baselines"].get("deaf"), name)
        rows.append(
            [
                title(name),
                _number(value_of(report, name)),
                _interval(value_of(report["intervals"], name)),
                "–" if best is None else f"{_number(best[1])} ({BASELINES.get(best[0], best[0])})",
                _number(deaf),
            ]
        )
    head = ["Figure", "Value", "95 % interval", "Best do-nothing score", "Deaf"]
    return ["", f"## Figures on {report['part']}", "", *_table(head, rows), "", _drawn(report)]


def _drawn(report: Mapping[str, Any]) -> str:
    drawn = report["bootstrap"]
    said = f"{report['tracks']:,} tracks."
    if drawn is None:
        return f"{said} Too few for intervals."
    said += f" Intervals: bootstrap over {drawn['groups']:,} {drawn['over']}"
    if drawn["over"] == "artists":
        said += f" (worth {drawn['effective_groups']:.0f} of equal size)"
    return f"{said}, {drawn['draws']:,} draws."


def _genres_section(report: Mapping[str, Any]) -> list[str]:
    intervals = (report["intervals"] or {}).get("per_genre", {})
    rows = [
        [
            _plain(genre),
            f"{found['support']:,}",
            _number(found["precision"]),
            _number(found["recall"]),
            f"{_number(found['f1'])} {_interval(intervals.get(genre, {}).get('f1'))}".strip(),
            _number(found["roc_auc"]),
            _number(found["average_precision"]),
        ]
        for genre, found in report["per_genre"].items()
    ]
    head = ["Genre", "Tracks", "Precision", "Recall", "F1", "ROC AUC", "Average precision"]
    lines = ["", "## Per genre", "", *_table(head, rows)]
    left_out = report["undefined"]["roc_auc"]
    if left_out:
        names = ", ".join(map(_plain, left_out))
        lines += ["", f"Not in the macro means of ROC AUC, for want of tracks: {names}."]
    return lines


def _limits_section(config: Any, report: Mapping[str, Any], looks: Sequence[str]) -> list[str]:
    overlap = report["artist_overlap"]
    lines = [
        "A missing tag is not a no: people tag what they think of, and disagree.",
        "Artists of train in test: unknown."
        if overlap is None
        else f"Artists of train in test: {overlap:.1%} of the test tracks"
        + (", so the figures are too good." if overlap > 0 else "."),
        f"Figures on test were looked at {len(looks)} time{'' if len(looks) == 1 else 's'}; each "
        "look makes the next choice a little less honest.",
    ]
    if report["part"] == "validation":
        lines.append(
            "Validation also stopped the training and set the thresholds, so these figures are a "
            "little too good."
        )
    if config.synthetic:
        lines.append("The data are synthetic: nothing here says how well real music is told apart.")
    lines += map(_plain, config.warnings)
    return ["", "## Limits", "", *(f"- {line}" for line in lines)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(pair: Sequence[float] | None) -> str:
    return "" if not pair else f"[{pair[0]:.3f}, {pair[1]:.3f}]"


def _plain(text: Any) -> str:
    """Text of users that Markdown shows as it is, on one line, also within a table."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in _one_line(str(text)))

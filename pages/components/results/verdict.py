"""The verdict, where it comes from, and the course project's two tables beside what is honest."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from genre_engine import evaluation
from genre_engine.evaluation import out_of_fold
from genre_engine.figures import report as figures
from genre_engine.metrics.bootstrap import FEW_GROUPS, LEAST_GROUPS
from genre_engine.metrics.export import BASELINES, best_baseline, value_of
from genre_engine.metrics.metric import METRICS
from genre_engine.prediction import vocabulary
from genre_engine.reproduce import published
from pages.components.results import data
from pages.components.results.data import Judgement
from pages.components.shared.text import plain

_CONFIG = {"displayModeBar": False, "displaylogo": False}

TABLES = {
    "Accuracy, loss and AUC": (
        "accuracy.labelwise",
        "accuracy.subset",
        "accuracy.top1",
        "loss",
        "roc_auc.micro",
        "roc_auc.macro",
        "average_precision.macro",
        "hamming_loss",
    ),
    "F1, precision and recall": (
        "f1.micro",
        "f1.macro",
        "precision.micro",
        "precision.macro",
        "recall.micro",
        "recall.macro",
    ),
}

# On a phone a row becomes a card, for five columns don't fit.
_CARDS = """<style>
@media (max-width: 640px) {
  .st-key-course-tables thead { display: none; }
  .st-key-course-tables tr { display: block; padding: 0.5rem 0; }
  .st-key-course-tables td { display: block; border: none !important; padding: 0.1rem 0; }
  .st-key-course-tables td:nth-child(1) { font-weight: 600; }
  .st-key-course-tables td:nth-child(3) p::before { content: "no skill: "; }
  .st-key-course-tables td:nth-child(4) p::before { content: "course project: "; }
}
</style>"""


def section(one: Judgement) -> None:
    """Verdict first."""
    found = one.found
    if plainly := in_songs(found):
        st.header(plainly, anchor=False)
    st.markdown(f"**{sentence(found)}**")
    st.markdown(conclusion(found, folds=one.folds))
    _badges(one)
    overlap = found["artist_overlap"]
    if overlap:
        st.warning(
            f"**The split leaks**: {overlap:.1%} of the test tracks are by artists met in "
            "training. A model that remembers artists looks better here than it is; compare it "
            "with the artist-prior baseline, and train on a split by artist.",
            icon=":material/warning:",
        )
    st.plotly_chart(
        figures.verdict(found), key="verdict", config=_CONFIG, alt=figures.verdict_alt(found)
    )
    if one.part == "validation" and (folds := one.stored.get("cross_validation")):
        st.markdown(plain(out_of_fold.spread(folds)))
    st.markdown(f":gray[{_drawn(found)}]")
    if chosen := evaluation.chosen(one.run):
        st.markdown(f":gray[The model chose for itself: {plain(chosen)}.]")
    _agreement(one)


def in_songs(found: dict[str, Any]) -> str:
    """ "Right first guess for 86 of 100 songs; guessing gets 21"; "" where it isn't defined."""
    right, guessed = found["accuracy"]["top1"], best_baseline(found, "accuracy.top1")
    if right is None:
        return ""
    said = f"Right first guess for {100 * right:.0f} of 100 songs"
    return said if guessed is None else f"{said}; guessing gets {100 * guessed[1]:.0f}"


def sentence(found: dict[str, Any]) -> str:
    """ "Macro F1 0.41 [0.35–0.47]; no-skill 0.28; artist prior 0.12"."""
    said = f"Macro F1 {_number(found['f1']['macro'])}"
    if interval := value_of(found["intervals"], "f1.macro"):
        said += f" {_interval(interval)}"
    best = best_baseline(found, "f1.macro")
    if best is not None:
        said += f"; no-skill {best[1]:.2f}"
    artist_prior = value_of(found["baselines"].get("artist_prior"), "f1.macro")
    return said + ("" if artist_prior is None else f"; artist prior {artist_prior:.2f}")


def conclusion(found: dict[str, Any], *, folds: bool = False) -> str:
    """What the verdict means, by macro average precision too.

    Args:
        folds: whether each track was judged out of its fold.
    """
    value, interval = found["f1"]["macro"], value_of(found["intervals"], "f1.macro")
    best = best_baseline(found, "f1.macro")
    artist_prior = value_of(found["baselines"].get("artist_prior"), "f1.macro")
    bar = max(
        [score for score in (best and best[1], artist_prior) if score is not None], default=None
    )
    if bar is None:
        said = "There is nothing to hold it against."
    elif interval and interval[0] > bar and found["bootstrap"]["effective_groups"] < FEW_GROUPS:
        said = "**It seems to have learnt something**: it is well above what can be scored without "
        said += f"listening, but so few {found['bootstrap']['over']} don't settle it."
    elif interval and interval[0] > bar:
        said = "**It has learnt something**: even the low end of its interval is above everything "
        said += "that can be scored without listening"
        said += ", if only artists that it knows." if found["artist_overlap"] else "."
    elif value > bar:
        said = "**Perhaps it has learnt something**: it is above what can be scored without "
        said += "listening, but its interval reaches down to that."
    else:
        said = "**It has shown nothing yet**: a predictor that never listens does as well."
    average, prevalence = found["average_precision"]["macro"], _prevalence(found)
    if average is not None:
        said += f" Its macro average precision is {average:.2f}; chance would reach "
        said += f"{prevalence:.2f}, the genres' mean share."
    if folds:
        said += " No track was judged by a model or a threshold that had met it; the model that "
        said += "is kept has learnt from all of them."
    elif found["part"] == "validation":
        said += " Validation also stopped the training and set the thresholds, so expect a little "
        said += "less on test."
    return said


def _prevalence(found: dict[str, Any]) -> float:
    shares = [float(n / found["tracks"]) for n in found["support"].values() if n]
    return sum(shares) / max(1, len(shares))


def _badges(one: Judgement) -> None:
    config, found = one.run.config, one.found
    overlap, drawn = found["artist_overlap"], found["bootstrap"]
    said = [f"{found['tracks']:,} tracks"]
    if drawn and drawn["over"] == "artists":
        said.append(f"{drawn['groups']:,} artists, worth {drawn['effective_groups']:.0f}")
    looks = len(one.run.looks())
    badges: list[tuple[str, str, Any]] = [
        (
            f"{'out of fold' if one.folds else one.part}: {' by '.join(said)}",
            ":material/library_music:",
            "violet",
        ),
        ("artists unknown", ":material/help:", "orange")
        if overlap is None
        else (f"leaks: {overlap:.0%}", ":material/warning:", "red")
        if overlap
        else (
            "no artist in two folds" if one.folds else "no artist in train and test",
            ":material/verified:",
            "green",
        ),
        (
            "tracks with only these genres (easier)"
            if config.rule == "only"
            else "tracks with any of these genres",
            ":material/filter_alt:",
            "gray",
        ),
        (f"licence: {config.licence or 'not stated'}", ":material/copyright:", "gray"),
    ]
    if not one.folds:
        times = "once" if looks == 1 else f"{looks} times"
        said_of_test = f"test looked at {times}" if looks else "test not looked at yet"
        badges.append((said_of_test, ":material/visibility:", "orange" if looks > 1 else "gray"))
    if config.synthetic:
        badges.insert(0, ("synthetic music", ":material/science:", "blue"))
    with st.container(horizontal=True, gap="small"):
        for text, icon, colour in badges:
            st.badge(plain(text), icon=icon, color=colour)


def _drawn(found: dict[str, Any]) -> str:
    drawn = found["bootstrap"]
    if drawn is None:
        return (
            f"No intervals: fewer than {LEAST_GROUPS['artists']} artists, or "
            f"{LEAST_GROUPS['tracks']} tracks, can't say how far these figures may be off."
        )
    said = (
        f"Bars: the middle 95 % of {drawn['draws']:,} draws of {drawn['groups']:,} "
        f"{drawn['over']} with replacement. No-skill: the best of saying nothing, everything, "
        "the most common, the shares in train, or at random. Artist prior: knows the artist, never "
        "listens."
    )
    if drawn["effective_groups"] < FEW_GROUPS:
        said += f" From so few {drawn['over']} the bars come out too short: don't lean on them."
    return said


def _agreement(one: Judgement) -> None:
    found = data.agreement(one.run)
    if found is None or "f1" not in found:
        return
    st.markdown(
        f"**Uploader agreement**: where the same audio was uploaded twice ({found['pairs']:,} "
        f"pairs), one's genres predict the other's at micro F1 **{found['f1']:.2f}**. No model "
        "should be expected far above it."
    )


def tables(one: Judgement) -> None:
    """The course project's two tables, each figure with its interval and what no skill has."""
    st.header("The course project's figures, on this run", anchor=False)
    st.html(_CARDS)
    with st.container(key="course-tables"):
        for title, names in TABLES.items():
            listed = [
                f"{METRICS[name].label} {_number(value_of(one.found, name))}" for name in names
            ]
            st.table(
                [_row(one, name) for name in names],
                border="horizontal",
                alt=f"{title}: {', '.join(listed)}",
            )
    st.markdown(micro_and_macro(one.found))
    with st.expander("Why the course project's figures can't all hold", icon=":material/info:"):
        st.markdown(published.CANNOT_ALL_HOLD)
        st.markdown(
            "It doesn't say which accuracy and which mean of AUC it gives; they stand in the rows "
            "that Keras' own figures belong to. It took tracks with *only* its ten genres, an "
            "easier selection than any of them."
        )


def _row(one: Judgement, name: str) -> dict[str, str]:
    interval = value_of(one.found["intervals"], name)
    value = f"**{_number(value_of(one.found, name))}**"
    if interval:
        value += f" {_interval(interval)}"
    best = best_baseline(one.found, name)
    idle = "–" if best is None else f"{best[1]:.2f} ({BASELINES.get(best[0], best[0])})"
    course = published.COURSE_PROJECT.get(name)
    meaning = METRICS[name].explanation
    if name == "loss":
        kind = "Categorical" if one.single else "Binary"
        meaning = f"{kind} cross-entropy, unweighted. {meaning}"
    return {
        "Figure": METRICS[name].label,
        "This run": value,
        "No skill": idle,
        "Course project": _published(course),
        "What it says": meaning,
    }


def micro_and_macro(found: dict[str, Any]) -> str:
    """The difference between both means, on the run's own numbers."""
    known = {genre: n for genre, n in found["support"].items() if n}
    micro, macro = found["f1"]["micro"], found["f1"]["macro"]
    if len(known) < 2:
        return ""
    f1 = {genre: found["per_genre"][genre]["f1"] for genre in found["genres"]}
    common = max(known, key=lambda genre: known[genre])
    weakest = min(f1, key=lambda genre: f1[genre])
    total = sum(known.values())
    n = found["support"][weakest]
    return (
        f"**Micro and macro**: micro F1 ({micro:.2f}) counts labels, so "
        f"{plain(vocabulary.display_name(common))}, with {known[common] / total:.0%} of them and "
        f"an F1 of {f1[common]:.2f}, weighs most. Macro F1 ({macro:.2f}) counts genres, so "
        f"{plain(vocabulary.display_name(weakest))}, with {f1[weakest]:.2f} on "
        f"{n:,} {'track' if n == 1 else 'tracks'}, weighs as much. "
        + (
            "Macro is the lower one: the rare genres are the worse ones here."
            if macro < micro - 0.02
            else "They are close here: rare genres are listed about as well as common ones."
            if macro < micro + 0.02
            else "Macro is the higher one: the rare genres are the better ones here."
        )
    )


def _interval(pair: Sequence[float]) -> str:
    """In one piece: a break after the dash would read as a minus."""
    return f"\\[{pair[0]:.2f}\u2060–\u2060{pair[1]:.2f}\\]"


def _published(value: float | None) -> str:
    """With as many digits as it was published with."""
    if value is None:
        return "–"
    return f"{value:.2f}" if round(value, 2) == value else f"{value:g}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"

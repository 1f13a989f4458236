"""Thresholds that move, ROC and precision-recall curves, calibration, and the training's course."""

from typing import Any

import numpy as np
import streamlit as st

from genre_engine.figures import curves as figures
from genre_engine.figures import training as history
from genre_engine.metrics import calibration
from genre_engine.metrics.export import best_baseline
from genre_engine.prediction import vocabulary
from pages.components.results import data
from pages.components.results.data import Judgement
from pages.components.shared.live_plot import live_plot
from pages.components.shared.text import plain
from pages.components.train import coaching

_CONFIG = {"displayModeBar": False, "displaylogo": False}
# So many genres differ clearly by colour, and be looked at one by one.
_MOST_COLOURS = 10
_MOST_PANELS = 12
# With ten bins, a share of fewer than about ten tracks says next to nothing.
_FEW_TRACKS = 100


def thresholds(one: Judgement) -> None:
    """The slider, its curves and all figures that follow it."""
    if one.single:
        st.info(
            "A track has one genre in this task, and the most probable one is predicted: there is "
            "no threshold to move.",
            icon=":material/info:",
        )
        return
    st.header("A lower threshold finds more, and is wrong more often", anchor=False)
    st.fragment(_moving, key="thresholds")(one)
    chosen = one.found["thresholds"]["per_genre"].values()
    kept = one.stored["thresholds"]
    per_genre = kept["per_genre"].values()
    st.markdown(
        f":gray[Chosen on the threshold set, half of validation: {kept['global']:.2f} for all "
        f"genres, or {min(per_genre):.2f} to {max(per_genre):.2f} one by one, drawn towards it "
        "where few artists made a genre. The figures above on this page are at "
        + (
            f"{min(chosen):.2f}.]"
            if len(set(chosen)) == 1
            else f"{min(chosen):.2f} to {max(chosen):.2f}.]"
        )
    )


def _moving(one: Judgement) -> None:
    found = data.threshold_curves(one)
    # The one that the page's other figures are at, where they are at one.
    used = one.found["thresholds"]["global"]
    chosen = float(one.stored["thresholds"]["global"] if used is None else used)
    names = {"macro": "Macro mean", "micro": "Micro mean"}
    names |= {
        str(column): vocabulary.display_name(genre) for column, genre in enumerate(one.genres)
    }
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        at = st.slider(
            "Threshold for all genres",
            0.0,
            1.0,
            round(chosen, 2),
            0.01,
            key=f"threshold-{one.run.id}-{one.key[3]}",
            width=420,
        )
        if st.button(
            "Use this threshold",
            icon=":material/check:",
            on_click=_use,
            args=(at,),
            help="All figures of this page are then at it. Its link and its command carry it.",
        ):
            st.rerun()
        of = st.selectbox(
            "Curves of", list(names), format_func=names.__getitem__, key="curves-of", width=240
        )
    index = int(np.abs(found.points - at).argmin())
    was = int(np.abs(found.points - chosen).argmin())
    with st.container(horizontal=True, gap="small"):
        for title, values in _followers(found):
            st.metric(
                title,
                f"{values[index]:.2f}",
                f"{values[index] - values[was]:+.2f}" if index != was else None,
                width=136,
                border=True,
            )
    genre = None if of in ("macro", "micro") else one.genres[int(of)]
    mark = chosen
    if genre is not None:
        mark = float(one.stored["thresholds"]["per_genre"][genre])
    live_plot(
        figures.thresholds(found, of, at, mark),
        key="threshold-curves",
        alt=figures.thresholds_alt(found, at),
        height=330,
    )


def _use(threshold: float) -> None:
    st.session_state["kind"], st.session_state["own"] = "own", threshold


def _followers(found: Any) -> list[tuple[str, Any]]:
    """What moves with the threshold."""
    cells = found.predicted.sum(axis=1) / max(1, found.predicted[0].max())
    return [
        ("Macro F1", found.overall["f1.macro"]),
        ("Micro F1", found.overall["f1.micro"]),
        ("Macro precision", found.overall["precision.macro"]),
        ("Micro precision", found.overall["precision.micro"]),
        ("Macro recall", found.overall["recall.macro"]),
        ("Micro recall", found.overall["recall.micro"]),
        ("All genres right", found.subset),
        ("Hamming loss", 1 - found.labelwise),
        ("Genres a track", cells),
    ]


def ranked(one: Judgement) -> None:
    """ROC and precision-recall curves."""
    roc, precision_recall = data.ranked_curves(one)
    common = sorted(one.genres, key=lambda genre: -one.found["support"][genre])
    shown = st.multiselect(
        "Genres",
        common,
        default=common[:_MOST_COLOURS],
        format_func=vocabulary.display_name,
        key=f"curves-{one.run.id}",
        max_selections=_MOST_COLOURS,
        placeholder="Averages only",
    )
    left, right = st.columns(2, gap="large")
    auc, average = one.found["roc_auc"]["macro"], one.found["average_precision"]["macro"]
    with left:
        st.header(f"ROC: mean area {_number(auc)}", anchor=False)
        st.plotly_chart(
            figures.roc(roc, shown),
            key="roc",
            config=_CONFIG,
            alt=f"ROC curves; macro area {_number(auc)}, chance 0.50",
        )
    with right:
        st.header(f"Precision and recall: mean {_number(average)}", anchor=False)
        st.plotly_chart(
            figures.precision_recall(precision_recall, shown),
            key="precision-recall",
            config=_CONFIG,
            alt=f"Precision-recall curves; macro average precision {_number(average)}",
        )
    st.markdown(
        ":gray[Both look at the order alone, whatever the threshold. Where a genre is rare, the "
        "left picture flatters: a few percent of the many others are more tracks than the genre "
        "has.]"
    )


def reliability(one: Judgement) -> None:
    """Small multiples: predicted probability against observed frequency."""
    found = data.calibrated(one)
    before, after = found.error(calibrated=False), found.error(calibrated=True)
    said = f"Probabilities of all genres together are off by {100 * before:.1f} points"
    if found.kept:
        scaled = "leaves" if after < before else "makes it"
        said += f"; Platt's scaling {scaled} {100 * after:.1f}"
    st.header(said, anchor=False)
    if not found.kept:
        st.markdown(
            "They are used as the model gives them: Platt's scaling, learnt on some artists of the "
            "threshold set, made them worse on the others."
        )
    if len(found.y) < _FEW_TRACKS:
        st.markdown(
            f"On {len(found.y):,} tracks a bin holds so few that most of what a single genre is "
            "off by is chance."
        )
    calibrated = found.kept and st.segmented_control(
        "Probabilities",
        ["raw", "calibrated"],
        format_func={"raw": "As the model gives them", "calibrated": "Calibrated"}.__getitem__,
        default="raw",
        required=True,
        key="calibrated",
    )
    p = found.calibrated if calibrated == "calibrated" else found.raw
    order = sorted(range(len(one.genres)), key=lambda c: -int(found.y[:, c].sum()))[:_MOST_PANELS]
    with st.container(horizontal=True, gap="medium"):
        for column in order:
            name = vocabulary.display_name(one.genres[column])
            curve = calibration.reliability(found.y[:, column], p[:, column])
            with st.container(width=250):
                st.markdown(f"**{plain(name)}** · off by {100 * curve.error:.1f} points")
                st.plotly_chart(
                    figures.reliability(curve, p[:, column]),
                    key=f"reliability-{column}",
                    config=_CONFIG,
                    alt=f"Share that is {name}, by predicted probability; off by "
                    f"{100 * curve.error:.1f} points on average",
                )
    brier = calibration.brier(found.y, p)
    said = "the half of validation that the scaling didn't learn from"
    st.markdown(
        f":gray[Up: observed frequency, with Wilson's 95 % bars; right: predicted probability, in "
        f"bins of equal count; below: how often it was predicted. On "
        f"{said if one.part == 'validation' else 'test'}, {len(p):,} tracks; Brier score "
        f"{brier:.3f}.]"
    )


def course(one: Judgement) -> None:
    """Loss, accuracy and AUC against epochs (the course project's figures 8 and 9)."""
    epochs = one.run.epochs()
    if len(epochs) < 2:
        st.info("This model learns in one go: there are no epochs to draw.", icon=":material/info:")
        return
    drawn = history.Curves(epochs, int(epochs[-1].get("epochs") or len(epochs)), ended=True)
    best = drawn.best
    st.header(
        f"Epoch {best['epoch']} of {len(epochs)} is kept" if best else "No epoch was the best",
        anchor=False,
    )
    columns = st.columns(3, gap="large")
    for column, (quantity, title) in zip(columns, history.QUANTITIES.items(), strict=True):
        idle = None
        if quantity == "auc":
            idle = 0.5
        elif quantity == "accuracy":
            known = best_baseline(
                one.found, "accuracy.top1" if one.single else "accuracy.labelwise"
            )
            idle = None if known is None else known[1]
        elif (known := best_baseline(one.found, "loss")) is not None:
            idle = known[1]
        with column:
            st.markdown(f"**{title}**")
            figure = history.training_curve(drawn, quantity, no_skill=idle)
            figure.update_layout(height=300)
            st.plotly_chart(
                figure,
                key=f"course-{quantity}",
                config=_CONFIG,
                alt=history.training_curve_alt(drawn, quantity, idle),
            )
    st.markdown(
        ":gray[Train dashed, validation solid; the star is the epoch whose weights are kept. "
        "Train goes on improving where a model learns its tracks by heart.]"
    )
    coaching.section(one.run)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"

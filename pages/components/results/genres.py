"""Genre by genre: dots with intervals, and the same as a table."""

import streamlit as st

from genre_engine.figures import report as figures
from genre_engine.metrics.metric import GENRE_METRICS
from genre_engine.prediction import vocabulary
from pages.components.results.data import Judgement
from pages.components.shared.text import plain

_CONFIG = {"displayModeBar": False, "displaylogo": False}
_MOST = 40


def section(one: Judgement) -> None:
    found = one.found
    st.header(_finding(one), anchor=False)
    name = str(
        st.segmented_control(
            "Figure",
            list(GENRE_METRICS),
            format_func=GENRE_METRICS.__getitem__,
            default="f1",
            required=True,
            key="genre-figure",
            bind="query-params",
        )
    )
    shown = found
    if len(found["genres"]) > _MOST:
        common = sorted(found["genres"], key=lambda genre: -found["support"][genre])[:_MOST]
        shown = {**found, "genres": common}
        st.markdown(f":gray[The {_MOST} most common of {len(found['genres'])} genres.]")
    st.plotly_chart(
        figures.per_genre(shown, name, one.artists),
        key=f"genres-{name}",
        config=_CONFIG,
        alt=figures.per_genre_alt(found, name),
    )
    missing = found["undefined"].get(name, []) if name in ("roc_auc", "average_precision") else []
    if missing:
        names = ", ".join(plain(vocabulary.display_name(genre)) for genre in missing)
        st.markdown(f":gray[Not defined, and not in the macro mean: {names}.]")
    with st.expander("As a table", icon=":material/table:"):
        _table(one)


def _finding(one: Judgement) -> str:
    f1 = {
        genre: values["f1"] for genre, values in one.found["per_genre"].items() if values["support"]
    }
    if not f1:
        return "No genre has tracks here"
    best, worst = max(f1, key=lambda g: f1[g]), min(f1, key=lambda g: f1[g])
    names = [plain(vocabulary.display_name(genre)) for genre in (best, worst)]
    if best == worst:
        return f"{names[0]}: F1 {f1[best]:.2f}"
    return f"{names[0]} is recognised best (F1 {f1[best]:.2f}), {names[1]} worst ({f1[worst]:.2f})"


def _table(one: Judgement) -> None:
    artists = one.artists
    chosen = (one.found["thresholds"] or {}).get("per_genre", {})
    rows = [
        {
            "Genre": vocabulary.display_name(genre),
            "Tracks": values["support"],
            "Artists": artists.get(genre),
            "Predicted": values["predicted"],
            "From": chosen.get(genre),
            **{title: values[name] for name, title in GENRE_METRICS.items()},
        }
        for genre, values in one.found["per_genre"].items()
    ]
    rows.sort(key=lambda row: -int(row["Tracks"] or 0))
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            **dict.fromkeys([*GENRE_METRICS.values(), "From"], number),
            "Predicted": st.column_config.NumberColumn(help="For how many tracks it was predicted"),
            "Artists": st.column_config.NumberColumn(help="Who made the genre's tracks here"),
        },
        alt="Figures of each genre",
    )

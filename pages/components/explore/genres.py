"""Which genres there are, how they are spread over the parts, and what a split lets through."""

import pandas as pd
import streamlit as st

from genre_engine import datasets, figures
from genre_engine.datasets import statistics
from genre_engine.errors import GenreEngineError
from genre_engine.labels import Labels
from genre_engine.leakage import Leakage
from genre_engine.prediction import vocabulary
from pages.components.shared import datasets as shared_datasets
from pages.components.shared.datasets import Opened
from pages.components.shared.text import plain

# Rows of dots that one can still read down.
MOST_ROWS = 40
TEN = "top10"

SPLITS = {"official": "Official", "artist": "By artist", "random": "Random"}
_VALUES = {"share": "Share", "tracks": "Count"}
_RULES = {"any": "Any of them", "only": "Only them"}
_SOURCE = (
    "[MTG-Jamendo](https://github.com/MTG/mtg-jamendo-dataset), Music Technology Group; metadata "
    "CC BY-NC-SA 4.0, audio under each track's own Creative Commons licence"
)


def section(data: Opened) -> None:
    """The distribution with its finding as title, and the leak meter beside it."""
    kind, values, y = _choices(data)
    if not kind:
        st.info("Three tracks are the fewest that can be parted into train, validation and test.")
        return
    table = shared_datasets.genre_parts(data, y, kind)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.header(_finding(table, kind), anchor=False)
        _dots(table, values, f"{data.dataset.name}-{kind}")
        warnings = shared_datasets.split(data, y, kind).warnings
        if warnings:
            with st.expander(f"{len(warnings)} remarks on this split", icon=":material/info:"):
                for warning in warnings[:50]:
                    st.markdown(f"- {plain(warning)}")
    with right:
        _leak_meter(data, y, kind)


def _choices(data: Opened) -> tuple[str, str, Labels]:
    several = len(data.counts) > 10
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = ""
        if data.kinds:
            kind = str(
                st.segmented_control(
                    "Split",
                    data.kinds,
                    format_func=SPLITS.__getitem__,
                    default=data.kinds[0],
                    required=True,
                    key="split",
                    bind="query-params",
                    help="Official: the data set's own. By artist: no artist is in two parts. "
                    "Random: tracks are drawn one by one, as the course project did.",
                )
            )
        values = st.segmented_control(
            "Show",
            list(_VALUES),
            format_func=_VALUES.__getitem__,
            default="share",
            required=True,
            key="values",
            bind="query-params",
            help="Shares show whether the parts are alike, counts how much there is.",
        )
        top = TEN
        if several:
            top = str(
                st.segmented_control(
                    "Genres",
                    [TEN, "all"],
                    format_func={
                        TEN: "Ten most common",
                        "all": f"All {len(data.counts)}",
                    }.__getitem__,
                    default=TEN,
                    required=True,
                    key="top",
                    bind="query-params",
                )
            )
        rule = st.segmented_control(
            "Tracks with",
            list(_RULES),
            format_func=_RULES.__getitem__,
            default="any",
            required=True,
            key="rule",
            bind="query-params",
            help="Which tracks take part: those with at least one of the genres, or those whose "
            "genres all lie within (the course project's choice, and an easier selection).",
        )
        named = st.multiselect(
            "Filter",
            list(data.counts),
            format_func=vocabulary.display_name,
            key="genres",
            bind="query-params",
            placeholder="All of these genres",
            width=320 if several else 170,
        )
    return (
        kind,
        str(values),
        shared_datasets.chosen(data, named or (top if several else "all"), rule),
    )


def _finding(table: pd.DataFrame, kind: str) -> str:
    """What the dots show, in a sentence."""
    leader = vocabulary.display_name(str(table["genre"].iloc[0]))
    gap = statistics.widest_gap(table)
    said = plain(f"{leader} leads with {table['share'].iloc[0]:.0%} of train")
    if gap is None:
        return said
    genre, more, less, by = gap
    if by < 0.0095:
        return f"{said}; the parts are alike to within a point"
    if genre == table["genre"].iloc[0]:
        share = table.set_index(["genre", "part"])["share"]
        return plain(
            f"{leader} leads, with {share[genre, more]:.0%} of {more} and {share[genre, less]:.0%} "
            f"of {less}"
        )
    name = vocabulary.display_name(genre)
    return said + plain(f"; {name} is {100 * by:.1f} points commoner in {more} than in {less}")


def _dots(table: pd.DataFrame, values: str, key: str, of: str = "tracks in {part}") -> None:
    genres = list(dict.fromkeys(table["genre"]))
    shown = table[table["genre"].isin(genres[:MOST_ROWS])]
    st.plotly_chart(
        figures.genre_parts(shown, values=values, of=of),
        key=f"dots-{key}",
        config={"displayModeBar": False, "displaylogo": False},
        alt=figures.genre_parts_alt(shown, values),
    )
    if len(genres) > MOST_ROWS:
        st.markdown(
            f":gray[The {MOST_ROWS} most common of {len(genres)} genres. Name genres in the "
            "filter to see others.]"
        )


def _leak_meter(data: Opened, y: Labels, kind: str) -> None:
    title = st.empty()
    measured = y
    if len(y.genres) > shared_datasets.MOST_MEASURED:
        measured = shared_datasets.chosen(data, TEN, y.rule)
    try:
        leaks = shared_datasets.leaks(data, measured)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    title.header(_verdict(leaks, kind), anchor=False)
    st.plotly_chart(
        figures.leak_meter(leaks, kind),
        key="leaks",
        config={"displayModeBar": False, "displaylogo": False},
        alt=figures.leak_meter_alt(leaks),
    )
    if measured is not y:
        st.markdown(":gray[Measured on the ten most common genres.]")
    duplicates = leaks[kind].duplicate_groups if kind in leaks else None
    if duplicates:
        st.markdown(
            f"**{duplicates:,}** groups of byte-identical audio lie in more than one part of this "
            "split."
        )
    _agreement(data, measured)
    with st.expander("What does this mean?"):
        st.markdown(
            "**Artist overlap** is the share of held-out tracks whose artist is also in train. "
            "Songs of one artist resemble each other, so a model that remembers artists looks "
            "better than it is.\n\n"
            "The **artist-prior baseline** never listens: it gives a track its artist's usual "
            "genres. "
            "A model that doesn't beat it on the same split has shown nothing.\n\n"
            "**Uploader agreement**: where the same audio was uploaded twice, how well one "
            "uploader's genres predict the other's. No model should be expected far above it."
        )


def _verdict(leaks: dict[str, Leakage], kind: str) -> str:
    found = leaks.get(kind)
    if found is None or found.artist_overlap is None:
        return "No artist is known, so leaks aren't known"
    if found.artist_overlap == 0:
        return f"{SPLITS[kind]} split: no artist is in both train and {found.held_out}"
    return (
        f"{SPLITS[kind]} split leaks: {found.artist_overlap:.0%} of {found.held_out} is by artists "
        "met in training"
    )


def _agreement(data: Opened, y: Labels) -> None:
    found = shared_datasets.agreement(data, y.genres)
    if found is None:
        return
    said = (
        f"**Uploader agreement**: {found['pairs']:,} pairs of tracks are byte-identical, and "
        f"{found['same_genres']:.0%} of them carry the same genres"
    )
    if "f1" in found:
        said += f"; one's genres predict the other's at F1 **{found['f1']:.2f}**"
    st.markdown(f"{said}.")


def jamendo_facts() -> None:
    """The real MTG-Jamendo, shown before anything is fetched."""
    facts = pd.DataFrame(datasets.facts())
    parts = ("train", "validation", "test")
    title = st.empty()
    with st.container(horizontal=True, gap="medium"):
        values = st.segmented_control(
            "Show",
            list(_VALUES),
            format_func=_VALUES.__getitem__,
            default="share",
            required=True,
            key="values",
            bind="query-params",
        )
        n = st.segmented_control(
            "Most common genres",
            [10, 20, MOST_ROWS],
            default=10,
            required=True,
            key="facts",
            bind="query-params",
        )
    long = facts.melt("genre", parts, "part", "tracks")
    long["share"] = long["tracks"] / long.groupby("part")["tracks"].transform("sum")
    first = facts["genre"].iloc[0]
    title.header(
        f"What the real MTG-Jamendo holds: {vocabulary.display_name(first).lower()} makes "
        f"{long.loc[long['genre'] == first, 'share'].iloc[0]:.0%} of all genre labels in train",
        anchor=False,
    )
    shown = long[long["genre"].isin(facts["genre"][: int(n)])]
    order = {genre: rank for rank, genre in enumerate(facts["genre"])}
    shown = shown.sort_values("genre", key=lambda names: names.map(order), kind="stable")
    _dots(shown, str(values), "facts", of="genre labels in {part}")
    st.markdown(
        f":gray[The official split 0 of the real data set, with its cleaned labels. Source: "
        f"{_SOURCE}.]"
    )

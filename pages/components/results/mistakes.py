"""What is taken for what, and the listening room: the tracks that went most wrong, with players."""

from typing import Any

import numpy as np
import streamlit as st

from genre_engine.datasets import label_issues
from genre_engine.errors import GenreEngineError
from genre_engine.figures import confusion
from genre_engine.jobs import hosted
from genre_engine.metrics import mistakes
from genre_engine.prediction import vocabulary
from pages.components.results import data as results_data
from pages.components.results.data import Judgement
from pages.components.shared import datasets, player
from pages.components.shared.datasets import Opened
from pages.components.shared.row_table import row_table
from pages.components.shared.text import plain

_CONFIG = {"displayModeBar": False, "displaylogo": False}
# The chart library's own grey is too faint on a weak cell's ground.
_NUMBERS = """<style>.st-key-confusions .scatterlayer .trace:first-child text {
  fill: light-dark(#221b33, #ece8f5) !important; }</style>"""
_MOST = 50
KINDS = {
    "missed": "Missed",
    "invented": "Wrongly predicted",
    "unsure": "Least sure",
}


def section(one: Judgement) -> None:
    """The matrix, and beside it the tracks of a cell or of a genre."""
    left, right = st.columns(2, gap="medium")
    with left:
        cell = _matrix(one)
    with right:
        rows, key = _chosen(one, cell)
        _tracks(one, rows, key)


def _matrix(one: Judgement) -> tuple[int, int] | None:
    found, figure, cells = results_data.matrix(one)
    pair = found.mixed_up
    names = [vocabulary.display_name(genre) for genre in one.genres]
    st.header(
        "Nothing is mixed up"
        if pair is None
        else plain(f"{names[pair[0]]} is most often taken for {names[pair[1]]}"),
        anchor=False,
    )
    st.html(_NUMBERS)
    picked = st.container(key="confusions").plotly_chart(
        figure,
        key=f"matrix-{'-'.join(map(str, one.key))}",
        config=_CONFIG,
        on_select="rerun",
        selection_mode="points",
        alt=confusion.matrix_alt(found, one.genres),
    )
    st.markdown(
        ":gray[Rows are true genres; numbers are percent of a row's tracks. "
        + (
            "Every track is in one cell. "
            if one.single
            else "A track with several genres is in several rows and columns, so a row may sum to "
            "more than 100 %. "
        )
        + "Click a cell to list its tracks.]"
    )
    clickable = len(figure.data) - 1
    at = [
        int(point["point_index"])
        for point in picked["selection"]["points"]
        if point.get("curve_number") == clickable and point.get("point_index") is not None
    ]
    return cells[at[0]] if at and at[0] < len(cells) else None


def _chosen(one: Judgement, cell: tuple[int, int] | None) -> tuple[Any, str]:
    """The tracks to list, and a key of this list alone."""
    report = one.report
    names = [vocabulary.display_name(genre) for genre in one.genres]
    if cell is not None:
        true, said = cell
        rows = mistakes.in_cell(report.judged, one.decisions, true, said)
        what = f"{names[said]} was predicted" if said < len(names) else "nothing was predicted"
        st.header(plain(f"True: {names[true]}; {what}"), anchor=False)
        st.markdown(":gray[Double-click in the matrix to leave the cell.]")
        return rows[:_MOST], f"cell-{true}-{said}"
    st.header("Listen to its mistakes", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        counts = _counts(one)
        total = {genre: sum(kinds.values()) for genre, kinds in enumerate(counts)}
        genre = st.selectbox(
            "Genre",
            sorted(total, key=lambda c: (-total[c], -one.found["support"][one.genres[c]])),
            format_func=lambda c: f"{names[c]}: {total[c]} mistake{'' if total[c] == 1 else 's'}",
            key="mistakes-of",
            width=240,
        )
        kind = str(
            st.segmented_control(
                "Which tracks",
                list(KINDS),
                format_func=lambda kind: (
                    KINDS[kind] + (f" ({counts[genre][kind]})" if kind in counts[genre] else "")
                ),
                default=next((kind for kind, n in counts[genre].items() if n), "unsure"),
                required=True,
                key=f"mistakes-kind-{genre}",
                help="Missed: they carry the genre and it wasn't predicted. Wrongly predicted: the "
                "reverse. Least sure: nearest to being decided otherwise.",
            )
        )
    rows = mistakes.worst(report.judged, report.thresholds, genre, kind, _MOST)
    return rows, f"{kind}-{genre}"


def _counts(one: Judgement) -> list[dict[str, int]]:
    """How many tracks are wrong, by genre and kind of mistake."""
    y, predicted = one.report.judged.y, one.decisions
    return [
        {"missed": int(missed), "invented": int(invented)}
        for missed, invented in zip(
            (y & ~predicted).sum(axis=0), (~y & predicted).sum(axis=0), strict=True
        )
    ]


def _tracks(one: Judgement, rows: Any, key: str) -> None:
    if not len(rows):
        st.info("No track is of this kind.", icon=":material/check:")
        return
    data = results_data.dataset_of(one.run)
    ids = [one.predictions.track_ids[row] for row in rows]
    table = []
    for row, track_id in zip(rows, ids, strict=True):
        entry = {"Track": _title(data, track_id)}
        entry["True"] = _named(one, one.report.judged.y[row])
        entry["Predicted"] = _named(one, one.decisions[row]) or "–"
        table.append(entry)
    at = row_table(
        table,
        hide_index=True,
        # Narrow enough for all three to be seen; they grow where there is room.
        column_config={
            "Track": st.column_config.TextColumn(width=120),
            "True": st.column_config.TextColumn(width=80),
            "Predicted": st.column_config.TextColumn(width=80),
        },
        height=min(38 + 35 * len(table), 318),
        key=f"mistakes-{key}-{'-'.join(map(str, one.key))}",
        selection_default={"selection": {"rows": [0]}},
        alt="Tracks, the worst first; select one to hear it",
    )
    if at is not None:
        _room(one, data, int(rows[at]))
    else:
        st.markdown(":gray[Click a track to hear it.]")


def _title(data: Opened | None, track_id: str) -> str:
    row = None if data is None else results_data.tracks_by_id(data).get(track_id)
    if data is None or row is None:
        return track_id
    return datasets.label(data.tracks.iloc[row].to_dict())


def _named(one: Judgement, flags: Any) -> str:
    return ", ".join(
        vocabulary.display_name(genre) for genre, on in zip(one.genres, flags, strict=True) if on
    )


def _room(one: Judgement, data: Opened | None, row: int) -> None:
    """One track: player, what was predicted and what is true, and a way to object."""
    track_id = one.predictions.track_ids[row]
    with st.container(border=True, key="room"):
        st.markdown(f"**{plain(_title(data, track_id))}**")
        _player(data, track_id)
        _scores(one, row)
        if data is not None:
            _object(one, data, row)


def _scores(one: Judgement, row: int) -> None:
    """The strongest genres and all true ones, with what became of each."""
    y, p, said = one.report.judged.y[row], one.report.judged.p[row], one.decisions[row]
    ranked = np.argsort(-p, kind="stable")
    shown = [c for place, c in enumerate(ranked) if place < 5 or y[c]]
    listed = []
    for column in shown:
        name = plain(vocabulary.display_name(one.genres[column]))
        colour, word = {
            (True, True): ("green", "right"),
            (True, False): ("red", "missed"),
            (False, True): ("orange", "wrong"),
            (False, False): ("gray", ""),
        }[bool(y[column]), bool(said[column])]
        listed.append(f":{colour}-badge[{name} {p[column]:.2f}{f' {word}' if word else ''}]")
    st.markdown(" ".join(listed))


def _player(data: Opened | None, track_id: str) -> None:
    row = None if data is None else results_data.tracks_by_id(data).get(track_id)
    if data is None or row is None:
        st.markdown(":gray[The data set of this run is gone, so there is nothing to play.]")
        return
    stored = data.tracks["path"].iloc[row]
    path = data.dataset.audio_path(stored)
    if path is None:
        said = "This data set holds features only" if not isinstance(stored, str) else ""
        st.markdown(f":gray[{said or 'The audio of this track is not here'}: nothing to play.]")
        return
    player.show(path, _title(data, track_id))


def _object(one: Judgement, data: Opened, row: int) -> None:
    if one.part == "test":
        st.markdown(":gray[Labels of test can't be marked as wrong: test stays as it is.]")
        return
    track_id = one.predictions.track_ids[row]
    y, said = one.report.judged.y[row], one.decisions[row]
    disputed = [c for c in range(len(one.genres)) if y[c] or said[c]]
    try:
        marked = {(m.track_id, m.genre) for m in label_issues.read(data.dataset)}
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if hosted.active():  # marks lie beside the data set, which all visitors share
        return
    with st.popover("This label looks wrong", icon=":material/flag:"):
        st.markdown(
            "Marks are kept beside the data set, in "
            f"`{label_issues.FILE}`; they change no label and no figure."
        )
        for column in disputed:
            genre = one.genres[column]
            name = plain(vocabulary.display_name(genre))
            st.checkbox(
                f"It isn't {name}" if y[column] else f"It is {name}, too",
                value=(track_id, genre) in marked,
                key=f"mark-{track_id}-{genre}",
                on_change=_toggle,
                args=(one, data, track_id, genre),
            )
    if marked:
        n = len(marked)
        st.markdown(f":gray[{n:,} label{'' if n == 1 else 's'} of this data set marked so far.]")


def _toggle(one: Judgement, data: Opened, track_id: str, genre: str) -> None:
    try:
        label_issues.mark(data.dataset, track_id, genre, part=one.part, run=one.run.id)
    except GenreEngineError as error:
        st.toast(plain(str(error)), icon=":material/error:")

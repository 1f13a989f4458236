"""New data sets: the demo, one's own, MTG-Jamendo; as three cards, or as a form behind a button.

GTZAN and FMA are among one's own, since they are imported from a folder.
"""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from genre_engine import datasets
from genre_engine.datasets import demo, fma_tables, tables
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import hosted
from genre_engine.storage import budget, workspace
from pages.components.shared import dataset_jobs
from pages.components.shared.local import is_local
from pages.components.shared.text import duration, plain

LIMIT_MB = 100
DEMO_TRACKS = 300

_LABEL_NAMES = ("label", "genre", "genres", "class", "tags")
_GROUP_NAMES = ("artist", "artist_id", "group")
_NONE = "(none)"
_FOLDER, _TABLE, _GTZAN, _FMA = "Folder of music", "Table of features", "GTZAN", "FMA"
_SUBSETS = dict(
    zip(
        fma_tables.SUBSETS,
        ("8,000 clips, 8 genres", "25,000, 16 genres", "106,574 clips", "whole tracks"),
        strict=True,
    )
)
_COMMANDS = """\
python -m genre_engine dataset gtzan gtzan FOLDER
python -m genre_engine download fma-metadata
python -m genre_engine download fma-small
python -m genre_engine dataset fma fma-small"""


def cards() -> None:
    """The empty state: three ways to begin."""
    st.markdown("There is no data set here yet. Three ways to begin:")
    kinds: tuple[tuple[str, str, Callable[[], None]], ...] = (
        ("Make the demo set", ":material/science:", _demo),
        ("Import your own", ":material/folder_open:", _own),
        ("Get MTG-Jamendo", ":material/cloud_download:", _jamendo),
    )
    for column, (title, icon, form) in zip(st.columns(3), kinds, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.header(f"{icon} {title}", anchor=False)
            form()


def forms() -> None:
    """The same behind one button."""
    kinds = {"Demo": _demo, "Your own": _own, "MTG-Jamendo": _jamendo}
    kind = st.segmented_control(
        "What kind", list(kinds), default="Your own", required=True, key="new-kind"
    )
    kinds[str(kind)]()


def demo_time() -> str:
    """How long the demo set takes here, as measured where it was made before."""
    return duration(demo.expected_s(DEMO_TRACKS))


def _demo() -> None:
    st.markdown(
        f"{DEMO_TRACKS} synthetic clips of 10 s in ten genres by invented artists, made on this "
        f"server in about {demo_time()}. To try everything without a download; scores on it say "
        "nothing about real music."
    )
    name = ask_name("demo", "demo")
    _start("Make the demo set", name, {"make": "demo", "tracks": DEMO_TRACKS})


def _jamendo() -> None:
    if not hosted.active():
        st.markdown("Music to hear and to train on, a balanced part of it:")
        to_download("Choose and download")
        st.markdown("Or only the tables:")
    st.markdown(
        "Who made 55,701 tracks and what genres they carry: 19 MB of tables, without audio, under "
        "CC BY-NC-SA 4.0."
    )
    local = is_local()
    path = ""
    if local:
        path = st.text_input(
            "Folder that holds the tables already",
            key="jamendo-path",
            placeholder="Empty: fetch them",
            help="raw_30s.tsv and the official split files, or the Hugging Face tables.",
        ).strip()
    options: dict[str, Any] = {"make": "jamendo", "genres": "all"}
    if path:
        options["metadata"] = path
        audio = st.text_input(
            "Folder that holds its audio", key="jamendo-audio", placeholder="Empty: no audio"
        ).strip()
        if audio:
            options["audio"] = audio
    name = ask_name("jamendo", "jamendo")
    _start("Import the tables" if path else "Fetch and import", name, options)


def to_download(label: str, name: str | None = None) -> None:
    """The way to where audio of MTG-Jamendo is fetched, for a new data set or for one there is."""
    # No link: one to its own page leaves the browser's address as it was.
    st.button(
        label,
        icon=":material/cloud_download:",
        on_click=lambda: st.query_params.from_dict(
            {"get": "jamendo"} | ({"for": name} if name else {})
        ),
        key=f"to-download-{name or ''}",
    )


def _own() -> None:
    kinds = {_FOLDER: _folder, _TABLE: _table, _GTZAN: _gtzan, _FMA: _fma}
    if is_local():
        kind = st.pills("Where from", list(kinds), default=_FOLDER, required=True)
        kinds[str(kind)]()
        return
    _table()
    with st.expander("GTZAN and FMA", icon=":material/terminal:"):
        where = "your own computer" if hosted.active() else "the computer that this app runs on"
        st.markdown(f"They are imported on {where}, where their audio lies:")
        st.code(_COMMANDS, language="bash", wrap_lines=True)


def _folder() -> None:
    st.markdown("One sub-folder a genre, or genres in the files' own tags. The files stay there.")
    path = st.text_input(
        "Folder on this computer", key="folder-path", placeholder="/home/me/Music"
    ).strip()
    name = ask_name("folder", _as_name(Path(path).name) or "my-music")
    _start("Import the folder", name, {"make": "folder", "path": path}, ready=bool(path))


def _gtzan() -> None:
    st.markdown(
        "1,000 clips in ten genres, known by their names (`blues.00000.wav`). The files stay there."
    )
    path = st.text_input(
        "Folder of GTZAN's audio", key="gtzan-path", placeholder="/home/me/gtzan/genres"
    ).strip()
    filtered = st.checkbox(
        "Only the fault-filtered split",
        key="gtzan-filtered",
        help="443, 197 and 290 clips, without repeats and with no artist in two parts. Its lists "
        "(train_filtered.txt, valid_filtered.txt, test_filtered.txt) must lie in the folder or "
        "around it.",
    )
    name = ask_name("gtzan", "gtzan-filtered" if filtered else "gtzan")
    request = {"make": "gtzan", "path": path, "filtered": filtered}
    _start("Import GTZAN", name, request, ready=bool(path))


def _fma() -> None:
    st.markdown(
        "The Free Music Archive's tables, with the audio that lies beside them. The tables "
        "(358 MB) and the 8,000 clips of the small subset (7.7 GB) are fetched by"
    )
    st.code("\n".join(_COMMANDS.splitlines()[1:3]), language="bash", wrap_lines=True)
    fetched = workspace.fma_folder()
    path = st.text_input(
        "Folder that holds fma_metadata",
        str(fetched) if fetched.is_dir() else "",
        key="fma-path",
        placeholder="/home/me/fma",
    ).strip()
    subset = st.selectbox(
        "Subset",
        list(_SUBSETS),
        format_func=lambda name: f"{name}: {_SUBSETS[name]}",
        key="fma-subset",
    )
    name = ask_name("fma", f"fma-{subset}")
    request = {"make": "fma", "path": path, "subset": str(subset)}
    _start("Import FMA", name, request, ready=bool(path))


def _table() -> None:
    st.markdown(
        "One row a track, a column with its genre, numbers in all other columns. The widespread "
        "GTZAN tables come in as they are."
    )
    upload = st.file_uploader(
        "CSV or Parquet file",
        type=["csv", "tsv", "txt", "parquet", "pq"],
        max_upload_size=LIMIT_MB,
        key="table-upload",
    )
    if upload is None:
        _say(dataset_jobs.failure("table"))
        return
    file = Path(upload.name).name
    try:
        columns, first = _preview(upload.file_id, file, upload)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    label = st.selectbox(
        "Column with the genre",
        columns,
        index=_guess(columns, _LABEL_NAMES),
        key="table-label",
        placeholder="Choose one",
    )
    if label:
        st.markdown(f":gray[It begins with: {plain(', '.join(row[label] for row in first))}]")
    separator = st.text_input(
        "Genre separator", key="table-separator", placeholder="None: one genre a row"
    )
    guessed = _guess(columns, _GROUP_NAMES)
    group = st.selectbox(
        "Column with the artist",
        [_NONE, *columns],
        index=0 if guessed is None else guessed + 1,
        key="table-group",
        help="Or with any other group that must not be in two parts of a split.",
    )
    drop = st.multiselect("Columns to leave out", columns, key="table-drop", placeholder="None")
    name = ask_name("table", _as_name(Path(file).stem) or "my-table")
    _start(
        "Import the table",
        name,
        {
            "make": "table",
            "label": label,
            "label_separator": separator or None,
            "group": None if group == _NONE else group,
            "drop": drop,
        },
        ready=bool(label),
        upload=upload,
    )


@st.cache_data(max_entries=8, show_spinner="Reading the columns …")
def _preview(file_id: str, file: str, _upload: Any) -> tuple[list[str], list[dict[str, str]]]:
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / file
        path.write_bytes(_upload.getvalue())
        first: list[dict[str, str]] = budget.run(
            _READ, {"path": str(path), "n": 3}, budget.TABLE, "This table"
        )
    return list(first[0]), first


_READ = f"{tables.__name__}:{tables.preview_file.__name__}"


def _guess(columns: list[str], names: tuple[str, ...]) -> int | None:
    places = {column.casefold(): index for index, column in reversed(list(enumerate(columns)))}
    return next((places[name] for name in names if name in places), None)


def ask_name(kind: str, suggested: str) -> str:
    """Ask for the data set's name; what is suggested follows what was chosen above."""
    free = suggested
    taken = {entry["name"] for entry in datasets.listing()}
    number = 2
    while free in taken:
        free, number = f"{suggested}-{number}", number + 1
    return str(
        st.text_input("Name of the data set", free, max_chars=64, key=f"name-{kind}-{free}") or ""
    ).strip()


def _as_name(text: str) -> str:
    """Text as a name that a data set can have, or nothing."""
    return re.sub(r"^[\W_]+|\.+$", "", re.sub(r"[^\w.-]+", "-", text))[:64]


def _start(
    label: str, name: str, request: dict[str, Any], *, ready: bool = True, upload: Any = None
) -> None:
    what = request["make"]
    running = any(dataset_jobs.name(job) == name for job in dataset_jobs.running())
    clicked = st.button(
        label,
        type="primary",
        key=f"start-{what}",
        disabled=not ready or running,
        width="stretch",
    )
    if not clicked:
        _say(dataset_jobs.failure(what))
        return
    try:
        dataset_jobs.start({**request, "name": name}, upload)
    except GenreEngineError as error:
        _say(str(error))
        return
    st.rerun()


def _say(problem: str | None) -> None:
    """Why there is no data set, where it was to be made."""
    if problem:
        st.error(plain(problem), icon=":material/error:")

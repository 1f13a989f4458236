"""Audio of MTG-Jamendo: choose, see what it comes to, start; then how it goes and what came."""

import shlex
from concurrent.futures import Future
from typing import Any

import streamlit as st

from genre_engine import datasets
from genre_engine.datasets import Dataset
from genre_engine.download import jamendo_metadata, jamendo_plan
from genre_engine.errors import GenreEngineError
from genre_engine.jobs import Job, hosted
from genre_engine.prediction import vocabulary
from pages.components.explore import estimates, new_dataset
from pages.components.shared import dataset_jobs
from pages.components.shared.local import is_local
from pages.components.shared.session_id import visitor
from pages.components.shared.text import duration, plain

# How often it is looked whether a plan is there, in seconds.
_TICK_S = 0.4
_NEW = "A new data set"
_PER_GENRE, _IN_ALL, _ALL = "Per genre", "In all", "All there are"
_MIDDLE, _WHOLE = "The middle of each", "Whole tracks"
_RULES = {"any": "with any of these genres", "only": "with only these genres"}
_SOURCES = {"raw": "as uploaded (raw_30s.tsv)", "split": "cleaned (the official split files)"}
_SHOWN_FAILURES = 200


def view() -> None:
    """The whole screen; where nothing may be fetched it says so."""
    st.button("All data sets", icon=":material/arrow_back:", on_click=_leave, type="tertiary")
    st.header("Music of MTG-Jamendo", anchor=False)
    st.markdown(
        "MP3s at low quality, about 96 kbit/s, from MTG's server. Each track is under a Creative "
        "Commons licence of its own, mostly for non-commercial use, which is kept with it where it "
        "is known; the metadata is CC BY-NC-SA 4.0 (Music Technology Group)."
    )
    try:
        hosted.check_download()
    except GenreEngineError as error:
        st.info(plain(str(error)), icon=":material/cloud_off:")
        return
    dataset_jobs.show()
    if any(job.kind == "download" for job in dataset_jobs.running()):
        st.markdown(
            "It goes on whatever page you look at, and on this server if you close the page."
        )
        return
    last = dataset_jobs.last_download()
    if last is not None:
        _ended(last)
    with st.container(border=True):
        request = _form()
    if request is not None:
        _estimate(request)


def _ended(job: Job) -> None:
    """How the last download ended, and how to go on."""
    name = dataset_jobs.name(job)
    dataset = _made(name)
    if job.status == "finished":
        if dataset is not None:
            _came(dataset, job)
        return
    there = f" {_there(dataset)}" if dataset is not None else ""
    word = {"failed": "failed", "paused": "was paused"}.get(job.status, "was cancelled")
    why = f" {plain(job.message)}" if job.status == "failed" else ""
    kind = st.error if job.status == "failed" else st.info
    kind(f"The download of **{plain(name)}** {word}.{why}{there}", icon=":material/cloud_download:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Go on", type="primary", icon=":material/play_arrow:", key="download-resume"):
            try:
                dataset_jobs.resume(job)
            except GenreEngineError as error:
                st.error(plain(str(error)), icon=":material/error:")
                return
            st.rerun()
        if dataset is not None:
            _links(name)


def _came(dataset: Dataset, job: Job) -> None:
    failures = dataset.failures
    message = f"**{plain(dataset.name)}** is ready. {_there(dataset)}"
    if not len(failures):
        st.success(message, icon=":material/check_circle:")
    else:
        st.warning(f"{message} {len(failures):,} couldn't be fetched.", icon=":material/warning:")
    with st.container(horizontal=True, vertical_alignment="center"):
        _links(dataset.name)
        if len(failures) and st.button("Try those again", icon=":material/refresh:"):
            _start(job.request)
    if len(failures):
        with st.expander("What couldn't be fetched, and why", icon=":material/filter_alt:"):
            st.dataframe(
                failures[["track_id", "message"]].head(_SHOWN_FAILURES),
                hide_index=True,
                column_config={"track_id": "Track", "message": "Why"},
                alt="Tracks that couldn't be fetched and why",
            )


def _leave(name: str | None = None) -> None:
    """Back to Explore, to one data set where it is named."""
    if name:
        st.session_state["data"] = name
    st.query_params.from_dict({"data": name} if name else {})


def _links(name: str) -> None:
    st.button("Explore it", icon=":material/travel_explore:", on_click=_leave, args=(name,))
    st.page_link(
        "pages/train.py",
        label="Train on this",
        icon=":material/model_training:",
        query_params={"data": name},
    )


def _made(name: str) -> Dataset | None:
    try:
        return datasets.open(name)
    except GenreEngineError:
        return None


def missing(dataset: Dataset) -> int:
    """How many tracks lack their audio, of a data set that it can be fetched for; else 0."""
    if dataset.kind != "jamendo" or hosted.active() or not jamendo_plan.takes_audio(dataset):
        return 0
    return len(dataset.tracks) - len(jamendo_plan.sizes(dataset.audio_folder))


def _there(dataset: Dataset) -> str:
    n = len(dataset.tracks)
    return f"The audio of {n - missing(dataset):,} of its {n:,} tracks is here."


def _form() -> dict[str, Any] | None:
    """What is wanted, as a download's request; None where that can't be."""
    known = [
        entry["name"]
        for entry in datasets.listing()
        if entry["error"] is None
        and entry["kind"] == "jamendo"
        and (dataset := _made(entry["name"])) is not None
        and missing(dataset) > 0
    ]
    chosen = _NEW
    if known:
        asked = st.query_params.get("for")
        options = [_NEW, *known]
        start = options.index(asked) if asked in options else 0
        chosen = str(st.selectbox("For", options, index=start, key=f"download-for-{asked}"))
    if chosen != _NEW:
        return _rest_of(datasets.open(chosen))
    return _new()


def _rest_of(dataset: Dataset) -> dict[str, Any]:
    """What is missing of a data set that exists: it keeps its tracks."""
    st.markdown(_there(dataset))
    request: dict[str, Any] = {"name": dataset.name}
    if "audio_excerpt_s" not in dataset.info:
        request["excerpt_s"] = _length()
    return request


def _new() -> dict[str, Any] | None:
    names = [fact["genre"] for fact in datasets.facts()]
    genres = st.multiselect(
        "Genres",
        names,
        default=list(vocabulary.TEN),
        format_func=vocabulary.display_name,
        key="download-genres",
        help="From the ten most common to all 252; none chosen means all.",
        placeholder="All genres",
    )
    with st.container(horizontal=True):
        how = st.segmented_control(
            "How many tracks", [_PER_GENRE, _IN_ALL, _ALL], default=_PER_GENRE, required=True
        )
        per_genre = tracks = None
        if how == _PER_GENRE:
            per_genre = int(st.number_input("At least", 1, 5000, 50, 10, width=180))
        elif how == _IN_ALL:
            tracks = int(st.number_input("Tracks", 1, 55_701, 500, 100, width=180))
    excerpt_s = _length()
    name = new_dataset.ask_name("download", "jamendo-music")
    more = _more()
    if any(entry["name"] == name for entry in datasets.listing()):
        st.error(
            f"There is a data set **{plain(name)}** already, and it keeps its tracks. Choose "
            "another name.",
            icon=":material/error:",
        )
        return None
    request = {
        "name": name,
        "genres": _genres(genres),
        "per_genre": per_genre,
        "tracks": tracks,
        "excerpt_s": excerpt_s,
        **more,
    }
    try:
        jamendo_plan.Request.of(request)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    return request


def _genres(chosen: list[str]) -> str:
    if not chosen:
        return "all"
    # As the command line has it by default, so that both make the same data set.
    return "top10" if set(chosen) == set(vocabulary.TEN) else ",".join(sorted(chosen))


def _length() -> float | None:
    with st.container(horizontal=True):
        how = st.segmented_control(
            "How much of each",
            [_MIDDLE, _WHOLE],
            default=_MIDDLE,
            required=True,
            help="30 s from the middle are what features are made of, and an eighth of the bytes.",
        )
        if how == _WHOLE:
            return None
        return float(st.number_input("Seconds", 1, 3600, 30, 5, width=180))


def _more() -> dict[str, Any]:
    with st.expander("More", icon=":material/tune:"):
        rule = st.selectbox("Tracks", list(_RULES), format_func=_RULES.__getitem__)
        source = st.selectbox("Genre labels", list(_SOURCES), format_func=_SOURCES.__getitem__)
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, help="Another seed, another choice.")
        jobs = st.number_input(
            "Connections at a time", 1, jamendo_plan.MOST_JOBS, jamendo_plan.JOBS
        )
        metadata = ""
        if is_local():
            metadata = st.text_input(
                "Folder that holds the tables already", placeholder="Empty: fetch them once"
            ).strip()
    return {
        "rule": str(rule),
        "labels_from": str(source),
        "seed": int(seed),
        "jobs": int(jobs),
        "metadata": metadata or None,
    }


def _estimate(request: dict[str, Any]) -> None:
    """What it comes to, and the start."""
    if not (request.get("metadata") or jamendo_metadata.have_metadata() or _made(request["name"])):
        _tables()
        return
    plan = estimates.planner().plan(visitor(), request)
    if not plan.done():
        st.fragment(_wait, run_every=_TICK_S, key="planning")(plan, "Estimating …")
        return
    if error := plan.exception():
        _problem(error)
        return
    facts = plan.result()
    _facts(facts)
    problem = None
    try:
        jamendo_plan.check_room(facts["bytes_kept"])
    except GenreEngineError as error:
        problem = str(error)
    if problem:
        st.error(plain(problem), icon=":material/storage:")
    left = facts["tracks"] - facts["done"]
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(
            "Start the download" if left else "Check what is there",
            type="primary",
            icon=":material/download:",
            disabled=problem is not None,
            key="download-start",
        )
        with st.popover("As a command", icon=":material/terminal:"):
            st.code(command(request), language="bash", wrap_lines=True)
    if clicked:
        _start(request)


def _problem(error: BaseException) -> None:
    said = str(error) if isinstance(error, GenreEngineError) else "This can't be estimated."
    st.error(plain(said), icon=":material/error:")


def _tables() -> None:
    """Without the tables nothing can be chosen: fetch them first."""
    planner = estimates.planner()
    trial = planner.fetching_tables()
    if trial is not None and not trial.done():
        st.fragment(_wait, run_every=_TICK_S, key="planning")(trial, "Fetching the tables …")
        return
    label = "Fetch the tables (19 MB)"
    if trial is not None and (error := trial.exception()) is not None:
        _problem(error)
        label = "Try again"
    else:
        st.markdown(
            "Which tracks there are and what genres they carry stands in MTG's tables. They are "
            "fetched once; then it can be said what your choice comes to."
        )
    if st.button(label, type="primary", icon=":material/table:", key="download-tables"):
        planner.forget_tables()
        planner.fetch_tables(visitor())
        st.rerun()


def _wait(awaited: "Future[Any]", said: str) -> None:
    if awaited.done():
        st.rerun()
    note = estimates.planner().note if "tables" in said else ""
    st.markdown(f":material/progress_activity: {plain(note) or said}")


def _facts(facts: dict[str, Any]) -> None:
    with st.container(border=True, key="download-estimate"):
        with st.container(horizontal=True, gap="medium"):
            done = f" ({facts['done']:,} are here)" if facts["done"] else ""
            _fact("Tracks", f"{facts['tracks']:,}{done}")
            _fact("Artists", f"{facts['artists']:,}")
            _fact("To fetch", jamendo_plan.size(facts["bytes"]))
            _fact("Time", duration(facts["seconds"]))
        measured = "as measured here before" if facts["rate_measured"] else "assumed"
        rate = f"At {facts['rate'] / 1e6:.1f} MB/s ({measured})."
        parts = ", ".join(f"{part} {n:,}" for part, n in facts["parts"].items())
        said = [rate, f"Official parts: {parts}." if parts else "Without official parts."]
        if facts["licences"]:
            said.append(f"The licence of {facts['licences']:,} tracks is known.")
        st.markdown(" ".join(said))
        counts = facts["genres"].items()
        st.markdown(
            ":gray["
            + " · ".join(f"{plain(vocabulary.display_name(g))} {n:,}" for g, n in counts)
            + "]"
        )
        if facts["notes"]:
            with st.expander("What was left out, and what isn't known"):
                for note in facts["notes"]:
                    st.markdown(f"- {plain(note)}")


def _fact(label: str, value: str) -> None:
    with st.container(width="content", gap=None):
        st.markdown(f":gray[{label}]")
        st.markdown(f"**{value}**")


def command(request: dict[str, Any]) -> str:
    """The same from the command line."""
    words = ["python", "-m", "genre_engine", "download", "jamendo-audio", request["name"]]
    usual = jamendo_plan.Request(request["name"]).to_dict()
    names = {"excerpt_s": "excerpt", "per_genre": "per-genre", "labels_from": "labels-from"}
    for key, value in request.items():
        if key == "name" or value == usual[key]:
            continue
        if key == "rule":
            words.append("--only")
        else:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            words += [f"--{names.get(key, key)}", shown]
    return shlex.join(words)


def _start(request: dict[str, Any]) -> None:
    try:
        dataset_jobs.start_download(request)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.rerun()

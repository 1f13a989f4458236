"""The learning curve: what more tracks bring, and which genre needs songs most."""

import shlex
from typing import Any

import streamlit as st

from genre_engine import jobs, runs
from genre_engine.errors import GenreEngineError
from genre_engine.evaluation import growth, learning_curve
from genre_engine.figures import learning_curve as figures
from genre_engine.jobs import Job
from genre_engine.metrics.metric import METRICS
from genre_engine.prediction import vocabulary
from genre_engine.runs import Run
from genre_engine.storage import owners
from genre_engine.training import LearningCurveRequest
from genre_engine.training import learning_curve as measuring
from pages.components.results.data import Judgement
from pages.components.shared.session_id import visitor
from pages.components.shared.text import duration, plain

_CONFIG = {"displayModeBar": False, "displaylogo": False}
_TICK_S = 1.0
# So many genres differ clearly by colour and shape.
_MOST_GENRES = 5
# What isn't in the time of the fits: reading features, starting a process, judging.
_STARTING_S = 8.0


def section(one: Judgement) -> None:
    """The curve as far as it is measured, and what can be done about the rest."""
    run = one.run
    if said := st.session_state.pop("learning-said", None):
        st.error(plain(said), icon=":material/error:")
    job = _latest(run)
    found = learning_curve.read(run)
    if job is not None and job.busy:
        st.fragment(_tick, run_every=_TICK_S, key="learning-tick")(job.id, _state(job, found))
    if found is None:
        if job is None or not job.busy:
            _offer(run, job)
        return
    _curve(found)
    if job is None or not job.busy:
        _rest(run, found, job)


def _latest(run: Run) -> Job | None:
    """The job that measures, or last measured, a run's curve."""
    mine = [
        job
        for job in jobs.listing()
        if job.kind == "learning-curve" and job.request.get("run") in (run.id, run.name)
    ]
    return max(mine, key=lambda job: (job.busy, job.queued_at), default=None)


def _state(job: Job, found: dict[str, Any] | None) -> tuple[Any, ...]:
    return job.status, None if found is None else len(found["points"])


def _tick(job_id: str, drawn: tuple[Any, ...]) -> None:
    try:
        job = jobs.open(job_id)
        found = learning_curve.read(runs.open(str(job.request["run"])))
    except GenreEngineError:
        job, found = None, None
    if job is None or _state(job, found) != drawn:
        st.empty()  # lets a visitor's click go first
        st.rerun()
    if job.status == "queued":
        st.info(
            f"Waiting in the queue, {'next' if job.position == 1 else f'number {job.position}'}.",
            icon=":material/hourglass_top:",
        )
    else:
        said = plain(job.note) or job.working
        if job.seconds_left is not None:
            said += f" · about {duration(job.seconds_left)} left"
        st.progress(min(1.0, job.progress or 0.0), text=said)
    if owners.is_own(job.owner):
        with st.container(horizontal=True):
            for what, icon in (("Pause", ":material/pause:"), ("Cancel", ":material/stop:")):
                st.button(
                    what,
                    icon=icon,
                    key=f"learning-{what.lower()}",
                    on_click=_ask,
                    args=(job.id, what.lower()),
                    help="What is trained is kept.",
                )


def _offer(run: Run, job: Job | None) -> None:
    """The empty state."""
    st.header("Would more songs help?", anchor=False)
    st.markdown(
        "A learning curve trains this run's model again on 10 to 100 % of its training tracks and "
        "judges each on the same tracks as the run. It shows whether the scores still rise with "
        "the number of tracks, and which genre more songs would help most. Test stays sealed."
    )
    _button(run, job, "Measure it")


def _rest(run: Run, found: dict[str, Any], job: Job | None) -> None:
    """What is left to be measured, and the command."""
    if not found["complete"]:
        done = len([point for point in found["points"] if point["share"] < 100])
        st.markdown(f"{done} of {len(found['shares']) - 1} smaller shares are measured.")
        _button(run, job, "Measure the rest")
    for failure in found["failed"]:
        st.warning(
            f"{failure['share']} % of the tracks: {plain(failure['message'])}",
            icon=":material/warning:",
        )
    with st.popover("As a command", icon=":material/terminal:"):
        st.code(f"python -m genre_engine learning-curve {shlex.quote(run.name)}", language="bash")


def _button(run: Run, job: Job | None, label: str) -> None:
    if job is not None and job.status == "failed":
        st.error(plain(job.message), icon=":material/error:")
    if job is not None and job.status in ("paused", "cancelled"):
        st.markdown(f"It was {job.status}; what was trained is kept.")
    seconds = measuring.seconds(run)
    if seconds is not None:
        label += f" (about {duration(seconds + _STARTING_S)})"
    if not owners.may_change(run.folder):
        st.markdown(":gray[This run isn't yours, so its curve can't be measured from here.]")
        return
    st.button(
        label,
        icon=":material/show_chart:",
        type="primary",
        key="learning-measure",
        on_click=_start,
        args=(run.name,),
    )


def _start(name: str) -> None:
    try:
        jobs.supervisor()
        jobs.submit("learning-curve", LearningCurveRequest(name), owner=visitor())
    except GenreEngineError as error:
        st.session_state["learning-said"] = str(error)


def _ask(job_id: str, what: str) -> None:
    try:
        job = jobs.open(job_id)
        {"pause": job.pause, "cancel": job.cancel}[what]()
    except GenreEngineError:
        return  # it has ended in the same moment, which the page shows


def _curve(found: dict[str, Any]) -> None:
    doubled = growth.doubling_text(found["doubling"])
    best = [vocabulary.display_name(genre) for genre in found["advice"]["best"]]
    if best:
        title = f"More songs of {plain(best[0])} would help most"
    elif doubled and found["doubling"]["rises"]:
        title = "More songs would help"
    elif doubled:
        title = "More songs of the same kind would change little"
    else:
        title = "How the scores grow with the tracks"
    st.header(title, anchor=False)
    said = growth.advice_text(found["advice"], _why_not(found), _shown)
    st.markdown(" ".join(filter(None, (said, doubled))))
    names = [name for name in learning_curve.FIGURES if name != "top1" or _single(found)]
    name = str(
        st.segmented_control(
            "Score",
            names,
            format_func=lambda name: METRICS[learning_curve.FIGURES[name]].label,
            default=names[0],
            required=True,
            key="learning-figure",
        )
    )
    st.plotly_chart(
        figures.curve(found, name),
        key=f"learning-{name}",
        config=_CONFIG,
        alt=figures.curve_alt(found, name),
    )
    st.markdown(f":gray[{_caption(found)}]")
    _genres(found)
    with st.expander("As a table", icon=":material/table:"):
        _table(found, names)


def _single(found: dict[str, Any]) -> bool:
    return bool(found["task"] != "multilabel")


def _shown(genre: str) -> str:
    return str(plain(vocabulary.display_name(genre)))


def _why_not(found: dict[str, Any]) -> str:
    """The engine's own words where it names no genre for want of data."""
    known = any(found["advice"]["genres"].values())
    return "" if known else str(found["advice"]["text"])


def _caption(found: dict[str, Any]) -> str:
    judged = found["judged"]
    said = f"Judged on {judged['tracks']:,} tracks of validation"
    if found["folds"]:
        said = (
            f"Judged on {judged['tracks']:,} tracks, each out of its fold ({found['folds']} folds)"
        )
    if judged["over"] is None:
        said += "; too few for intervals"
    else:
        said += f"; bars are 95 % intervals, over {judged['over']} and the choice of tracks"
    whole = "whole artists" if found["left_out"] == "artists" else "single tracks"
    return (
        f"{said}. Smaller shares leave out {whole}; each holds every genre, and small ones are the "
        "mean of several choices. What more songs would bring is read off a power law with a "
        "ceiling: a guide, not a promise. All genres grow together, so part of what a genre seems "
        "to gain may come from the others."
    )


def _genres(found: dict[str, Any]) -> None:
    rows = found["advice"]["genres"]
    gains = {genre: row["gain"] for genre, row in rows.items() if row}
    best = found["advice"]["best"]
    order = sorted(found["genres"], key=lambda g: (g not in best, -gains.get(g, -1.0)))
    st.markdown("**Genre by genre**")
    shown = st.multiselect(
        "Genres",
        order,
        default=order[: min(3, _MOST_GENRES)],
        format_func=vocabulary.display_name,
        key="learning-genres",
        max_selections=_MOST_GENRES,
        placeholder="Choose genres to draw",
        help="Those that are named above come first, then those that may gain most.",
    )
    if shown:
        st.plotly_chart(
            figures.genres(found, shown),
            key="learning-by-genre",
            config=_CONFIG,
            alt=figures.genres_alt(found, shown),
        )


def _table(found: dict[str, Any], names: list[str]) -> None:
    rows = []
    for point in found["points"]:
        row: dict[str, Any] = {
            "Share": f"{point['share']} %",
            "Tracks": round(point["tracks"]),
            "Trainings": point["trainings"],
        }
        for name in names:
            title, value = METRICS[learning_curve.FIGURES[name]].label, point[name]
            row[title] = value["value"]
            low, high = value["interval"] or (None, None)
            row[f"{title}, from"], row[f"{title}, to"] = low, high
        rows.append(row)
    numbers = [name for name in rows[0] if name not in ("Share", "Tracks", "Trainings")]
    st.dataframe(
        rows,
        hide_index=True,
        column_config=dict.fromkeys(numbers, st.column_config.NumberColumn(format="%.3f")),
        alt="Points of the learning curve",
    )
    songs = found["advice"]["songs"]
    listed = [
        {
            "Genre": vocabulary.display_name(genre),
            "Its tracks": round(row["tracks"]),
            "Average precision": row["from"],
            f"Gain with {songs} more": row["gain"],
            "From": row["interval"][0],
            "To": row["interval"][1],
        }
        for genre, row in found["advice"]["genres"].items()
        if row
    ]
    if listed:
        listed.sort(key=lambda row: -row[f"Gain with {songs} more"])
        numbers = [name for name in listed[0] if name not in ("Genre", "Its tracks")]
        st.dataframe(
            listed,
            hide_index=True,
            column_config=dict.fromkeys(numbers, st.column_config.NumberColumn(format="%.3f")),
            alt="What more songs of each genre would bring",
        )

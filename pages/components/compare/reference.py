"""The pretrained networks as rows of the leader board: judged on demand, on the board's tracks."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import streamlit as st

from genre_engine import jobs, runs
from genre_engine.errors import GenreEngineError
from genre_engine.evaluation import repeats
from genre_engine.evaluation.leaders import Board
from genre_engine.evaluation.repeats import Spread
from genre_engine.jobs import Job
from genre_engine.metrics.metric import METRICS
from genre_engine.prediction import reference, vocabulary
from genre_engine.prediction.reference import Judged
from genre_engine.runs import Run
from pages.components.compare.runs import changed
from pages.components.shared import job_badge
from pages.components.shared.session_id import visitor
from pages.components.shared.text import duration, plain

_TITLES = {"full": "Pretrained, all six", "fast": "Pretrained, fast three"}
# Seconds that a second of music takes, measured on two cores; a job runs beside other work.
_RATES = {"full": 1.7 / 60, "fast": 0.75 / 60}
_USUAL_S = 30.0
_TICK_S = 0.6
_MINE = "reference-job"
_SHOWN = ("average_precision.macro", "f1.macro", "roc_auc.macro")


@dataclass(frozen=True, eq=False)
class Added:
    """The networks judged on a board's tracks, once for each of its questions."""

    model: str
    judged: tuple[Judged, ...]

    @property
    def title(self) -> str:
        return _TITLES[self.model]

    @property
    def whole(self) -> bool:
        """Whether they know all genres of the board, so that they can be ranked on it."""
        return not any(one.unknown for one in self.judged)

    def figure(self, name: str) -> Spread:
        return repeats.spread([one.report.figure(name) for one in self.judged])


def rows(board: Board) -> list[Added]:
    """What is judged already and can be ranked with a board's runs."""
    return [added for added in _judged(board) if added.whole]


def _asked(board: Board) -> list[Run]:
    """A run for each of the board's questions."""
    found = {member.asked: member.run for row in board.rows for member in row.members}
    return [found[asked] for asked in sorted(found)]


def _judged(board: Board) -> list[Added]:
    found = []
    for model in reference.MODELS:
        judged = [_judge(run.id, changed(run), model, _kept(run, model)) for run in _asked(board)]
        known = tuple(one for one in judged if one is not None)
        if judged and len(known) == len(judged):
            found.append(Added(model, known))
    return found


def _kept(run: Run, model: str) -> float:
    with suppress(GenreEngineError):
        return reference.kept_at(run, model)
    return 0.0


@st.cache_resource(max_entries=64, show_spinner=False)
def _judge(run_id: str, changed_at: float, model: str, kept_at: float) -> Judged | None:
    """Kept until the run or what the networks said of its tracks changes."""
    if not kept_at:
        return None
    try:
        return reference.judge(runs.open(run_id), model)
    except GenreEngineError:
        return None


def progress(finished: Sequence[Run]) -> None:
    """How far those are that are judged now; the page runs again when they are done."""
    if (job := _busy(finished)) is not None:
        st.fragment(_progress, run_every=_TICK_S, key=f"reference-{job.id}")(job.id)


def offer(board: Board, ranked: Sequence[Added], said: set[str]) -> None:
    """The networks' notes, those that know some of the genres only, and what can be judged.

    Args:
        said: notes that stand on the page already; those of this board are added.
    """
    asked = _asked(board)
    partly = [added for added in _judged(board) if not added.whole]
    for added in partly:
        _partly(board, added)
    if ranked or partly:
        _notes(asked[0], [*ranked, *partly], said)
    with st.expander(
        "Beside the pretrained networks",
        icon=":material/neurology:",
        key=f"reference-{min(board.asked)[:12]}",
        on_change="rerun",
    ) as shown:
        if shown.open:
            _form(asked)


def _form(asked: Sequence[Run]) -> None:
    """What is needed to judge them, with a button for each choice of networks."""
    for run in asked:
        if why := reference.obstacle(run):
            st.markdown(plain(why))
            return
    unknown = reference.known(asked[0].config.genres).unknown
    said = "They name genres that they learnt elsewhere; here they are judged on these very tracks."
    if unknown:
        names = ", ".join(vocabulary.name_within(genre) for genre in unknown)
        said += f" They don't know {names}, so runs and networks are compared on the other genres."
    st.markdown(f"{plain(said)} {reference.overlap(asked[0])}")
    busy = _busy(asked) is not None
    with st.container(horizontal=True, vertical_alignment="center"):
        for model in reference.MODELS:
            _button(asked, model, busy=busy)
    if busy:
        st.markdown(":gray[They are being judged on this data set already; see above.]")
    failed = _failed()
    if failed:
        st.error(plain(failed), icon=":material/error:")


def _button(asked: Sequence[Run], model: str, *, busy: bool) -> None:
    try:
        left = [(run, reference.missing(run, model)) for run in asked]
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    tracks = sum(n for _, n in left)
    name = "all six" if model == "full" else "the three fast ones"
    if not tracks:
        st.markdown(f":material/check: {name} judged", width="content")
        return
    seconds = sum(n * _RATES[model] * _length_s(run) for run, n in left)
    if st.button(
        f"Judge {name}",
        key=f"reference-{model}-{asked[0].id}",
        icon=":material/play_arrow:",
        disabled=busy,
        help=f"{tracks:,} tracks are to be analysed, which takes about {duration(seconds)}, longer "
        "where the computer is busy. What is done is kept.",
    ):
        run = next(run for run, n in left if n)
        try:
            jobs.supervisor()
            job = jobs.submit("reference", {"run": run.id, "model": model}, owner=visitor())
        except GenreEngineError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        st.session_state[_MINE] = job.id
        st.rerun()


def _length_s(run: Run) -> float:
    seconds = run.config.features.get("parameters", {}).get("excerpt_s")
    return float(seconds or 4 * _USUAL_S)


def _busy(asked: Sequence[Run]) -> Job | None:
    """The job that judges the networks on one of these runs' data sets."""
    names = {run.config.dataset for run in asked}
    mine = st.session_state.get(_MINE)
    if mine is not None:  # the badge's list may be a moment old
        with suppress(GenreEngineError):
            job = jobs.open(mine)
            if job.busy and job.dataset in names:
                return job
    found = [job for job in job_badge.busy() if job.kind == "reference"]
    return next((job for job in found if job.dataset in names and job.id != mine), None)


def _progress(job_id: str) -> None:
    job = None
    with suppress(GenreEngineError):
        job = jobs.open(job_id)
    if job is None or not job.busy:
        st.empty()
        st.rerun()
    note = job.note or job.working
    if job.status == "queued":
        note = "Waiting for its turn"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.progress or 0.0, text=f"Pretrained networks: {plain(note)}")
        st.button(
            "Stop",
            key=f"stop-{job.id}",
            on_click=_stop,
            args=(job.id,),
            help="What is done is kept, and it can go on later.",
        )


def _stop(job_id: str) -> None:
    with suppress(GenreEngineError):
        jobs.open(job_id).cancel()


def _failed() -> str:
    """Why this visit's last try failed."""
    with suppress(GenreEngineError):
        if (mine := st.session_state.get(_MINE)) is not None:
            job = jobs.open(mine)
            return job.message if job.status == "failed" else ""
    return ""


def _notes(run: Run, added: Sequence[Added], before: set[str]) -> None:
    """What to bear in mind when they are compared."""
    said = [reference.overlap(run)]
    unread = max(judged.unread for one in added for judged in one.judged)
    if unread:
        said.append(
            f"Of {unread} track{'' if unread == 1 else 's'} the audio couldn't be analysed; there "
            "they name no genre."
        )
    if run.config.task != "multilabel":
        said.append("Their scores are made to add up to 1, since a track has one genre here.")
    text = " ".join(said)
    if text not in before:
        before.add(text)
        st.markdown(f":gray[About the pretrained networks: {text}]")


def _partly(board: Board, added: Added) -> None:
    """The networks beside the board's runs, on the genres that they know."""
    judged = added.judged[0]
    names = ", ".join(vocabulary.name_within(genre) for genre in judged.unknown)
    st.markdown(
        plain(
            f"On the {len(judged.genres)} of {len(judged.genres) + len(judged.unknown)} genres "
            f"that the pretrained networks know (not {names}):"
        )
    )
    lines: list[dict[str, Any]] = [
        {"Run": added.title} | {METRICS[name].label: added.figure(name).mean for name in _SHOWN}
    ]
    for row in board.rows:
        own = [
            _judge(member.run.id, changed(member.run), added.model, _kept(member.run, added.model))
            for member in row.members
        ]
        if any(one is None for one in own):
            continue
        lines.append(
            {"Run": row.run.name}
            | {
                METRICS[name].label: repeats.spread(
                    [one.own.figure(name) for one in own if one is not None]
                ).mean
                for name in _SHOWN
            }
        )
    lines.sort(key=lambda line: -(line[METRICS[_SHOWN[0]].label] or 0.0))
    st.dataframe(
        lines,
        hide_index=True,
        placeholder="–",
        column_config={
            METRICS[name].label: st.column_config.NumberColumn(format="%.3f") for name in _SHOWN
        },
        alt="On the genres that the pretrained networks know: "
        + "; ".join(f"{line['Run']} {line[METRICS[_SHOWN[0]].label]:.3f}" for line in lines[:10]),
    )

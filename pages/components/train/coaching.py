"""What a training's curves suggest, in words, with a way to try it."""

from dataclasses import replace

import streamlit as st

from genre_engine import models
from genre_engine.errors import GenreEngineError
from genre_engine.evaluation import coaching
from genre_engine.evaluation.coaching import Remark
from genre_engine.runs import Run
from genre_engine.training import TrainingRequest
from pages.components.shared import navigation
from pages.components.shared.text import plain
from pages.components.train import request_text

_ICONS = {"fine": ":material/check:", "few tracks": ":material/groups:"}


def section(run: Run) -> None:
    """The remarks on a run that has ended; nothing where there is nothing to say."""
    try:
        found = coaching.of_run(run)
    except GenreEngineError:
        return
    if not found:
        return
    with st.container(border=True, gap="small", key="coaching"):
        about_curves = any(remark.kind != "few tracks" for remark in found)
        title = "What its curves suggest" if about_curves else "To bear in mind"
        st.markdown(f"**{title}**")
        for remark in found:
            with st.container(horizontal=True, vertical_alignment="center"):
                icon = _ICONS.get(remark.kind, ":material/lightbulb:")
                st.markdown(f"{icon} {plain(remark.text)}", width="stretch")
                if remark.change and run.config.model in models.NAMES:
                    _button(run, remark)


def _button(run: Run, remark: Remark) -> None:
    if st.button(
        f"Train again with {remark.action}",
        key=f"coach-{remark.kind.replace(' ', '-')}",
        icon=":material/edit:",
        help="Fills the Train page with what this run trained, and this change.",
    ):
        params = request_text.params(changed(run, remark))
        navigation.go("train", params)


def changed(run: Run, remark: Remark) -> TrainingRequest:
    """What this run trained, with a remark's change."""
    request = request_text.of_run(run.config)
    about = models.model(request.model).Settings
    settings = about.from_dict({**request.settings, **remark.change}).changed()
    return replace(request, settings=settings)

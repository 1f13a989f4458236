"""Train: choose what to train, and watch it learn."""

from dataclasses import replace

import streamlit as st

from genre_engine import datasets
from genre_engine.errors import GenreEngineError
from pages.components.explore import new_dataset
from pages.components.shared import dataset_jobs, navigation
from pages.components.shared.text import plain
from pages.components.train import bundles, pickers, queue, search, start, watch
from pages.components.train import settings as train_settings

# A phone has the presets only. Start stays in sight however long the page is, and lets nothing
# shine through.
_STYLE = """<style>
.st-key-train-start {{
  position: sticky; bottom: 0.75rem; z-index: 20;
  background: light-dark({light}, {dark});
  box-shadow: 0 0.25rem 1rem rgba(30, 20, 60, 0.12);
}}
@media (max-width: 640px) {{
  .st-key-train-settings, .st-key-train-command {{ display: none; }}
  .st-key-train-start {{ gap: 0.5rem; padding: 0.75rem; }}
}}
</style>"""


def main() -> None:
    ground = {
        theme: st.get_option(f"theme.{theme}.backgroundColor") or "Canvas"
        for theme in ("light", "dark")
    }
    st.html(_STYLE.format(**ground))
    try:
        job, run = watch.found()
    except GenreEngineError as error:
        st.title("Train", anchor=False)
        st.error(plain(str(error)), icon=":material/error:")
        st.button("All trainings", icon=":material/arrow_back:", on_click=watch.leave)
        return
    if job is not None or run is not None:
        st.title(watch.title(job, run), anchor=False)
        watch.show(job, run)
        queue.others(job)
        return
    st.title("Train a classifier", anchor=False)
    made = dataset_jobs.finished()
    if made is not None:
        st.session_state["train-data"] = made
        st.toast(f"**{plain(made)}** is ready.", icon=":material/check_circle:")
    _choose()
    queue.others(None)
    queue.earlier()
    bundles.import_form()


def _choose() -> None:
    wanted = pickers.current()
    names = [entry["name"] for entry in datasets.listing() if not entry["error"]]
    dataset_jobs.show()
    if not names:
        _empty()
        return
    if wanted.dataset_name and wanted.dataset_name not in names:
        st.warning(
            f"The data set **{plain(wanted.dataset_name)}** isn't here; choose another one.",
            icon=":material/warning:",
        )
    try:
        data, chosen = pickers.sentence(names)
    except GenreEngineError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.markdown(pickers.about(chosen.model))
    pickers.propose_for_few(data, chosen)
    presets = st.container(horizontal=True, vertical_alignment="center", key="train-presets")
    settings = train_settings.sliders(chosen.model)
    with presets:
        train_settings.presets(chosen.model, settings or {})
    choice = None if settings is None else replace(chosen, settings=settings)
    pickers.keep(choice or chosen)
    start.bar(data, choice)
    if choice is not None:
        search.form(choice)


def _empty() -> None:
    st.markdown(
        "There is nothing to train on yet. The quickest way is the demo set: synthetic music in "
        f"ten genres, made here in about {new_dataset.demo_time()}."
    )
    with st.container(horizontal=True):
        if not dataset_jobs.running() and st.button(
            "Make the demo set", type="primary", icon=":material/science:", key="train-make-demo"
        ):
            try:
                dataset_jobs.start(
                    {"make": "demo", "name": "demo", "tracks": new_dataset.DEMO_TRACKS}
                )
            except GenreEngineError as error:
                st.error(plain(str(error)), icon=":material/error:")
                return
            st.rerun()
        st.page_link("pages/explore.py", label="Other data", icon=":material/travel_explore:")


navigation.enter()
main()

"""A run as one file: export and import."""

import tempfile
from pathlib import Path

import streamlit as st

from genre_engine.errors import GenreEngineError
from genre_engine.jobs import hosted, quota
from genre_engine.runs import Run
from genre_engine.storage import owners
from genre_engine.training import bundle
from pages.components.shared.session_id import visitor
from pages.components.shared.text import plain

# MB; a run with its model and predictions is far smaller.
LIMIT_MB = 100

_PAGES = Path(__file__).parents[2]
_TAKEN = "train-bundles-taken"


def has_page(name: str) -> bool:
    """Whether the app has such a page."""
    return (_PAGES / f"{name}.py").is_file()


def export(run: Run) -> None:
    """Offer a finished run as a zip, which is packed when it is asked for."""
    st.download_button(
        "Export",
        lambda: _packed(run),
        bundle.file_name(run),
        "application/zip",
        icon=":material/download:",
        on_click="ignore",
        key="train-export",
        help="The model with its settings, figures and model card in one file: train at home, "
        "bring it to a shared server",
    )


def _packed(run: Run) -> bytes:
    with tempfile.TemporaryDirectory() as room:
        return bundle.export(run, Path(room) / bundle.file_name(run)).read_bytes()


def import_form() -> None:
    """Offer to import a run from elsewhere."""
    with st.expander("Import a run from another machine", icon=":material/upload:"):
        upload = st.file_uploader(
            "A run as a zip",
            type=["zip"],
            max_upload_size=hosted.UPLOAD_MB if hosted.active() else LIMIT_MB,
            key="train-bundle",
            help="What `export` wrote. It is checked before anything in it is loaded.",
        )
        taken: dict[str, str] = st.session_state.setdefault(_TAKEN, {})
        if upload is None:
            return
        if upload.file_id not in taken:
            try:
                hosted.check_upload(upload.size)
                with (
                    st.spinner("Looking through the zip …"),
                    owners.acting_for(visitor(), private=True),
                ):
                    run = bundle.import_zip(upload)
                quota.admit(run.folder)
            except GenreEngineError as error:
                st.error(plain(str(error)), icon=":material/error:")
                return
            taken[upload.file_id] = run.id
            # It belongs among the earlier ones, which may have been drawn already.
            st.rerun()
        st.page_link(
            "pages/train.py",
            label="Imported: show the run",
            icon=":material/check_circle:",
            query_params={"run": taken[upload.file_id]},
        )

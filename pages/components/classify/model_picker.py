"""Which models classify the songs of the Classify page: the pretrained networks and finished runs.

The choice stands in the address by the models' names, `?model=full&model=demo-fcn`, so that a link
leads to a run's model; the usual choice, all pretrained networks, stands nowhere.
"""

import streamlit as st

from genre_engine import pretrained
from genre_engine.prediction import MODEL, ModelInfo, catalogue
from genre_engine.pretrained import discogs
from pages.components.shared.session_id import visitor
from pages.components.shared.text import plain

NAMES = {
    "full": "All pretrained networks",
    "fast": "Quick pretrained networks",
    "discogs": "Discogs-EffNet",
}

# Side by side there is room for no more.
_MOST = 3
_KEY = "models"
_TOLD = "models_in_address"
_ADDRESS = "model"
# Seconds after which the workspace is looked through again for runs that have finished.
_FRESH_S = 3.0


@st.cache_data(ttl=_FRESH_S, max_entries=64, show_spinner=False)
def _available(runs_folder: str, visitor: str) -> list[ModelInfo]:
    return catalogue.available()


def refresh() -> None:
    """Look for models again at the next run of the page."""
    _available.clear()


def choose() -> list[ModelInfo]:
    """The models that the visitor wants, at least one, in the order of the choice."""
    from genre_engine.storage import workspace

    there = {model.name: model for model in _available(str(workspace.runs_folder()), visitor())}
    missing = _follow_address(there)
    chosen = [MODEL]
    if len(there) > 1:
        kept = [name for name in st.session_state.get(_KEY, [MODEL]) if name in there]
        st.session_state[_KEY] = kept
        chosen = st.multiselect(
            "Models",
            list(there),
            format_func=lambda name: _label(there[name]),
            key=_KEY,
            persist_state="session",
            max_selections=_MOST,
            placeholder=NAMES[MODEL],
            help="The pretrained networks know up to 43 genres; the quick ones take about a third "
            "of the time. A run's model knows the genres that it was trained on. Up to "
            f"{_MOST}, side by side.",
        )
    if missing:
        st.warning(
            f"There is no model **{plain(missing)}** that can classify songs. Its run was removed, "
            "hasn't finished yet, or learnt from features that this version doesn't make.",
            icon=":material/warning:",
        )
    chosen = chosen or [MODEL]
    _tell_address(chosen)
    return [there[name] for name in chosen]


def _label(model: ModelInfo) -> str:
    if not model.is_run:
        return NAMES[model.id]
    return f"{model.name} ({len(model.genres)} genres)"


def _follow_address(there: dict[str, ModelInfo]) -> str:
    """Take over what a link asks for; a name in it that isn't there."""
    asked = st.query_params.get_all(_ADDRESS)
    if asked and asked != st.session_state.get(_TOLD):
        by_id = {model.id: name for name, model in there.items()}
        # Links from before there were two choices of pretrained networks.
        asked_now = [MODEL if name == "pretrained" else name for name in asked]
        names = [by_id.get(name, name) for name in dict.fromkeys(asked_now)]
        st.session_state[_KEY] = [name for name in names if name in there][:_MOST] or [MODEL]
        st.session_state["models_missing"] = next((name for name in names if name not in there), "")
        st.session_state[_TOLD] = asked
    return str(st.session_state.get("models_missing", ""))


def _tell_address(chosen: list[str]) -> None:
    if chosen == [MODEL]:
        st.query_params.pop(_ADDRESS, None)
    else:
        st.query_params[_ADDRESS] = chosen
    st.session_state[_TOLD] = [] if chosen == [MODEL] else chosen


def about(model: ModelInfo) -> None:
    """What a model was trained on, and how; a badge where that wasn't real music."""
    if model.id == catalogue.DISCOGS:
        st.markdown(f"Trained on Discogs and MTG-Jamendo · {plain(discogs.LICENCE)}")
        return
    if not model.is_run:
        there = pretrained.available(model.id)
        data = dict.fromkeys(pretrained.NETWORKS[name].data for name in there)
        st.markdown(f"Trained on {', '.join(data)}" if data else "Fetched with the first song")
        return
    line = f"Trained on **{plain(model.dataset)}**"
    if model.synthetic:
        line += " :orange-badge[:material/science: synthetic music only]"
    how = f"{plain(model.algorithm)} on {plain(model.features)}, {len(model.genres)} genres"
    st.markdown(f"{line} · {how}")

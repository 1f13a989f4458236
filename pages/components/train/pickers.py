"""What is to be trained, on the Train page: a sentence whose words can be chosen."""

from typing import Any, TypeVar

import streamlit as st

from genre_engine import labels, models
from genre_engine.errors import GenreEngineError
from genre_engine.features import store as feature_stores
from genre_engine.prediction import vocabulary
from genre_engine.splits import FOLD_KINDS
from genre_engine.training import TrainingRequest
from pages.components.shared import datasets
from pages.components.shared.datasets import Opened
from pages.components.shared.feature_names import excerpt_of, features_text
from pages.components.shared.text import plain
from pages.components.train import request_text, settings
from pages.components.train.request_text import RULES, TASKS, split_title

_WHICH = {"": "Those of the data set", "top10": "The ten most common", "named": "Chosen ones"}
Choice = TypeVar("Choice")

# Below so many tracks cross-validation is proposed, and this model on the embedding.
FOLDS_BELOW = 200
FOR_FEW = "linear"
_CHOICE = "train-choice"
_ADDRESS = "train-address"


def current() -> TrainingRequest:
    """The choice that the page shows: the address's where that is news, else this visit's."""
    params = {name: value for name, value in st.query_params.items() if value}
    known: TrainingRequest | None = st.session_state.get(_CHOICE)
    if known is None or (params and params != st.session_state.get(_ADDRESS)):
        known = request_text.read(params)
        fill(known)
    return known


def keep(choice: TrainingRequest) -> None:
    """Remember a choice and put it into the address, so that a link or a reload brings it back."""
    params = request_text.params(choice)
    st.session_state[_CHOICE] = choice
    st.session_state[_ADDRESS] = params
    if st.query_params.to_dict() != params:
        st.query_params.from_dict(params)


def fill(choice: TrainingRequest) -> None:
    """Set all widgets; before they are drawn, or in a callback."""
    st.session_state[_CHOICE] = choice
    st.session_state["train-data"] = choice.dataset_name
    for name in ("model", "task", "rule", "split", "seed"):
        st.session_state[f"train-{name}"] = getattr(choice, name)
    excerpt = request_text.excerpt_text(choice)
    st.session_state["train-features"] = (choice.features or "", excerpt)
    genres = request_text.genres_text(choice)
    which = genres if genres in ("", "top10") else "named"
    st.session_state["train-which"] = which
    st.session_state["train-genres"] = labels.unlisted(genres) if which == "named" else []
    settings.fill(choice.model, choice.settings)


def sentence(names: list[str]) -> tuple[Opened, TrainingRequest]:
    """Draw the sentence; returns the data set and the choice without its settings.

    Raises:
        GenreEngineError: the data set can't be opened.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="train-say"):
        st.markdown("Train", width="content")
        model = _choice("model", list(models.NAMES), lambda name: models.model(name).title, 130)
        st.markdown("on", width="content")
        name = _choice("data", names, str, 150)
        data = datasets.opened(name)
        kinds = _features(data, model)
        genres, task, rule = _genres(data)
        split = _choice("split", _splits(data), split_title, 150)
        features, excerpt = _choice("features", kinds, lambda chosen: features_text(*chosen), 165)
    return data, TrainingRequest(
        name,
        model=model,
        features=features if features != kinds[0][0] else None,
        excerpt_s=request_text.excerpt_s(excerpt),
        task=task,
        genres=genres or None,
        rule=rule,
        split=split,
        seed=int(st.session_state.get("train-seed", 0)),
    )


def feature_kinds(data: Opened, model: str) -> list[str]:
    """What a model can take of a data set; the usual kind first."""
    if models.model(model).input == "patches":
        return ["patches"]
    return ["table"] if data.dataset.kind == "feature_table" else ["summary", "embedding"]


def _features(data: Opened, model: str) -> list[tuple[str, str]]:
    """Kinds and excerpts to choose from: the usual excerpt, and those that were extracted or asked
    for."""
    names = feature_kinds(data, model)
    asked = st.session_state.get("train-features", ("", ""))
    if not asked[0]:  # the usual kind
        asked = st.session_state["train-features"] = (names[0], asked[1])
    found = [(name, "") for name in names]
    made = (store.kind for store in feature_stores.listing(data.dataset.features_folder))
    there = [(kind.name, excerpt_of(kind.parameters)) for kind in made if kind is not None]
    return found + sorted({choice for choice in [*there, asked] if choice[0] in names} - {*found})


def _splits(data: Opened) -> list[str]:
    chosen = st.session_state.get("train-split", "artist")
    kinds = list(data.kinds) or ["random"]
    kinds.sort(key=["artist", "official", "random"].index)
    kinds += [kind for kind in reversed(FOLD_KINDS) if kind == "kfold" or "artist" in kinds]
    # Fractions of one's own, or another number of folds, come with an address or an earlier run.
    own = [chosen] if ":" in chosen and chosen.split(":")[0] in kinds else []
    return kinds + own


def is_small(data: Opened) -> bool:
    """Whether a single split would leave too few tracks to judge by."""
    return len(data.tracks) < FOLDS_BELOW


def propose_for_few(data: Opened, choice: TrainingRequest) -> None:
    """For a small data set, offer what says most about few tracks and say why: cross-validation,
    and where there is audio, a simple model on the pretrained networks' embedding. Nothing for a
    larger one.
    """
    if not is_small(data):
        return
    n = len(data.tracks)
    has_folds = choice.split.partition(":")[0] in FOLD_KINDS
    embeds = "embedding" in feature_kinds(data, choice.model) and choice.features != "embedding"
    if has_folds and not embeds:
        st.markdown(
            f"With {n} tracks a single test part would say little, so each track is judged once, "
            "by a model that learnt from the other folds; the model that is kept learns from all."
        )
        return
    kind = "artist-kfold" if "artist" in data.kinds else "kfold"
    folds = choice.split if has_folds else kind
    reasons, label = [], []
    if embeds:
        reasons.append(
            "A small model on the musicnn embedding, whose network learnt from many songs, needs "
            "fewer tracks than one that starts from nothing."
        )
        label.append("the embedding")
    if not has_folds:
        reasons.append("With folds each track is judged once, by a model that learnt from others.")
        label.append(split_title(kind))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{n} tracks are few. {' '.join(reasons)}", width="stretch")
        st.button(
            f"Use {' and '.join(label)}",
            key="train-use-folds",
            icon=":material/splitscreen:",
            on_click=_use,
            args=(folds, embeds),
        )


def _use(split: str, embedding: bool) -> None:
    st.session_state["train-split"] = split
    if embedding:
        st.session_state["train-features"] = ("embedding", "")
        st.session_state["train-model"] = FOR_FEW
        settings.fill(FOR_FEW, {})


def _choice(name: str, options: list[Choice], title: Any, width: int) -> Choice:
    key = f"train-{name}"
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0]
    return st.selectbox(
        name.capitalize(),
        options,
        key=key,
        format_func=title,
        label_visibility="collapsed",
        persist_state="session",
        width=width,
    )


def _genres(data: Opened) -> tuple[str, str, str]:
    """Genres, task and rule, behind one word."""
    there = list(data.counts)
    which = st.session_state.get("train-which", "")
    named = [genre for genre in st.session_state.get("train-genres", []) if genre in there]
    st.session_state["train-genres"] = named
    task = st.session_state.get("train-task", "multilabel")
    label = _genres_label(data, which, named)
    if task != "multilabel":
        label += f", {TASKS[task]}"
    with st.popover(label):
        which = st.segmented_control(
            "Genres",
            list(_WHICH),
            format_func=_WHICH.__getitem__,
            key="train-which",
            required=True,
            persist_state="session",
        )
        if which == "named":
            named = st.multiselect(
                "Which",
                there,
                key="train-genres",
                format_func=lambda genre: (
                    f"{vocabulary.display_name(genre)} · {data.counts[genre]:,} tracks"
                ),
                persist_state="session",
            )
        task = st.radio(
            "Task", list(TASKS), format_func=TASKS.__getitem__, key="train-task",
            persist_state="session",
        )  # fmt: skip
        rule = st.radio(
            "Tracks with",
            list(RULES),
            format_func=RULES.__getitem__,
            key="train-rule",
            persist_state="session",
            help="The course project took only tracks whose genres all lie among the chosen. That "
            "is an easier selection, and published figures are not on it.",
        )
        st.number_input(
            "Seed", 0, 2**32 - 1, key="train-seed", persist_state="session",
            help="Decides the split and the network's initial weights",
        )  # fmt: skip
    genres = labels.listed(named) if which == "named" else str(which)
    return genres, str(task), str(rule)


def _genres_label(data: Opened, which: str, named: list[str]) -> str:
    if which == "named":
        if 0 < len(named) <= 2:
            return plain(" and ".join(vocabulary.display_name(genre) for genre in named))
        return f"{len(named)} genres"
    try:
        found = labels.choose(data.counts, which) if which else data.dataset.genres
    except GenreEngineError:
        return "genres"
    return f"{len(found)} genres"


def about(model: str) -> str:
    """A model in a sentence, for the page."""
    kind = models.model(model)
    return f"**{plain(kind.title)}**: {plain(kind.about)}"

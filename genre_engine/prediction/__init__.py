"""A song and a model → ranked genres, of the whole song and over time.

`stream` gives a first ranking and refines it while the rest is computed; `glance` gives one before
the song is decoded; `analyse` waits for the end; `classify` gives that as plain JSON values.

    catalogue.py    which models there are: the pretrained networks, and every finished run
    tagging.py      the pretrained networks: windows of 3 s → tags → genres
    excerpts.py     a song → windows as long as a training excerpt
    trained.py      a run's model: windows → features → its own genres

A model is named by `pretrained` or by a run's id or name.
"""

from collections.abc import Iterator
from typing import Any

from genre_engine.audio import MAX_DURATION_S
from genre_engine.audio.decoders import Source
from genre_engine.errors import WrongUsage
from genre_engine.prediction import catalogue, pretrained_model, vocabulary
from genre_engine.prediction.analysis import Analysis, element
from genre_engine.prediction.catalogue import MODEL, ModelInfo
from genre_engine.prediction.pretrained_model import from_tags

__all__ = [
    "MODEL",
    "ModelInfo",
    "analyse",
    "catalogue",
    "check_choice",
    "classify",
    "from_tags",
    "glance",
    "load",
    "stream",
]


def check_choice(view: str | None, model: str) -> ModelInfo:
    """The model of a name, if it has that view (None: the one that it shows first).

    Raises:
        WrongUsage: there is no such model, or it has no such view.
        RunError, ModelError: it is a run that can't classify songs.
    """
    if view is not None and view not in vocabulary.VIEWS and view != catalogue.OWN:
        raise WrongUsage(
            f"There is no view '{view}'. Choose one of: {', '.join(vocabulary.VIEWS)}."
        )
    found = catalogue.find(model)
    if view is not None and view not in found.views:
        raise WrongUsage(
            f"The model '{found.name}' has no view '{view}': it knows the "
            f"{len(found.genres)} genres that it was trained on. Leave out the view."
            if found.is_run
            else f"The pretrained networks have no view '{view}'. Choose one of: "
            f"{', '.join(found.views)}."
        )
    return found


def load(model: ModelInfo) -> None:
    """Have a run's model in memory; the last ones that were used stay there.

    Raises:
        RunError, ModelError: it was removed, is damaged, or can't be used.
    """
    from genre_engine.prediction import run_model

    run_model.load(model)


def classify(
    source: Source,
    model: str = MODEL,
    *,
    view: str | None = None,
    top: int | None = None,
    windows: bool = False,
) -> dict[str, Any]:
    """Classify a whole song; one element of `classify --format json`, scores from 0 to 1.

    Args:
        source: a path, or the bytes of a file.
        view: for the pretrained networks `wide` (the default) or `ten`; a run has one view, `own`.
        top: how many genres, best first; None for all.
        windows: whether to list the windows with their scores.

    Raises:
        AudioError: one of its children says what is wrong with the source.
        WeightsError: the pretrained weights can't be had.
        WrongUsage: there is no such model or view.
        RunError, ModelError: the run has no model that can classify songs.
    """
    chosen = check_choice(view, model)
    file = None if isinstance(source, bytes) else str(source)
    found = analyse(source, chosen.id)
    return element(found, file, view or chosen.views[0], top=top, windows=windows)


def analyse(source: Source, model: str = MODEL, *, limit_s: float = MAX_DURATION_S) -> Analysis:
    """The complete analysis of a source; raises what `stream` raises."""
    *_, complete = stream(source, model, limit_s=limit_s)
    return complete


def stream(
    source: Source, model: str = MODEL, *, limit_s: float = MAX_DURATION_S
) -> Iterator[Analysis]:
    """Snapshots of the analysis; the last is complete.

    Raises:
        AudioError: one of its children says what is wrong with the source.
        WeightsError: the pretrained weights can't be had.
        WrongUsage, RunError, ModelError: there is no such model, or it can't classify songs.
    """
    if model == MODEL:
        return pretrained_model.stream(source, limit_s=limit_s)
    from genre_engine.prediction import run_model

    return run_model.stream(source, catalogue.find(model), limit_s=limit_s)


def glance(
    source: Source, model: str = MODEL, *, limit_s: float = MAX_DURATION_S
) -> Analysis | None:
    """A first ranking from a few windows spread over the song, without decoding the rest.

    For whoever waits at a screen: `stream` has to decode a song before its first snapshot. None
    where the source can't be sought in, and for short songs.

    Raises:
        as `stream`; of AudioError only that the source can't be opened.
    """
    if model == MODEL:
        return pretrained_model.glance(source, limit_s=limit_s)
    from genre_engine.prediction import run_model

    return run_model.glance(source, catalogue.find(model), limit_s=limit_s)

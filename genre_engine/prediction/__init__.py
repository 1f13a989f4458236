"""A song and a model → ranked genres, of the whole song and over time.

`stream` gives a first ranking and refines it while the rest is computed; `glance` gives one before
the song is decoded; `analyse` waits for the end; `classify` gives that as plain JSON values.

    catalogue.py            which models there are: the pretrained networks, and every finished run
    song_model.py           what each of them can do
    discogs_model.py        MTG's Discogs-EffNet, where its terms were accepted
    pretrained_model.py     the pretrained networks: windows of 3 s and 29 s → tags → genres
    vocabulary.py           what the tags mean
    combining.py            tag probabilities of several networks → scores of genres
    run_model.py            a run's model: windows → features → its own genres
    windows.py              a song → windows as long as a training excerpt
    analysis.py             what is known of a song, as JSON, CSV and plain values
    overview.py             waveform and spectrogram of a whole song, for drawing
    recent.py               analyses kept by the content of the file
    teaching.py             genres that visitors corrected, kept by the content of the file
    taught_model.py         what is learnt from these, how good it is, and a data set of them
    questions.py            what else can be asked of a song: tempo and key, reasons
    reasons.py              what a genre's score loses without a part of the sound
    example.py              the bundled piece and its analysis
    process.py              all this in a process of its own, for a server

A model is named `full` (all pretrained networks; `pretrained` is the same), `fast` (the quick ones
among them), or by a run's id or name.
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
from genre_engine.prediction.song_model import SongModel

__all__ = [
    "MODEL",
    "ModelInfo",
    "SongModel",
    "analyse",
    "catalogue",
    "check_choice",
    "classify",
    "from_tags",
    "glance",
    "open_model",
    "stream",
]


def check_choice(view: str | None, model: str) -> ModelInfo:
    """The model of a name, if it has that view (None: the one that it shows first).

    Raises:
        WrongUsage: there is no such model, or it has no such view.
        RunError, ModelError: it is a run that can't classify songs.

    >>> check_choice("ten", "fast").id
    'fast'
    """
    known = (*vocabulary.VIEWS, catalogue.STYLES, catalogue.OWN)
    if view is not None and view not in known:
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


def open_model(model: ModelInfo | str) -> SongModel:
    """A model that songs can be classified with; nothing is loaded yet.

    Raises:
        WrongUsage, RunError, ModelError: there is no such model, or it can't classify songs.

    >>> open_model("fast").info.name
    'fast'
    """
    info = catalogue.find(model) if isinstance(model, str) else model
    if info.id == catalogue.DISCOGS:
        from genre_engine.prediction import discogs_model

        return discogs_model.DiscogsModel(info)
    if not info.is_run:
        return pretrained_model.PretrainedModel(info)
    from genre_engine.prediction import run_model

    return run_model.RunModel(info)


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
        WeightsError: the pretrained weights can't be fetched.
        WrongUsage: there is no such model or view.
        RunError, ModelError: the run has no model that can classify songs.

    >>> from genre_engine.prediction import example
    >>> found = classify(example.PATH, "fast", top=3)
    >>> round(found["duration_s"]), len(found["genres"])
    (48, 3)
    """
    chosen = check_choice(view, model)
    file = None if isinstance(source, bytes) else str(source)
    found = analyse(source, chosen.id)
    return element(found, file, view or chosen.views[0], top=top, windows=windows)


def analyse(source: Source, model: str = MODEL, *, limit_s: float = MAX_DURATION_S) -> Analysis:
    """The complete analysis of a source; raises what `stream` raises.

    >>> from genre_engine.prediction import example
    >>> round(analyse(example.PATH, "fast").duration_s)
    48
    """
    *_, complete = stream(source, model, limit_s=limit_s)
    return complete


def stream(
    source: Source, model: str = MODEL, *, limit_s: float = MAX_DURATION_S
) -> Iterator[Analysis]:
    """Snapshots of the analysis; the last is complete.

    Raises:
        AudioError: one of its children says what is wrong with the source.
        WeightsError: the pretrained weights can't be fetched.
        WrongUsage, RunError, ModelError: there is no such model, or it can't classify songs.

    >>> from genre_engine.prediction import example
    >>> [snapshot.share_heard for snapshot in stream(example.PATH, "fast")][-1]
    1.0
    """
    return open_model(model).stream(source, limit_s=limit_s)


def glance(
    source: Source, model: str = MODEL, *, limit_s: float = MAX_DURATION_S
) -> Analysis | None:
    """A first ranking from a few windows spread over the song, without decoding the rest.

    For whoever waits at a screen: `stream` has to decode a song before its first snapshot. None
    where the source can't be sought in, and for short songs.

    Raises:
        as `stream`; of AudioError only that the source can't be opened.

    >>> from genre_engine.prediction import example
    >>> glance(example.PATH, "fast") is None  # under a minute
    True
    """
    return open_model(model).glance(source, limit_s=limit_s)

"""Signal → features: what kinds there are.

    from genre_engine import audio, features
    features.kind("summary").compute(audio.load(path))    # float32 [498]
    features.kind("summary").columns                      # 498 names

    spectral.py     samples → spectra, pure functions
    base.py         what every kind is
    summary.py      the 498: mean, minimum and maximum of MFCC, mel, chroma, tonnetz
    patches.py      log-mel pictures for a convolutional network
    embedding.py    what a pretrained network makes of the music
    discogs.py      the same of MTG's Discogs-EffNet, where its terms were accepted
    store.py        features on disk
    groups.py       columns that belong together, by their names

A kind's module is loaded when it is asked for.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from genre_engine.errors import WrongUsage
from genre_engine.features.base import EXCERPT_S, Kind

__all__ = [
    "EXCERPT_S",
    "NAMES",
    "Kind",
    "differences",
    "excerpt_text",
    "kind",
    "read_excerpt",
    "this_version",
]

_CLASSES = {
    "summary": ("genre_engine.features.summary", "Summary"),
    "patches": ("genre_engine.features.patches", "PatchKind"),
    "embedding": ("genre_engine.features.embedding", "Embedding"),
    "discogs": ("genre_engine.features.discogs", "DiscogsEmbedding"),
}
NAMES = tuple(_CLASSES)


def kind(name: str, *, excerpt_s: float | None = EXCERPT_S) -> Kind:
    """A kind of features by name.

    Args:
        excerpt_s: how much of a track's middle stands for it; None ("full") for all of it, which
            only `summary` can.

    Raises:
        WrongUsage: an unknown kind, or an excerpt that it can't take.

    >>> import numpy
    >>> from genre_engine.audio import Signal
    >>> summary = kind("summary")
    >>> summary.compute(Signal(numpy.zeros(22050, numpy.float32), 22050)).shape
    (498,)
    >>> summary.columns[:2]
    ('mfcc_00_mean', 'mfcc_01_mean')
    """
    if name not in _CLASSES:
        raise WrongUsage(
            f"There is no kind of features {name!r}. Choose one of: {', '.join(NAMES)}."
        )
    if excerpt_s is None and name != "summary":
        raise WrongUsage(
            f"{name} features are made from an excerpt; only summary takes whole files. Name a "
            "number of seconds."
        )
    if excerpt_s is not None and not 1.0 <= excerpt_s <= 3600.0:
        raise WrongUsage(f"An excerpt of {excerpt_s:g} s can't be. Choose 1 to 3600 s.")
    module, class_name = _CLASSES[name]
    made: Kind = getattr(importlib.import_module(module), class_name)(
        None if excerpt_s is None else float(excerpt_s)
    )
    return made


def this_version(name: str, parameters: Mapping[str, Any]) -> Kind:
    """The kind with which this version comes nearest to features that were made earlier.

    Raises:
        WrongUsage: it has none of that name, or can't take such excerpts.

    >>> this_version("summary", {"excerpt_s": 10.0}).parameters["excerpt_s"]
    10.0
    """
    excerpt_s = parameters.get("excerpt_s", EXCERPT_S)
    if not isinstance(excerpt_s, int | float | None):
        raise WrongUsage(f"{excerpt_s!r} is no length of an excerpt. Extract the features again.")
    return kind(name, excerpt_s=excerpt_s)


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """In which parameters features differ, in words.

    >>> differences({"excerpt_s": 15.0, "hop": 512}, {"excerpt_s": 30.0, "hop": 512})
    'excerpt_s 15 there, 30 here'
    """
    names = [name for name in {**here, **there} if there.get(name) != here.get(name)]
    if not there or not names:
        return "which ones isn't written beside them"
    return "; ".join(
        f"{name} {_said(there, name)} there, {_said(here, name)} here" for name in names
    )


def _said(parameters: Mapping[str, Any], name: str) -> str:
    if name not in parameters:
        return "not given"
    value = parameters[name]
    if name == "excerpt_s":
        return excerpt_text(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def excerpt_text(excerpt_s: float | None) -> str:
    """An excerpt's length as the command line takes it: seconds, or `full`.

    >>> excerpt_text(30.0), excerpt_text(None)
    ('30', 'full')
    """
    return "full" if excerpt_s is None else f"{excerpt_s:g}"


def read_excerpt(text: str) -> float | None:
    """An excerpt's length from the command line; None for all of a track.

    Raises:
        WrongUsage: it is neither a number nor `full`.

    >>> read_excerpt("29.5"), read_excerpt("full")
    (29.5, None)
    """
    if text == "full":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise WrongUsage(f"--excerpt takes a number of seconds or full, not {text!r}.") from error

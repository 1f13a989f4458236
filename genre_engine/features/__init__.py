"""Signal → features: what kinds there are.

    from genre_engine import audio, features
    features.kind("summary").compute(audio.load(path))    # float32 [498]
    features.kind("summary").columns                      # 498 names

    spectral.py     samples → spectra, pure functions
    base.py         what every kind is
    summary.py      the 498: mean, minimum and maximum of MFCC, mel, chroma, tonnetz
    patches.py      log-mel pictures for a convolutional network
    embedding.py    what a pretrained network makes of the music
    store.py        features on disk

A kind's module is loaded when it is asked for.
"""

import importlib

from genre_engine.errors import WrongUsage
from genre_engine.features.base import EXCERPT_S, Kind

__all__ = ["EXCERPT_S", "NAMES", "Kind", "kind"]

_CLASSES = {
    "summary": ("genre_engine.features.summary", "Summary"),
    "patches": ("genre_engine.features.patches", "PatchKind"),
    "embedding": ("genre_engine.features.embedding", "Embedding"),
}
NAMES = tuple(_CLASSES)


def kind(name: str, *, excerpt_s: float | None = EXCERPT_S) -> Kind:
    """A kind of features by name.

    Args:
        excerpt_s: how much of a track's middle stands for it; None ("full") for all of it, which
            only `summary` can.

    Raises:
        WrongUsage: an unknown kind, or an excerpt that it can't take.
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

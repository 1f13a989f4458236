"""Kinds of features and their excerpts, as pages name them."""

from collections.abc import Mapping
from typing import Any

from genre_engine import features as kinds
from genre_engine.errors import GenreEngineError

FEATURES = {
    "summary": "498 features",
    "patches": "mel patches",
    "embedding": "musicnn embedding",
    "discogs": "Discogs-EffNet embedding",
    "table": "the table's features",
}


def excerpt_of(parameters: Mapping[str, Any]) -> str:
    """Of features with these parameters; empty for the usual."""
    return usual_excerpt(kinds.excerpt_text(parameters.get("excerpt_s", kinds.EXCERPT_S)))


def features_text(kind: str, excerpt: str = "") -> str:
    """A kind of features for the page."""
    said = FEATURES.get(kind, kind)
    if not excerpt:
        return said
    return said + (" of whole tracks" if excerpt == "full" else f" of {excerpt} s")


def usual_excerpt(text: str) -> str:
    """Empty for the usual one and for what can't be."""
    try:
        excerpt_s = kinds.read_excerpt(text)
        kinds.kind("summary", excerpt_s=excerpt_s)
    except GenreEngineError:
        return ""
    return "" if excerpt_s == kinds.EXCERPT_S else kinds.excerpt_text(excerpt_s)

"""From the networks' tag probabilities to scores of genres, by a rule chosen by measurement.

`ten`, where networks trained on MTG-Jamendo are there: the mean of their probabilities, which are
probabilities learnt on that data set (not calibrated on it again). All else is a *match*:

    e = logit(p) - 0.2 · b     b: the tag's mean logit in training
    match = sigmoid(mean e)    of a genre's tags in a network the greatest e; then the mean over the
                               networks of a vocabulary; then over vocabularies, MTG-Jamendo twice

A tag that was rare in training stays low even where it is right, which 0.2 · b makes up for in
part. With the musicnn pair alone a match is the greatest e instead of the mean. `docs/classify.md`
has the rules that were compared, and their figures.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from genre_engine.prediction.vocabulary import (
    DETECTED,
    MSD,
    MTG,
    MTT,
    OPPOSITES,
    VIEWS,
    WIDE,
    Detected,
    Floats,
    GenreScores,
    Tags,
)
from genre_engine.pretrained.network import NETWORKS, PAIR
from genre_engine.pretrained.tags import prior_logits

PRIOR_SHARE = 0.2
_WEIGHTS = {MTG: 2.0, MSD: 1.0, MTT: 1.0}
_SMALLEST = 1e-7
# Of two that contradict each other both are left out from this share of the stronger one on.
_AS_SURE = 0.7

Probabilities = Mapping[str, Floats]  # by network: [windows, 50]


def score(view: str, songs: Probabilities, windows: Probabilities) -> GenreScores:
    """Scores of a view's genres that the networks know.

    Args:
        songs: by network its tag probabilities of the song, `[50]`.
        windows: by network those of each window, `[windows, 50]`; networks with the same windows.
    """
    known = {NETWORKS[name].vocabulary for name in songs}
    learnt = is_learnt(view, songs)
    if learnt:  # the other networks have nothing to say of it
        songs, windows = _only(MTG, songs), _only(MTG, windows)
        known = {MTG}
    genres = tuple(genre for genre, tags in VIEWS[view].items() if known & set(tags))
    tags = [VIEWS[view][genre] for genre in genres]
    combine = _mean_probabilities if learnt else _matches
    song = combine(tags, {name: p[None] for name, p in songs.items()})[0]
    by_window = combine(tags, windows)
    return GenreScores(genres, song, by_window, clear=_CLEAR_PROBABILITY if learnt else CLEAR)


def is_learnt(view: str, networks: Collection[str]) -> bool:
    """Whether a view's scores are probabilities that networks learnt, rather than matches.

    >>> is_learnt("ten", ["mtg-jamendo-fcn", "msd-fcn"]), is_learnt("wide", ["mtg-jamendo-fcn"])
    (True, False)
    """
    return view == "ten" and any(
        name in NETWORKS and NETWORKS[name].vocabulary == MTG for name in networks
    )


# Below this score no genre is named: of a match, and of a probability.
CLEAR, _CLEAR_PROBABILITY = 0.35, 0.2


def _only(vocabulary: str, probabilities: Probabilities) -> Probabilities:
    return {n: p for n, p in probabilities.items() if NETWORKS[n].vocabulary == vocabulary}


def _mean_probabilities(tags: Sequence[Tags], probabilities: Probabilities) -> Floats:
    columns = [
        np.mean([p[:, _index(name, found[MTG][0])] for name, p in probabilities.items()], axis=0)
        for found in tags
    ]
    return np.stack(columns, axis=1)


def _matches(tags: Sequence[Tags], probabilities: Probabilities) -> Floats:
    evidence = {
        name: _logit(p) - PRIOR_SHARE * prior_logits(NETWORKS[name].vocabulary)
        for name, p in probabilities.items()
    }
    combine = _greatest if set(evidence) <= set(PAIR) else _weighted
    columns = [combine(_by_vocabulary(found, evidence)) for found in tags]
    matches: Floats = 1.0 / (1.0 + np.exp(-np.stack(columns, axis=1)))
    return matches


def _by_vocabulary(tags: Tags, evidence: Mapping[str, Floats]) -> dict[str, list[Floats]]:
    """By vocabulary, for each network the greatest evidence of a genre's tags, `[windows]`."""
    found: dict[str, list[Floats]] = {}
    for name, e in evidence.items():
        vocabulary = NETWORKS[name].vocabulary
        if names := tags.get(vocabulary):
            best = e[:, [_index(name, tag) for tag in names]].max(axis=1)
            found.setdefault(vocabulary, []).append(best)
    return found


def _greatest(found: Mapping[str, list[Floats]]) -> Floats:
    greatest: Floats = np.max([e for own in found.values() for e in own], axis=0)
    return greatest


def _weighted(found: Mapping[str, list[Floats]]) -> Floats:
    means = [np.mean(own, axis=0) for own in found.values()]
    return np.asarray(np.average(means, axis=0, weights=[_WEIGHTS[name] for name in found]))


def _index(network: str, tag: str) -> int:
    return NETWORKS[network].tags.index(tag)


def _logit(p: Floats) -> NDArray[np.float64]:
    clipped = np.clip(np.asarray(p, np.float64), _SMALLEST, 1 - _SMALLEST)
    return np.log(clipped / (1 - clipped))


def detected(songs: Probabilities, least: float = 0.15) -> list[Detected]:
    """What is detected besides genres with a probability of at least `least`, the surest first.

    Of two that contradict each other the weaker is left out, and both where they are about as sure.

    Args:
        songs: as in `score`.
    """
    found = [
        Detected(group, name, _probability(tags, songs))
        for group, names in DETECTED.items()
        for name, tags in names.items()
    ]
    known = {one.name: one.probability for one in found}
    left_out = set()
    for pair in OPPOSITES:
        weak, strong = sorted(pair, key=known.__getitem__)
        left_out.add(weak)
        if known[weak] >= max(least, _AS_SURE * known[strong]):
            left_out.add(strong)
    return sorted(
        (one for one in found if one.probability >= least and one.name not in left_out),
        key=lambda one: -one.probability,
    )


def _probability(tags: Tags, songs: Probabilities) -> float:
    """The greatest mean over the networks of a vocabulary."""
    means: dict[tuple[str, str], list[float]] = {}
    for name, p in songs.items():
        vocabulary = NETWORKS[name].vocabulary
        for tag in tags.get(vocabulary, ()):
            means.setdefault((vocabulary, tag), []).append(float(p[_index(name, tag)]))
    return max((float(np.mean(values)) for values in means.values()), default=0.0)


def sounds_like_speech(songs: Probabilities) -> bool:
    """Whether this may well be speech: hip hop without any instrument or beat.

    Measured with the musicnn pair on synthetic speech in three languages: hip hop 0.19 to 0.42,
    every instrument and the beat below 0.07. Other networks aren't asked.
    """
    pair = {name: p for name, p in songs.items() if name in PAIR}
    if len(pair) < len(PAIR):
        return False
    played = [*DETECTED["instruments"].values(), DETECTED["tempo and level"]["a beat"]]
    hip_hop = _probability(WIDE["hip hop"], pair)
    return hip_hop > 0.15 and max(_probability(tags, pair) for tags in played) < 0.1

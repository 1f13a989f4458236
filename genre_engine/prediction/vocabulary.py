"""From the networks' tags to genres, and to what else they hear.

Two views: `wide`, 31 genres that the networks know between them, and `ten`, the ten genres of the
course project on MTG-Jamendo. A genre stands for one or more tags of one or both networks.

The networks' probabilities are low and uneven: a tag that was rare in training stays low even where
it is right. So a genre is ranked by its match:

    e = logit(p) - 0.2 · b        b: the tag's mean logit in training
    match = sigmoid(max of e over the genre's tags)

0.2 was the best of the shares tried on 733 labelled clips: without it the frequent tags win too
often, with the whole of b rock and pop disappear. A match is no probability.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genre_engine.pretrained.tags import TAGS

Floats = NDArray[np.floating]

PRIOR_SHARE = 0.2
# Below this match no genre is named.
CLEAR = 0.35
_SMALLEST = 1e-7

# genre: (MSD tags, MTT tags)
WIDE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "rock": (("rock",), ("rock",)),
    "pop": (("pop",), ("pop",)),
    "country": (("country",), ("country",)),
    "dance": (("dance",), ("dance",)),
    "ambient": (("ambient",), ("ambient",)),
    "classic rock": (("classic rock",), ()),
    "hard rock": (("hard rock",), ()),
    "progressive rock": (("Progressive rock",), ()),
    "punk": (("punk",), ()),
    "soul": (("soul",), ()),
    "r&b": (("rnb",), ()),
    "funk": (("funk",), ()),
    "hip hop": (("Hip-Hop",), ()),
    "jazz": (("jazz",), ()),
    "blues": (("blues",), ()),
    "folk": (("folk",), ()),
    "electro": (("electro",), ()),
    "house": (("House",), ()),
    "experimental": (("experimental",), ()),
    "easy listening": (("easy listening",), ()),
    "alternative": (("alternative", "alternative rock"), ()),
    "indie": (("indie", "indie rock", "indie pop"), ()),
    "metal": (("metal", "heavy metal"), ("metal",)),
    "electronic": (("electronic", "electronica"), ("electronic",)),
    "chillout": (("chillout", "chill"), ()),
    "techno": ((), ("techno",)),
    "new age": ((), ("new age",)),
    "opera": ((), ("opera",)),
    "classical": ((), ("classical", "classic")),
    "choral": ((), ("choral", "choir")),
    "indian": ((), ("indian", "sitar")),
}
# In the order of their frequency in MTG-Jamendo, which is also the order of their colours.
# No tag means soundtrack. Opera, choral and harpsichord stay out of classical: such rare tags
# fire on speech.
TEN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "electronic": (
        ("electronic", "electronica", "electro", "House"),
        ("electronic", "techno"),
    ),
    "soundtrack": ((), ()),
    "pop": (("pop", "indie pop"), ("pop",)),
    "ambient": (("ambient",), ("ambient", "new age")),
    "rock": (
        ("rock", "classic rock", "hard rock", "Progressive rock", "punk", "metal", "heavy metal"),
        ("rock", "metal"),
    ),
    "classical": ((), ("classical", "classic")),
    "easylistening": (("easy listening",), ()),
    "experimental": (("experimental",), ()),
    "alternative": (("alternative", "alternative rock", "indie", "indie rock"), ()),
    "chillout": (("chillout", "chill"), ()),
}
VIEWS = {"wide": WIDE, "ten": TEN}

# What else is heard: group → what it is called → (MSD tags, MTT tags). Silly tags ("sexy") are out.
ELSE: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "voice": {
        "female voice": (
            ("female vocalists", "female vocalist"),
            ("female", "woman", "female vocal", "female voice"),
        ),
        "male voice": (("male vocalists",), ("male", "man", "male vocal", "male voice")),
        "singing": ((), ("vocal", "vocals", "voice", "singing")),
        "choir": ((), ("choir", "choral")),
        "no voice": (("instrumental",), ("no vocals", "no vocal", "no voice")),
    },
    "instruments": {
        "guitar": (("guitar",), ("guitar",)),
        "acoustic instruments": (("acoustic",), ()),
        "piano": ((), ("piano",)),
        "strings": ((), ("strings",)),
        "violin": ((), ("violin",)),
        "cello": ((), ("cello",)),
        "harp": ((), ("harp",)),
        "harpsichord": ((), ("harpsichord",)),
        "flute": ((), ("flute",)),
        "sitar": ((), ("sitar",)),
        "drums": ((), ("drums",)),
        "synthesiser": ((), ("synth",)),
        "a solo instrument": ((), ("solo",)),
    },
    "tempo and level": {
        "fast": ((), ("fast",)),
        "slow": ((), ("slow",)),
        "a beat": ((), ("beat", "beats")),
        "loud": ((), ("loud",)),
        "quiet": ((), ("quiet", "soft")),
    },
    "mood": {
        "happy": (("happy",), ()),
        "sad": (("sad",), ()),
        "mellow": (("Mellow",), ()),
        "party": (("party",), ()),
    },
    "era": {
        "the 60s": (("60s",), ()),
        "the 70s": (("70s",), ()),
        "the 80s": (("80s",), ()),
        "the 90s": (("90s",), ()),
        "the 2000s": (("00s",), ()),
        "oldies": (("oldies",), ()),
    },
}

_NAMES = {"r&b": "R&B", "easylistening": "Easy listening"}


def display_name(genre: str) -> str:
    """A genre as it stands in a sentence's beginning: "Hip hop", "R&B"."""
    return _NAMES.get(genre, genre[:1].upper() + genre[1:])


def name_within(genre: str) -> str:
    """A genre as it stands within a sentence: "hip hop", "R&B"."""
    name = _NAMES.get(genre, genre)
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def tagless(view: str) -> tuple[str, ...]:
    """Genres of a view that no tag stands for, so that nothing can be said of them."""
    return tuple(genre for genre, (msd, mtt) in VIEWS[view].items() if not msd and not mtt)


@dataclass(frozen=True, eq=False)
class GenreScores:
    """Scores of a song's genres, 0 to 1: matches, or a trained model's probabilities.

    Attributes:
        genres: names, `[n]`, in the vocabulary's order.
        song: `[n]`, for the song as a whole, from the windows' mean probabilities.
        by_window: `[windows, n]`.
        thresholds: `[n]`, the scores from which a genre counts as "yes"; None where nothing was
            learnt of that.
    """

    genres: tuple[str, ...]
    song: Floats
    by_window: Floats
    thresholds: Floats | None = None

    def ranking(self) -> list[int]:
        """Indices of the genres, best first; ties in the vocabulary's order."""
        return [int(i) for i in np.argsort(-self.song, kind="stable")]

    def yes(self) -> list[int]:
        """Indices of the genres that reach their thresholds, best first; none without any."""
        if self.thresholds is None:
            return []
        return [i for i in self.ranking() if self.song[i] >= self.thresholds[i]]


def score(
    view: str, tag_probabilities: Mapping[str, Floats], priors: Mapping[str, Floats]
) -> GenreScores:
    """Matches of a view's genres.

    Args:
        tag_probabilities: for each network `[windows, 50]`, at least one window.
        priors: for each network `[50]`, the tags' mean logits in training.
    """
    genres = tuple(genre for genre in VIEWS[view] if genre not in tagless(view))
    tags = [VIEWS[view][genre] for genre in genres]
    means = {name: p.mean(axis=0, keepdims=True) for name, p in tag_probabilities.items()}
    return GenreScores(
        genres,
        _matches(tags, means, priors)[0],
        _matches(tags, tag_probabilities, priors),
    )


def _matches(
    tags: Sequence[tuple[tuple[str, ...], tuple[str, ...]]],
    probabilities: Mapping[str, Floats],
    priors: Mapping[str, Floats],
) -> Floats:
    evidence = {
        name: _logit(p) - PRIOR_SHARE * np.asarray(priors[name], np.float64)
        for name, p in probabilities.items()
    }
    best = [
        np.max(
            [
                evidence[network][:, TAGS[network].index(tag)]
                for network, names in zip(("MSD", "MTT"), synonyms, strict=True)
                for tag in names
            ],
            axis=0,
        )
        for synonyms in tags
    ]
    matches: Floats = 1.0 / (1.0 + np.exp(-np.stack(best, axis=1)))
    return matches


def _logit(p: Floats) -> NDArray[np.float64]:
    clipped = np.clip(p.astype(np.float64), _SMALLEST, 1 - _SMALLEST)
    return np.log(clipped / (1 - clipped))


@dataclass(frozen=True)
class Heard:
    """Something else that the networks hear, such as ("instruments", "piano", 0.61)."""

    group: str
    name: str
    probability: float


def heard(tag_probabilities: Mapping[str, Floats], least: float = 0.15) -> list[Heard]:
    """What else is heard with a mean probability of at least `least`, the surest first."""
    means = {name: p.mean(axis=0) for name, p in tag_probabilities.items()}
    found = [
        Heard(group, name, _best(synonyms, means))
        for group, names in ELSE.items()
        for name, synonyms in names.items()
    ]
    return sorted((h for h in found if h.probability >= least), key=lambda h: -h.probability)


def _best(synonyms: tuple[tuple[str, ...], tuple[str, ...]], means: Mapping[str, Floats]) -> float:
    return max(
        float(means[network][TAGS[network].index(tag)])
        for network, names in zip(("MSD", "MTT"), synonyms, strict=True)
        for tag in names
    )


def sounds_like_speech(tag_probabilities: Mapping[str, Floats]) -> bool:
    """Whether this may well be speech: hip hop without any instrument or beat.

    Measured on synthetic speech in three languages: hip hop 0.19 to 0.42, every instrument and the
    beat below 0.07.
    """
    means = {name: p.mean(axis=0) for name, p in tag_probabilities.items()}
    played = [*ELSE["instruments"].values(), ELSE["tempo and level"]["a beat"]]
    hip_hop = _best(WIDE["hip hop"], means)
    return hip_hop > 0.15 and max(_best(tags, means) for tags in played) < 0.1

"""What the pretrained networks' tags mean: genres, and what is detected besides.

Two views: `wide`, the 43 genres that the networks know between them, and `ten`, the ten genres of
the course project on MTG-Jamendo. A genre stands for one or more tags of one or more vocabularies;
`combining` makes scores of them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
# Vocabulary → tags that mean the same.
Tags = Mapping[str, tuple[str, ...]]

MTG, MSD, MTT = "MTG-Jamendo", "MSD", "MTT"


def _tags(mtg: tuple[str, ...] = (), msd: tuple[str, ...] = (), mtt: tuple[str, ...] = ()) -> Tags:
    return {name: tags for name, tags in ((MTG, mtg), (MSD, msd), (MTT, mtt)) if tags}


WIDE: dict[str, Tags] = {
    "rock": _tags(("rock",), ("rock",), ("rock",)),
    "pop": _tags(("pop",), ("pop",), ("pop",)),
    "country": _tags((), ("country",), ("country",)),
    "dance": _tags(("dance",), ("dance",), ("dance",)),
    "ambient": _tags(("ambient",), ("ambient",), ("ambient",)),
    "classic rock": _tags((), ("classic rock",)),
    "hard rock": _tags((), ("hard rock",)),
    "progressive rock": _tags((), ("Progressive rock",)),
    "pop rock": _tags(("poprock",)),
    "punk": _tags((), ("punk",)),
    "soul": _tags((), ("soul",)),
    "r&b": _tags((), ("rnb",)),
    "funk": _tags(("funk",), ("funk",)),
    "hip hop": _tags(("hiphop",), ("Hip-Hop",)),
    "reggae": _tags(("reggae",)),
    "jazz": _tags(("jazz",), ("jazz",)),
    "blues": _tags((), ("blues",)),
    "folk": _tags(("folk",), ("folk",)),
    "pop folk": _tags(("popfolk",)),
    "world": _tags(("world",)),
    "electro": _tags((), ("electro",)),
    "house": _tags(("house",), ("House",)),
    "trance": _tags(("trance",)),
    "trip hop": _tags(("triphop",)),
    "downtempo": _tags(("downtempo",)),
    "lounge": _tags(("lounge",)),
    "experimental": _tags(("experimental",), ("experimental",)),
    "easy listening": _tags(("easylistening",), ("easy listening",)),
    "instrumental pop": _tags(("instrumentalpop",)),
    "alternative": _tags(("alternative",), ("alternative", "alternative rock")),
    "indie": _tags(("indie",), ("indie", "indie rock", "indie pop")),
    "metal": _tags(("metal",), ("metal", "heavy metal"), ("metal",)),
    "electronic": _tags(("electronic",), ("electronic", "electronica"), ("electronic",)),
    "chillout": _tags(("chillout",), ("chillout", "chill")),
    "techno": _tags(("techno",), (), ("techno",)),
    "new age": _tags(("newage",), (), ("new age",)),
    "atmospheric": _tags(("atmospheric",)),
    "soundtrack": _tags(("soundtrack",)),
    "orchestral": _tags(("orchestral",)),
    "opera": _tags((), (), ("opera",)),
    "classical": _tags(("classical",), (), ("classical", "classic")),
    "choral": _tags((), (), ("choral", "choir")),
    "indian": _tags((), (), ("indian", "sitar")),
}
# In the order of their frequency in MTG-Jamendo, which is also the order of their colours. The tags
# of MSD and MTT serve where no network trained on MTG-Jamendo is there; none of them means
# soundtrack. Opera, choral and harpsichord stay out of classical: such rare tags fire on speech.
TEN: dict[str, Tags] = {
    "electronic": _tags(
        ("electronic",),
        ("electronic", "electronica", "electro", "House"),
        ("electronic", "techno"),
    ),
    "soundtrack": _tags(("soundtrack",)),
    "pop": _tags(("pop",), ("pop", "indie pop"), ("pop",)),
    "ambient": _tags(("ambient",), ("ambient",), ("ambient", "new age")),
    "rock": _tags(
        ("rock",),
        ("rock", "classic rock", "hard rock", "Progressive rock", "punk", "metal", "heavy metal"),
        ("rock", "metal"),
    ),
    "classical": _tags(("classical",), (), ("classical", "classic")),
    "easylistening": _tags(("easylistening",), ("easy listening",)),
    "experimental": _tags(("experimental",), ("experimental",)),
    "alternative": _tags(
        ("alternative",), ("alternative", "alternative rock", "indie", "indie rock")
    ),
    "chillout": _tags(("chillout",), ("chillout", "chill")),
}
VIEWS = {"wide": WIDE, "ten": TEN}

# What is detected besides: group → what it is called → tags. Silly tags ("sexy") are out.
DETECTED: dict[str, dict[str, Tags]] = {
    "voice": {
        "female voice": _tags(
            (),
            ("female vocalists", "female vocalist"),
            ("female", "woman", "female vocal", "female voice"),
        ),
        "male voice": _tags((), ("male vocalists",), ("male", "man", "male vocal", "male voice")),
        "singing": _tags(("voice",), (), ("vocal", "vocals", "voice", "singing")),
        "choir": _tags((), (), ("choir", "choral")),
        "no voice": _tags((), ("instrumental",), ("no vocals", "no vocal", "no voice")),
    },
    "instruments": {
        "guitar": _tags(("guitar",), ("guitar",), ("guitar",)),
        "acoustic guitar": _tags(("acousticguitar",)),
        "electric guitar": _tags(("electricguitar",)),
        "bass": _tags(("bass",)),
        "acoustic instruments": _tags((), ("acoustic",)),
        "piano": _tags(("piano",), (), ("piano",)),
        "electric piano": _tags(("electricpiano",)),
        "keyboard": _tags(("keyboard",)),
        "strings": _tags(("strings",), (), ("strings",)),
        "violin": _tags(("violin",), (), ("violin",)),
        "cello": _tags((), (), ("cello",)),
        "harp": _tags((), (), ("harp",)),
        "harpsichord": _tags((), (), ("harpsichord",)),
        "flute": _tags((), (), ("flute",)),
        "sitar": _tags((), (), ("sitar",)),
        "drums": _tags(("drums",), (), ("drums",)),
        "drum machine": _tags(("drummachine",)),
        "synthesiser": _tags(("synthesizer",), (), ("synth",)),
        "computer": _tags(("computer",)),
        "a solo instrument": _tags((), (), ("solo",)),
    },
    "tempo and level": {
        "fast": _tags((), (), ("fast",)),
        "slow": _tags((), (), ("slow",)),
        "a beat": _tags((), (), ("beat", "beats")),
        "loud": _tags((), (), ("loud",)),
        "quiet": _tags((), (), ("quiet", "soft")),
    },
    "mood": {
        "happy": _tags(("happy",), ("happy",)),
        "sad": _tags((), ("sad",)),
        "mellow": _tags((), ("Mellow",)),
        "party": _tags((), ("party",)),
        "emotional": _tags(("emotional",)),
        "energetic": _tags(("energetic",)),
        "relaxing": _tags(("relaxing",)),
        "film": _tags(("film",)),
    },
    "era": {
        "the 60s": _tags((), ("60s",)),
        "the 70s": _tags((), ("70s",)),
        "the 80s": _tags((), ("80s",)),
        "the 90s": _tags((), ("90s",)),
        "the 2000s": _tags((), ("00s",)),
        "oldies": _tags((), ("oldies",)),
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


# Words of files' tags for what these vocabularies call otherwise.
_ALSO = {
    "rap": "hip hop",
    "rhythmandblues": "r&b",
    "rb": "r&b",
    "electronica": "electronic",
    "edm": "electronic",
    "triphop": "trip hop",
    "score": "soundtrack",
    "ost": "soundtrack",
    "choir": "choral",
    "chill": "chillout",
    "symphony": "orchestral",
    "baroque": "classical",
}


def genre_called(word: str, genres: Collection[str]) -> str | None:
    """The genre among some that a word of a file's tags means; None where none of them does.

    Signs and capitals don't matter, and the tags that a genre stands for mean it too.

    >>> genre_called("Hip-Hop", ["rock", "hip hop"]), genre_called("Heavy Metal", ["metal"])
    ('hip hop', 'metal')
    >>> genre_called("Schlager", ["rock", "hip hop"]) is None
    True
    """
    wanted = _letters(word)
    for genre in genres:
        if _letters(genre) == wanted:
            return genre
    for genre in genres:
        if _ALSO.get(wanted) == genre or any(
            wanted == _letters(tag) for tags in WIDE.get(genre, {}).values() for tag in tags
        ):
            return genre
    return None


def _letters(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def unknown_genres(view: str, vocabularies: "set[str] | frozenset[str]") -> tuple[str, ...]:
    """Genres of a view that networks of these vocabularies don't know.

    >>> unknown_genres("ten", {"MSD", "MTT"})
    ('soundtrack',)
    """
    return tuple(genre for genre, tags in VIEWS[view].items() if not set(tags) & set(vocabularies))


# What can't both be true of a song as a whole.
OPPOSITES = (
    ("fast", "slow"),
    ("loud", "quiet"),
    ("singing", "no voice"),
    ("female voice", "no voice"),
    ("male voice", "no voice"),
    ("choir", "no voice"),
)


@dataclass(frozen=True)
class Detected:
    """Something detected besides genres, such as ("instruments", "piano", 0.61)."""

    group: str
    name: str
    probability: float


@dataclass(frozen=True, eq=False)
class GenreScores:
    """Scores of a song's genres, 0 to 1: matches, or a trained model's probabilities.

    Attributes:
        genres: names, `[n]`, in the vocabulary's order.
        song: `[n]`, for the song as a whole, from the windows' mean probabilities.
        by_window: `[windows, n]`.
        thresholds: `[n]`, the scores from which a genre counts as "yes"; None where nothing was
            learnt of that.
        clear: the score below which no genre is named.
    """

    genres: tuple[str, ...]
    song: Floats
    by_window: Floats
    thresholds: Floats | None = None
    clear: float = 0.35

    def ranking(self) -> list[int]:
        """Indices of the genres, best first; ties in the vocabulary's order."""
        return [int(i) for i in np.argsort(-self.song, kind="stable")]

    def yes(self) -> list[int]:
        """Indices of the genres that reach their thresholds, best first; none without any."""
        if self.thresholds is None:
            return []
        return [i for i in self.ranking() if self.song[i] >= self.thresholds[i]]

"""A vocabulary of one's own: which words stand for the genres that were analysed.

A mapping is a list of rules, each "these genres → this word". The score of a word is the highest of
its genres'. A library keeps its mapping in `vocabulary.toml`; `vocabulary_file` says how.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import WrongUsage
from genre_engine.library import vocabulary_file
from genre_engine.library.vocabulary_file import LEAST, MOST_WORDS, Content, Rule, either
from genre_engine.prediction import vocabulary
from genre_engine.storage import workspace

if TYPE_CHECKING:
    from genre_engine.library.index import Library

Words = tuple[tuple[str, float], ...]

FILE = "vocabulary.toml"
_MAX_BYTES = 1_000_000
# Scores are kept to a hundredth of a point of 100, so that a file gives back what was written.
_DIGITS = 4
_NONE = np.float32(-1)


@dataclass(frozen=True)
class Mapping:
    """A vocabulary of one's own.

    Attributes:
        rules: which genres are called what.
        keep_others: whether genres that no rule names keep their names, else they are dropped.
        most: how many words a song has at most, best first.
        least: the score, 0 to 1, below which a word is left out.
        view: the genres that the rules speak of, a key of `vocabulary.VIEWS`.

    >>> mapping = Mapping((Rule(("techno", "trance"), "Electronic"),), keep_others=False)
    >>> mapping.assign(["rock", "techno", "trance"], np.array([[0.9, 0.75, 0.5]]))
    [(('Electronic', 0.75),)]
    """

    rules: tuple[Rule, ...] = ()
    keep_others: bool = True
    most: int = 3
    least: float = LEAST
    view: str = "wide"

    def __post_init__(self) -> None:
        if self.view not in vocabulary.VIEWS:
            raise WrongUsage(f"view is {either(tuple(vocabulary.VIEWS))}, not {self.view!r}.")
        if not 1 <= self.most <= MOST_WORDS:
            raise WrongUsage(f"most is a whole number from 1 to {MOST_WORDS}, not {self.most}.")
        if not 0 <= self.least <= 1:
            raise WrongUsage(f"least is a score from 0 to 100, not {100 * self.least:g}.")
        object.__setattr__(self, "least", round(self.least, _DIGITS))

    def words(self, genres: Sequence[str]) -> tuple[str, ...]:
        """The words that songs with these genres can have, those of rules first."""
        return tuple(self._sources(genres))

    def assign(self, genres: Sequence[str], scores: NDArray[np.floating]) -> list[Words]:
        """Each song's words with their scores 0 to 1, best first; equal ones in the rules' order.

        Args:
            genres: names, `[n_genres]`, of this mapping's view; rules on others do nothing.
            scores: `[n_songs, n_genres]`, NaN where nothing was analysed.

        Returns:
            A tuple a song, empty where nothing reaches `least`.
        """
        sources = self._sources(genres)
        if not sources or not len(scores):
            return [()] * len(scores)
        # Genres by row: what is done for a genre or a word then runs through memory in order.
        by_genre = np.ascontiguousarray(np.asarray(scores, np.float32).T)
        of_words = np.empty((len(sources), len(scores)), np.float32)
        for row, members in enumerate(sources.values()):
            # fmax passes over NaN, and gives it where there is nothing else.
            np.fmax.reduce(by_genre[members], axis=0, out=of_words[row])
        of_words[~(of_words >= self.least)] = _NONE
        ranks = _best(of_words, min(self.most, len(sources)))
        names = np.array(list(sources), object)
        # Pairs are built a rank at a time; those of songs that have no such word are cut off.
        pairs = [zip(names[places].tolist(), best.tolist(), strict=True) for places, best in ranks]
        counts = np.sum([best != _NONE for _, best in ranks], axis=0).tolist()
        return [row[:count] for row, count in zip(zip(*pairs, strict=True), counts, strict=True)]

    def touches(self, genres: Sequence[str], scores: NDArray[np.floating]) -> tuple[int, ...]:
        """How many songs each rule touches: one of its genres has at least the least score.

        Whether its word is then among the song's `most` best isn't asked.
        """
        place = {genre: column for column, genre in enumerate(genres)}
        reached = scores >= self.least
        members = ([place[genre] for genre in rule.genres if genre in place] for rule in self.rules)
        return tuple(int(reached[:, columns].any(axis=1).sum()) for columns in members)

    def _sources(self, genres: Sequence[str]) -> dict[str, list[int]]:
        """Word → columns of the genres that it stands for; words that differ in capitals are one,
        spelt as where it stands first.
        """
        place = {genre: column for column, genre in enumerate(genres)}
        pairs = [(rule.word, genre) for rule in self.rules for genre in rule.genres]
        if self.keep_others:
            named = {genre for rule in self.rules for genre in rule.genres}
            others = (genre for genre in genres if genre not in named)
            pairs += [(vocabulary.display_name(genre), genre) for genre in others]
        spelt: dict[str, str] = {}
        sources: dict[str, list[int]] = {}
        for word, genre in pairs:
            if word and genre in place:
                sources.setdefault(spelt.setdefault(word.casefold(), word), []).append(place[genre])
        return sources

    def to_toml(self) -> str:
        """The mapping as a file; `from_toml` gives it back.

        >>> print(Mapping((Rule(("trance",), "Electronic"),)).to_toml().splitlines()[-1])
        word = "Electronic"
        """
        content = Content(self.rules, self.keep_others, self.most, self.least, self.view)
        return vocabulary_file.write(content)

    @classmethod
    def from_toml(cls, text: str, *, name: str = FILE) -> "Mapping":
        """A mapping from the text of a file.

        Args:
            name: of the file, for messages.

        Raises:
            WrongUsage: it can't be read; the message names the line and what should stand there.
        """
        found = vocabulary_file.read(text, name)
        return cls(found.rules, found.keep_others, found.most, found.least, found.view)


def _best(
    scores: NDArray[np.float32], most: int
) -> list[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """The rows of the highest scores of each column, and these, best first; `scores` is used up.

    A pass for each is quicker than sorting what is thrown away.
    """
    everywhere = np.arange(scores.shape[1])
    found = []
    for _ in range(most):
        rows = scores.argmax(axis=0)
        found.append((rows, scores[rows, everywhere]))
        scores[rows, everywhere] = _NONE
    return found


def path(lib: "Library") -> Path:
    """Where a library's mapping lies; there is none before one was saved."""
    return lib.folder / FILE


def load(lib: "Library") -> Mapping:
    """The library's mapping; "As analysed" where it has none.

    Raises:
        WrongUsage: the file can't be read.
    """
    place = path(lib)
    try:
        if place.stat().st_size > _MAX_BYTES:
            raise WrongUsage(f"{workspace.shown(place)} is too long for a vocabulary. Remove it.")
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Mapping()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(
            f"{workspace.shown(place)} can't be read ({error}). Save it as text in UTF-8, or "
            "remove it to have the genres as they were analysed."
        ) from error
    return Mapping.from_toml(text, name=workspace.shown(place))


def save(lib: "Library", mapping: Mapping) -> None:
    """Keep a mapping as the library's.

    Raises:
        StorageError: it can't be written.
    """
    with workspace.replacing(path(lib)) as place:
        place.write_text(mapping.to_toml(), encoding="utf-8")


def with_settings(preset: Mapping, mapping: Mapping) -> Mapping:
    """A preset's words with another mapping's numbers: how many words, and from which score on."""
    return replace(preset, most=mapping.most, least=mapping.least)


_BROAD = {
    "Rock": (
        *("rock", "classic rock", "hard rock", "progressive rock", "pop rock", "punk"),
        *("alternative", "indie"),
    ),
    "Pop": ("pop", "instrumental pop"),
    "Electronic": ("electronic", "dance", "electro", "house", "trance", "techno", "downtempo"),
    "Hip hop": ("hip hop", "trip hop"),
    "Soul & R&B": ("soul", "r&b", "funk"),
    "Jazz": ("jazz",),
    "Blues": ("blues",),
    "Folk & country": ("folk", "pop folk", "country"),
    "Metal": ("metal",),
    "Reggae": ("reggae",),
    "World": ("world", "indian"),
    "Ambient": ("ambient", "new age", "chillout", "atmospheric"),
    "Easy listening": ("easy listening", "lounge"),
    "Soundtrack": ("soundtrack",),
    "Classical": ("classical", "orchestral", "opera", "choral"),
    "Experimental": ("experimental",),
}

# Names of ID3v1's list with Winamp's additions up to number 147, which nearly every player knows;
# the numbers are in docs/library.md. A genre that the list lacks has the nearest name on it.
_ID3 = {
    "Rock": ("rock", "pop rock"),
    "Pop": ("pop",),
    "Country": ("country",),
    "Dance": ("dance",),
    "Ambient": ("ambient", "atmospheric", "chillout"),
    "Classic Rock": ("classic rock",),
    "Hard Rock": ("hard rock",),
    "Progressive Rock": ("progressive rock",),
    "Punk": ("punk",),
    "Soul": ("soul",),
    "R&B": ("r&b",),
    "Funk": ("funk",),
    "Hip-Hop": ("hip hop",),
    "Reggae": ("reggae",),
    "Jazz": ("jazz",),
    "Blues": ("blues",),
    "Folk": ("folk",),
    "Pop-Folk": ("pop folk",),
    "Ethnic": ("world", "indian"),
    "Electronic": ("electronic", "electro"),
    "House": ("house",),
    "Trance": ("trance",),
    "Trip-Hop": ("trip hop", "downtempo"),
    "Easy Listening": ("easy listening", "lounge"),
    "Avantgarde": ("experimental",),
    "Instrumental Pop": ("instrumental pop",),
    "Alternative": ("alternative",),
    "Indie": ("indie",),
    "Metal": ("metal",),
    "Techno": ("techno",),
    "New Age": ("new age",),
    "Soundtrack": ("soundtrack",),
    "Symphony": ("orchestral",),
    "Opera": ("opera",),
    "Classical": ("classical",),
    "Chorus": ("choral",),
}


def _preset(words: dict[str, tuple[str, ...]]) -> Mapping:
    rules = tuple(Rule(genres, word) for word, genres in words.items())
    return Mapping(rules, keep_others=False)


PRESETS: dict[str, Mapping] = {
    "analysed": Mapping(),
    "jamendo": Mapping(view="ten"),
    "broad": _preset(_BROAD),
    "id3": _preset(_ID3),
}
# As they are called on a page.
NAMES = {
    "analysed": f"As analysed ({len(vocabulary.WIDE)} genres)",
    "jamendo": "The ten of Jamendo",
    "broad": f"Broad ({len(_BROAD)} genres)",
    "id3": "ID3's classic list",
}

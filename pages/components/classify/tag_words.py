"""What a song's file says of its genre, beside what was found in its sound."""

from dataclasses import dataclass

from genre_engine.prediction import vocabulary
from genre_engine.prediction.analysis import Analysis
from pages.components.classify.queue import Song


@dataclass(frozen=True)
class Compared:
    """A file's genres beside a model's.

    Attributes:
        words: the file's genres as it spells them.
        score: of the best-scored genre among them that the model knows, 0 to 1.
        agrees: whether the model's first genre is among them, or the file's reaches a threshold;
            None where the model knows none of them.
    """

    words: tuple[str, ...]
    score: float | None
    agrees: bool | None

    @property
    def text(self) -> str:
        """Such as "Folk, scored 33"."""
        words = ", ".join(self.words)
        return words if self.score is None else f"{words}, scored {100 * self.score:.0f}"


def compared(song: Song, analysis: Analysis, view: str) -> Compared | None:
    """How the file's tags and an analysis agree; None where the file names no genre."""
    words = song.tags.genres
    if not words:
        return None
    scores = analysis.views[analysis.view(view)]
    known = {vocabulary.genre_called(word, scores.genres) for word in words} - {None}
    if not known:
        return Compared(words, None, None)
    places = [i for i, genre in enumerate(scores.genres) if genre in known]
    named = {scores.ranking()[0], *scores.yes()}
    return Compared(words, float(scores.song[places].max()), bool(named & set(places)))

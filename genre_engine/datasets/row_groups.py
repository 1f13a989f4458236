"""Which rows of a table belong to one song, as far as their names say so.

Slices of one song in train and in test flatter every score, so such rows are one group, which no
split but `random` parts. A row's name shows a slice in one of two ways:

    blues.00012.3.wav, hip-hop.00012.3         GTZAN's: a genre, five digits, the slice's number
    song_seg3.wav, track-03-part2, a clip 7    a word for a piece, and its number, at the end

A number alone at the end is no sign: `song_1` and `song_2` are two songs more often than not. A
word for a piece counts only where several rows share what stands before it, for "Suite, part 2" may
be a whole song. Folders before the name, with `/` or `\\`, belong to the group's name.
"""

import re
from collections import Counter
from collections.abc import Sequence

_SUFFIX = re.compile(r"\.(wav|mp3|au|flac|ogg|oga|opus|m4a|aac|aiff?|npy|wma)$", re.IGNORECASE)
_GTZAN = re.compile(r"(.+\.\d{5})\.\d+")
_PIECE = re.compile(
    r"(.*?[^\s._-])[\s._-]*(?:^|(?<=[\s._-]))"
    r"(?:seg|segment|slice|part|chunk|clip|excerpt|window|split|piece)s?[\s._-]*\d+",
    re.IGNORECASE,
)
_EXAMPLES = 3


def song_of(name: str) -> str | None:
    """The song that a row's name is a slice of, or None.

    >>> song_of("hip-hop.00012.3.wav"), song_of("a/song_seg3.wav"), song_of("song_3.wav")
    ('hip-hop.00012', 'a/song', None)
    """
    folder, slash, stem = name.replace("\\", "/").rpartition("/")
    stem = _SUFFIX.sub("", stem.strip())
    found = _GTZAN.fullmatch(stem) or _PIECE.fullmatch(stem)
    return folder + slash + found[1] if found else None


def group_rows(names: Sequence[str]) -> tuple[list[str | None], list[str]]:
    """For each row the song that it is a slice of, or None, and sentences on what was found.

    A row that bears the name of a song of which others are slices belongs to it too.
    """
    songs = [song_of(name) for name in names]
    counts = Counter(song for song in songs if song is not None)
    groups: list[str | None] = [
        song if song is not None and counts[song] > 1 else None for song in songs
    ]
    known = {song for song in groups if song is not None}
    if not known:
        return [None] * len(names), []
    for index, (name, song) in enumerate(zip(names, songs, strict=True)):
        whole = _SUFFIX.sub("", name.replace("\\", "/"))
        if groups[index] is None:
            groups[index] = whole if whole in known else song
    notes = [
        f"{sum(group is not None for group in groups):,} rows are slices of "
        f"{len({g for g in groups if g is not None}):,} songs, by their names. The slices of a "
        "song are one group, as one artist's tracks are; a random split parts them."
    ]
    without = [name for name, group in zip(names, groups, strict=True) if group is None]
    if without:
        examples = ", ".join(without[:_EXAMPLES]) + (", …" if len(without) > _EXAMPLES else "")
        notes.append(
            f"{len(without):,} rows have names that show no song, so each counts as a song of its "
            f"own: {examples}. If they are slices too, name a column with --group."
        )
    return groups, notes

"""What the user decided on songs → a data set to train on."""

import os
from pathlib import Path

from genre_engine import labels
from genre_engine.datasets import store
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.store import Dataset, Imported
from genre_engine.errors import WrongUsage
from genre_engine.library.index import Library

# With fewer genres there is nothing to tell apart.
_LEAST_GENRES = 2


def to_dataset(lib: Library, name: str) -> Dataset:
    """Make a data set of the songs whose genres were accepted or corrected.

    Audio stays where it is. A recording that is there several times counts once, so that it can't
    be in two parts of a split. The artist is that of the tags, so splits can keep artists apart.

    Raises:
        WrongUsage: there are too few, or their genres are all the same.
        DatasetExists: the name is taken.
        StorageError: the workspace can't be written.
    """
    songs = lib.songs()
    decided = songs["decision"].isin(("accepted", "corrected"))
    chosen = songs[decided & ~songs["missing"] & (songs["decided_genres"].map(len) > 0)]
    chosen = chosen.drop_duplicates("sound")
    genres = labels.count(chosen["decided_genres"].tolist())
    if len(genres) < _LEAST_GENRES:
        raise WrongUsage(
            f"The genres of {len(chosen):,} songs were accepted or corrected, and they name "
            f"{len(genres)} genres. Accept or correct songs of at least {_LEAST_GENRES} genres "
            "first."
        )
    paths = chosen["path"].tolist()
    # Songs of several folders have what is above all of these.
    audio = Path(os.path.commonpath([Path(path).parent for path in paths]))
    relative = [Path(path).relative_to(audio).as_posix() for path in paths]
    titles = zip(chosen["title"], paths, strict=True)
    imported = Imported(
        track_table.frame(
            {
                "track_id": relative,
                "path": relative,
                "artist_id": chosen["artist"].tolist(),
                "album_id": chosen["album"].tolist(),
                "title": [title or Path(path).stem for title, path in titles],
                "duration_s": chosen["duration_s"].tolist(),
                "genres": [list(words) for words in chosen["decided_genres"]],
            }
        ),
        audio=audio,
        source={"library": lib.name},
        notes=(f"Genres are those that were decided on in the library {lib.name}.",),
    )
    with store.building(name) as folder:
        store.save(folder, name, "folder", imported, labels.choose(genres, "all"))
    return store.load(name)

"""GTZAN: 1,000 clips of 30 s in ten genres, from the folder of its audio.

The audio lies in one folder a genre (`genres/blues/blues.00000.au`, `genres_original/…`), in a
folder around these, or flat: a clip is known by its file's name alone, and is its `track_id`.

The data set's own split is the fault-filtered one, if it is asked for. Artists come from a list of
the user's. What is published as an exact repeat of another clip has the same `album_id` (the
recording that both are from), so that a track without artist goes with its repeats wherever artists
are kept together. Files with the same bytes are known by `sha256` besides.

Sources: Tzanetakis and Cook, "Musical genre classification of audio signals", 2002; Sturm, "The
GTZAN dataset: its contents, its faults, their effects on evaluation, and its future use", 2013.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from genre_engine import labels
from genre_engine.datasets import folder as folder_kind
from genre_engine.datasets import gtzan_lists
from genre_engine.datasets import tracks as track_table
from genre_engine.datasets.folder import Found
from genre_engine.datasets.store import Imported
from genre_engine.errors import DatasetError
from genre_engine.storage.progress import Progress

KIND = "gtzan"
SUMMARY = "GTZAN's 1,000 clips, with its fault-filtered split where the lists are there"

# Its header is damaged in the copy that is handed round most.
BROKEN = "jazz.00054"
# A folder with more audio is a music library, not GTZAN.
MAX_FILES = 20_000
_EXAMPLES = 3


def build(
    folder: Path,
    *,
    path: Path,
    filtered: bool = False,
    progress: Progress | None = None,
    jobs: int | None = None,
) -> tuple[Imported, tuple[str, ...]]:
    """Read the clips; nothing is written into `folder`, the audio stays where it is.

    Args:
        filtered: only the clips of the fault-filtered split, with their parts.
        progress: called with the number of files done and in all.
        jobs: threads that read files.

    Raises:
        BadTable: what is wrong with a list that lies beside the audio, with file and row.
        DatasetError: no such folder, no clip in it, two files for one clip, or no lists.
    """
    del folder
    if not path.is_dir():
        raise DatasetError(f"There is no folder {path}. Check the path.")
    parts = gtzan_lists.read_filtered(path) if filtered else {}
    artists = gtzan_lists.read_artists(path)
    files, n_others = _find(path)
    notes = gtzan_lists.filtered_notes(parts) if filtered else []
    if filtered:
        notes += _unlike_lists(files, parts)
        files = {clip: name for clip, name in files.items() if clip in parts}
        if not files:
            raise DatasetError(
                f"None of the clips that the lists name is below {path}. Name the folder of "
                "GTZAN's audio."
            )
    clip_of = {name: clip for clip, name in files.items()}
    found, failed = folder_kind.read_all(path, list(clip_of), progress, jobs)
    by_clip = {clip_of[item.track_id]: item for item in found}
    if not by_clip:
        raise DatasetError(
            f"None of the {len(files)} clips below {path} can be read. The first is "
            f"{failed[0][0]}: {failed[0][2]}"
        )
    failed, said = _without_broken(failed, clip_of)
    notes += said
    notes += _counts(len(by_clip), n_others, filtered)
    recordings = gtzan_lists.read_recordings()
    artists = _lent_to_repeats(artists, recordings)
    notes += _about_repeats(by_clip, recordings, filtered)
    notes += _about_artists(sorted(by_clip), artists, filtered)
    imported = Imported(
        track_table.frame(_columns(by_clip, parts, artists, recordings)),
        audio=path,
        source={"folder": str(path.resolve()), "filtered": filtered},
        notes=tuple(notes),
        failures=track_table.failures(failed),
        joined_artists=_joined_artists(artists, recordings),
    )
    return imported, labels.choose(labels.count(imported.tracks["genres"]), "all")


def _find(path: Path) -> tuple[dict[str, str], int]:
    """Each clip's file below a folder, by clip; and how many other audio files there are."""
    files: dict[str, str] = {}
    n_others = 0
    for number, name in enumerate(folder_kind.walk(path)):
        if number >= MAX_FILES:
            raise DatasetError(
                f"There are more than {MAX_FILES:,} audio files below {path}. Name the folder that "
                "holds GTZAN's clips alone."
            )
        clip = gtzan_lists.clip_of(name)
        if clip is None:
            n_others += 1
        elif clip in files:
            raise DatasetError(
                f"There are two files for {clip}: {files[clip]} and {name}. Name the folder that "
                "holds only one of them."
            )
        else:
            files[clip] = name
    if not files:
        raise DatasetError(
            f"There is no clip of GTZAN below {path}. Its files are called blues.00000.wav and so "
            "on, in one folder a genre. Other music is imported with `dataset folder`."
        )
    return dict(sorted(files.items())), n_others


def _unlike_lists(files: dict[str, str], parts: dict[str, str]) -> list[str]:
    """How the clips that are here differ from those that the lists name."""
    notes = []
    if lacking := sorted(set(parts) - set(files)):
        notes.append(
            f"{len(lacking)} clips of the fault-filtered split aren't here: {_some(lacking)}."
        )
    if n_out := len(set(files) - set(parts)):
        notes.append(f"{n_out} clips are outside the fault-filtered split and left out.")
    return notes


def _without_broken(
    failed: list[tuple[str, str, str]], clip_of: dict[str, str]
) -> tuple[list[tuple[str, str, str]], list[str]]:
    """The failures without the clip whose damage is known, and a sentence about that one."""
    others = [row for row in failed if clip_of.get(row[0]) != BROKEN]
    if len(others) == len(failed):
        return failed, []
    return others, [f"{BROKEN} can't be read and is left out: it is damaged in many copies."]


def _counts(n_clips: int, n_others: int, filtered: bool) -> list[str]:
    notes = []
    if not filtered and n_clips < gtzan_lists.N_CLIPS - 1:
        notes.append(f"{n_clips} of GTZAN's {gtzan_lists.N_CLIPS:,} clips are here.")
    if n_others:
        notes.append(f"{n_others:,} audio files aren't named as GTZAN's clips and are left out.")
    return notes


def _about_repeats(
    clips: Collection[str], recordings: Mapping[str, str], filtered: bool
) -> list[str]:
    present = [recordings[clip] for clip in clips if clip in recordings]
    n_repeats = len(present) - len(set(present))
    if not n_repeats:
        return []
    advice = "" if filtered else " The fault-filtered split (--filtered) is without them."
    return [
        f"{n_repeats} clips repeat another exactly, as Sturm's catalogue (2013) says. A random "
        f"split can part a clip from its repeat.{advice}"
    ]


def _lent_to_repeats(artists: dict[str, str], recordings: Mapping[str, str]) -> dict[str, str]:
    """Artists by clip, with those of clips whose repeat is known to be by somebody."""
    known: dict[str, str] = {}
    for clip in sorted(set(artists) & set(recordings)):
        known.setdefault(recordings[clip], artists[clip])
    lent = {clip: known[first] for clip, first in recordings.items() if first in known}
    return lent | artists


def _joined_artists(
    artists: Mapping[str, str], recordings: Mapping[str, str]
) -> tuple[tuple[str, ...], ...]:
    """Groups of artists to whom the list gives one and the same recording."""
    names: dict[str, set[str]] = {}
    for clip in set(artists) & set(recordings):
        names.setdefault(recordings[clip], set()).add(artists[clip])
    return tuple(sorted({tuple(sorted(group)) for group in names.values() if len(group) > 1}))


def _about_artists(clips: Sequence[str], artists: Mapping[str, str], filtered: bool) -> list[str]:
    unknown = [clip for clip in clips if clip not in artists]
    if len(unknown) == len(clips):
        advice = "" if filtered else ", or take the fault-filtered split (--filtered)"
        return [
            "The artists are unknown, so no new split can keep them apart, and many clips of a "
            f"genre are by one artist. Put a list {gtzan_lists.ARTISTS} (columns clip and artist) "
            f"beside the audio{advice}."
        ]
    if unknown:
        return [f"{len(unknown)} clips name no artist: {_some(unknown)}."]
    return []


def _columns(
    by_clip: Mapping[str, Found],
    parts: Mapping[str, str],
    artists: Mapping[str, str],
    recordings: Mapping[str, str],
) -> dict[str, list[Any]]:
    clips = sorted(by_clip)
    files = [by_clip[clip] for clip in clips]
    repeated = [recordings[clip] for clip in clips if clip in recordings]
    return {
        "track_id": clips,
        "artist_id": [artists.get(clip) for clip in clips],
        "album_id": [
            f"recording of {recordings[clip]}"
            if repeated.count(recordings.get(clip, "")) > 1
            else None
            for clip in clips
        ],
        "title": clips,
        "path": [item.track_id for item in files],
        "duration_s": [item.duration_s for item in files],
        "genres": [[clip.partition(".")[0]] for clip in clips],
        "split": [parts.get(clip) for clip in clips],
        "sha256": [item.sha256 for item in files],
    }


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_EXAMPLES]) + (", …" if len(names) > _EXAMPLES else "")

"""`similar`: songs of a library that sound like one, or a playlist from a few."""

# The engine is imported inside the functions: with pandas it would make --help slow.
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from genre_engine.cli.console import complain, printable
from genre_engine.errors import AudioError, WrongUsage

if TYPE_CHECKING:
    from genre_engine.library import Library, Snapshot
    from genre_engine.library.similar import Neighbour


class Format(StrEnum):
    table = "table"
    json = "json"
    m3u8 = "m3u8"


_BY_SUFFIX = {".m3u8": Format.m3u8, ".m3u": Format.m3u8, ".json": Format.json}
_BEGINNINGS = {Format.table: ("Song ", "a table"), Format.json: ("[", "a JSON list")}
_BEGINNINGS |= {Format.m3u8: ("#EXTM3U", "a playlist")}
_FILE_WIDTH = 160


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The library.", show_default=False)],
    wanted: Annotated[
        list[str],
        typer.Argument(
            metavar="SONG...",
            help="A song of the library: its path, its number, or a part of its title that no "
            "other has. Or a file from anywhere. Several songs of the library give a playlist "
            "that begins with them.",
            show_default=False,
        ),
    ],
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many songs.")] = 20,
    other_artists: Annotated[
        bool, typer.Option("--other-artists", help="Leave out songs by the same artist.")
    ] = False,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", help="How they are written. [default: as the file is called, else table]"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "--output", help="Write to this file.")
    ] = None,
    relative: Annotated[
        bool, typer.Option("--relative", help="In a playlist: paths relative to its folder.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an output file that holds something else.")
    ] = False,
) -> None:
    """Find songs of a library that sound like one, at most two of an artist."""
    from genre_engine import library

    chosen = form or (_BY_SUFFIX.get(out.suffix.lower()) if out else None) or Format.table
    if relative and (out is None or chosen is not Format.m3u8):
        raise WrongUsage("--relative is for a playlist in a file: add --out LIST.m3u8.")
    lib = library.open(name)
    now = lib.snapshot()
    target = _checked(out, chosen, now, force=force) if out else None
    found = _found(lib, now, wanted, count, other_artists=other_artists)
    if target is None:
        _write(sys.stdout, chosen, now, found, None)
        return
    from genre_engine.storage.output import place_for

    with place_for(target) as place, place.open("w", encoding="utf-8", newline="\n") as file:
        _write(file, chosen, now, found, target.absolute().parent if relative else None)


def _checked(out: Path, form: Format, now: "Snapshot", *, force: bool) -> Path:
    from genre_engine.storage.output import check

    beginning, kind = _BEGINNINGS[form]

    def is_kind(path: Path) -> bool:
        with path.open("rb") as file:
            return file.read(64).decode("utf-8-sig", "replace").lstrip().startswith(beginning)

    return check(out, kind=kind, is_kind=is_kind, force=force)


def _found(
    lib: "Library", now: "Snapshot", wanted: list[str], count: int, *, other_artists: bool
) -> list["Neighbour"]:
    from genre_engine.library import similar

    rows = [_row(lib, now, text) for text in wanted]
    inside = [row for row in rows if row is not None]
    if len(rows) == 1 and not inside:
        try:
            return similar.nearest_to_file(
                now, Path(wanted[0]).expanduser(), count, other_artists=other_artists
            )
        except AudioError as error:
            complain(f"{wanted[0]}: {error}")
            raise typer.Exit(1) from error
    if len(inside) < len(rows):
        outside = wanted[rows.index(None)]
        raise WrongUsage(
            f"{outside} isn't in the library {lib.name!r}. A playlist is made from songs of the "
            "library; of a file from elsewhere, name it alone."
        )
    if len(rows) == 1:
        return similar.nearest(now, inside[0], count, other_artists=other_artists)
    return similar.playlist(now, inside, count, other_artists=other_artists)


def _row(lib: "Library", now: "Snapshot", text: str) -> int | None:
    """The row of a song; None for a file from outside the library."""
    path = Path(text).expanduser()
    if path.is_file():
        paths = now.songs["path"]
        rows = paths.index[(paths == str(path.absolute())) | (paths == str(path.resolve()))]
        return int(rows[0]) if len(rows) else None
    song = lib.songs()["id"].iloc[lib.song(text)]
    rows = now.songs.index[now.songs["id"] == song]
    if not len(rows):  # a scan found it a moment ago
        raise WrongUsage(f"The library {lib.name!r} has just changed. Try again.")
    return int(rows[0])


def _write(
    file: IO[str], form: Format, now: "Snapshot", found: list["Neighbour"], folder: Path | None
) -> None:
    if form is Format.m3u8:
        from genre_engine.library import playlists

        songs = now.songs.iloc[[song.row for song in found]]
        written = playlists.write_lines(file, songs, folder)
        for number, why in (
            (written.missing, "are missing"),
            (written.unwritable, "have paths that a playlist can't hold"),
        ):
            if number:
                complain(f"Left out: {number} whose files {why}.")
    elif form is Format.json:
        file.write(json.dumps([_entry(now, song) for song in found], ensure_ascii=False, indent=2))
        file.write("\n")
    elif not found:
        complain("The library has no other songs to compare with.")
    else:
        _write_table(file, now, found)


def _entry(now: "Snapshot", song: "Neighbour") -> dict[str, Any]:
    row = now.songs.iloc[song.row]
    texts = {key: row[key] if isinstance(row[key], str) else None for key in ("title", "artist")}
    return {
        "id": int(row["id"]),
        "path": row["path"],
        **texts,
        "duration_s": None if row["duration_s"] != row["duration_s"] else row["duration_s"],
        "distance": round(song.distance, 4),
        "common": list(song.common),
    }


def _write_table(file: IO[str], now: "Snapshot", found: list["Neighbour"]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from genre_engine.library import traits

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("Song", overflow="fold", ratio=4)
    table.add_column("Artist", overflow="fold", ratio=3)
    table.add_column("Distance", justify="right", no_wrap=True)
    table.add_column("In common", ratio=5)
    for song in found:
        entry = _entry(now, song)
        table.add_row(
            Text(printable(entry["title"] or Path(entry["path"]).name)),
            Text(printable(entry["artist"] or "")),
            f"{song.distance:.2f}",
            Text(printable(traits.in_words(song.common))),
        )
    width = None if file.isatty() else _FILE_WIDTH
    Console(file=file, width=width, highlight=False).print(table)

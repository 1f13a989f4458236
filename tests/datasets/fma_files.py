"""FMA's tables as they are published, in small: rows of tracks.csv and the tree of genres."""

import csv
import io

# A part of the real 53 columns, in their order.
COLUMNS = (
    *(("album", "comments"), ("album", "id"), ("album", "title"), ("artist", "bio")),
    *(("artist", "id"), ("artist", "name"), ("set", "split"), ("set", "subset")),
    *(("track", "duration"), ("track", "genre_top"), ("track", "genres")),
    *(("track", "genres_all"), ("track", "license"), ("track", "tags"), ("track", "title")),
)
GENRES = """genre_id,#tracks,parent,title,top_level
1,8693,38,Avant-Garde,38
2,5271,0,International,2
12,32923,0,Rock,12
21,12730,0,Hip-Hop,21
38,38154,0,Experimental,38
45,1000,12,Loud-Rock,12
46,500,45,Noise-Rock,12
"""


def track(number, *, name=None, **values):
    """A row of tracks.csv: an id (or another text in its place) and the cells by column."""
    cells = {
        ("album", "comments"): "0",
        ("album", "id"): str(number // 10 + 1),
        ("album", "title"): 'AWOL, a "Way" of Life',
        ("artist", "bio"): "<p>A Way Of Life,\nin two lines</p>",
        ("artist", "id"): str(number // 5 + 1),
        ("artist", "name"): "AWOL",
        ("set", "split"): "training",
        ("set", "subset"): "small",
        ("track", "duration"): "168",
        ("track", "genre_top"): "Hip-Hop",
        ("track", "genres"): "[21]",
        ("track", "genres_all"): "[21]",
        ("track", "license"): "Attribution-NonCommercial-ShareAlike 3.0 International",
        ("track", "tags"): "['a', 'b']",
        ("track", "title"): "Food",
    }
    for key, value in values.items():
        category, _, column = key.partition("_")
        cells[category, column] = value
    return [name or str(number), *(cells[column] for column in COLUMNS)]


def table(*rows, header=None):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(
        header
        or [
            ["", *(category for category, _ in COLUMNS)],
            ["", *(name for _, name in COLUMNS)],
            ["track_id", *("" for _ in COLUMNS)],
        ]
    )
    writer.writerows(rows)
    return out.getvalue()

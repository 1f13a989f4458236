"""FMA's zips as they are published, in small."""

import io
import zipfile

from tests.datasets.fma_files import GENRES, table, track

ROWS = [track(number) for number in (2, 5, 10)]
CLIPS = {f"fma_small/000/{number:06d}.mp3": bytes([number]) * 5000 for number in (2, 5, 10)}
METADATA = {
    "fma_metadata/README.txt": b"read me",
    "fma_metadata/not_found.pickle": b"cos\nsystem\n(S'false'\ntR.",
    "fma_metadata/tracks.csv": table(*ROWS).encode(),
    "fma_metadata/genres.csv": GENRES.encode(),
    "fma_metadata/features.csv": b"much",
}


def zipped(members, method=zipfile.ZIP_BZIP2):
    """A zip as FMA makes them; members are (name or ZipInfo) → bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def put(server):
    """Have a server on loopback offer both."""
    server.files["/fma_metadata.zip"] = zipped(METADATA)
    server.files["/fma_small.zip"] = zipped({"fma_small/": b"", **CLIPS})

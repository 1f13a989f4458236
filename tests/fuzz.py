"""Files that somebody has changed at random: each is read, or refused in words.

    python -m tests.fuzz MINUTES        reports how many, and every seed that broke something

Small files of each kind are cut, repeated, and changed byte by byte. A seed always gives the same
file, so what broke can be looked at again: `python -m tests.fuzz --seeds 17:18`. The work is done
in child processes, so a crash is found and named too.
"""

import io
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path

import pandas as pd

from genre_engine import audio
from genre_engine.datasets import tables
from genre_engine.errors import BundleError, GenreEngineError
from genre_engine.models.files import read_description
from genre_engine.runs import Config
from genre_engine.storage import budget
from genre_engine.training import bundle
from tests import sounds

FORMS = ("WAV", "FLAC", "OGG", "MP3", "AIFF")
# Seconds and MB that a single file may take: a tenth above what is right for small ones.
MOST_S, MOST_MB = 11.0, 550
_BATCH = 200
_SAVED = Path(__file__).parent / "data" / "before-the-move.zip"


def _audio(form):
    return lambda: sounds.encoded(sounds.chords(1.0, 22050), 22050, form)


def _csv():
    return b"label,a,b\n" + b"".join(b"pop,%d,%d\n" % (n, n * n) for n in range(50))


def _parquet():
    room = io.BytesIO()
    pd.DataFrame({"label": ["pop", "rock"] * 20, "a": range(40)}).to_parquet(room)
    return room.getvalue()


def _saved(name):
    import zipfile

    with zipfile.ZipFile(_SAVED) as archive:
        found = [one for one in archive.namelist() if one.endswith(name)]
        return archive.read(found[0])


def _load(data, room):
    audio.load(data, excerpt_s=None)


def _table(suffix):
    def read(data, room):
        path = room / f"table{suffix}"
        path.write_bytes(data)
        tables.preview(path)

    return read


def _unpack(data, room):
    path = room / "run.zip"
    path.write_bytes(data)
    (room / "run").mkdir()
    bundle.unpack(str(path), str(room / "run"))


def _config(data, room):
    try:
        values = budget.parse_json(data)
    except ValueError as error:
        raise BundleError(str(error)) from error
    Config.from_dict(values)


def _description(data, room):
    (room / "model.json").write_bytes(data)
    read_description(room)


# What is changed, and what reads it.
KINDS = {
    **{form: (_audio(form), _load) for form in FORMS},
    "CSV": (_csv, _table(".csv")),
    "Parquet": (_parquet, _table(".parquet")),
    "bundle": (lambda: _saved(".genre-run.zip"), _unpack),
    "config.json": (lambda: _saved("config.json"), _config),
    "model.json": (lambda: _saved("model.json"), _description),
}


@cache
def original(kind):
    return KINDS[kind][0]()


def mutated(seed):
    """(kind, bytes) of a seed."""
    rng = random.Random(seed)
    kind = rng.choice(list(KINDS))
    data = bytearray(original(kind))
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        at = rng.randrange(len(data)) if data else 0
        change = rng.randrange(6)
        if change == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif change == 1 and data:
            data[at] = rng.choice((0, 255, 127, 128, rng.randrange(256)))
        elif change == 2:
            del data[at : at + rng.choice((1, 4, 100, len(data)))]
        elif change == 3:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice((1, 4, 100))))
        elif change == 4:
            data[at:at] = data[at : at + rng.choice((4, 100, 5000))]
        elif len(data) > 8:  # a size or a count that is absurd
            at = min(at, len(data) - 4)
            data[at : at + 4] = rng.choice(
                (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff")
            )
    return kind, bytes(data)


def outcome(seed):
    """(kind, `read`, `refused` or what else came of it)."""
    kind, data = mutated(seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as room:
        try:
            KINDS[kind][1](data, Path(room))
            found = "read"
        except GenreEngineError as error:
            found = "refused" if str(error).strip() else "refused without a word"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            found = f"{type(error).__name__}: {error}"
    if time.monotonic() - began > MOST_S:
        found = f"took {time.monotonic() - began:.0f} s"
    if (held := held_mb()) > MOST_MB:
        found = f"took {held:.0f} MB"
    return kind, found


def held_mb():
    """The most that this process has held, its parent not counted; 0 where that isn't known."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def batch(first, last):
    """Outcomes of some seeds, worked on in a child process: {seed: (kind, outcome)}."""
    command = [sys.executable, "-m", "tests.fuzz", "--seeds", f"{first}:{last}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    found = {}
    for line in done.stdout.decode().splitlines():
        seed, kind, said = json.loads(line)
        found[seed] = (kind, said)
    if len(found) < last - first:
        seed = first + len(found)
        found[seed] = (mutated(seed)[0], f"the process ended with {done.returncode}")
        found |= batch(seed + 1, last) if seed + 1 < last else {}
    return found


def broken(found):
    """What of some outcomes is neither read nor refused."""
    return {seed: one for seed, one in found.items() if one[1] not in ("read", "refused")}


def main(words):
    if words[0] == "--seeds":
        first, last = map(int, words[1].split(":"))
        for seed in range(first, last):
            sys.stdout.write(json.dumps([seed, *outcome(seed)]) + "\n")
            sys.stdout.flush()
        return 0
    end = time.monotonic() + 60 * float(words[0])
    found, first = {}, 0
    while time.monotonic() < end:
        found |= batch(first, first + _BATCH)
        first += _BATCH
    counts = Counter(
        (kind, said if said in ("read", "refused") else "BROKEN") for kind, said in found.values()
    )
    for (kind, said), count in sorted(counts.items()):
        sys.stdout.write(f"{kind:12} {said:8} {count:8,}\n")
    for seed, (kind, said) in broken(found).items():
        sys.stdout.write(f"seed {seed}, {kind}: {said}\n")
    sys.stdout.write(f"{len(found):,} files, {len(broken(found)):,} broke something\n")
    return bool(broken(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Numbers that rendered sound is held to, and how to make them again.

python -m tests.golden        writes tests/data/*.json again, after a change that is meant
"""

import dataclasses
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from genre_engine.prediction import example
from genre_engine.synthesis import demo_tracks

FOLDER = Path(__file__).parent / "data"


def summary_of(samples, sample_rate):
    """Loudness in every second and a few samples: what changes if any sound changes."""
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    seconds = mono[: len(mono) // sample_rate * sample_rate].reshape(-1, sample_rate)
    return {
        "sample_rate": sample_rate,
        "shape": list(samples.shape),
        "rms_per_second": np.sqrt(np.mean(np.square(seconds), axis=1)).round(7).tolist(),
        "every_9973rd_sample": mono[::9973].astype(float).round(7).tolist(),
    }


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def save(name, numbers):
    text = json.dumps(numbers, indent=1) + "\n"
    (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def demo_plans():
    return [
        {
            "track_id": one.track_id,
            "artist": one.artist,
            "title": one.title,
            "part": one.part,
            "genres": list(one.genres),
            "score": dataclasses.asdict(one.score),
        }
        for one in demo_tracks.plan(40, seed=0)
    ]


def demo_labels():
    return [f"{one.part}: {', '.join(one.genres)}" for one in demo_tracks.plan(300, seed=0)]


def demo_sounds():
    with TemporaryDirectory() as folder:
        table = demo_tracks.generate(Path(folder), tracks=20, seed=0, jobs=1)
        return {
            row.track_id: summary_of(*soundfile.read(Path(folder, row.path), dtype="float32"))
            for row in table.itertuples()
        }


if __name__ == "__main__":
    save("example", summary_of(*example.render()))
    save("demo", {"labels": demo_labels(), "plans": demo_plans(), "sounds": demo_sounds()})

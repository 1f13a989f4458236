"""Numbers that rendered sound is held to, and how to make them again.

python -m tests.golden        writes tests/data/*.json anew, after a change that is meant
"""

import json
from pathlib import Path

import numpy as np

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


if __name__ == "__main__":
    from genre_engine import example

    save("example", summary_of(*example.render()))

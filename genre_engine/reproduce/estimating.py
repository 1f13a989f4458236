"""What a reproduction will take, in time and bytes, before it starts.

Rates of extraction are those measured on this machine where there were any; else, like those of
trainings, they are `docs/reproduction.md`'s.
"""

import os
from dataclasses import dataclass

from genre_engine import datasets, features
from genre_engine.features import store as feature_stores
from genre_engine.features import throughput
from genre_engine.reproduce import material
from genre_engine.reproduce.stages import Stage
from genre_engine.reproduce.state import Reproduction, Request, load

# Core seconds and bytes of a track of 30 s.
_ASSUMED = {
    "summary": (0.076, 2_000),
    "patches": (0.076, 360_000),
    "embedding": (1.9, 6_100),
}
# Seconds of a training on two cores: at least, and for each thousand tracks. From the processor
# time of fits on 8,000 x 498 (`python -m benchmarks.training`), trees estimated from fewer of
# them; that of cnn and the factor for quick runs are rough guesses.
_TRAINING_S = {
    "fcn": (6.0, 4.0),
    "cnn": (20.0, 150.0),
    "xgboost": (4.0, 12.0),
    "forest": (3.0, 5.0),
    "linear": (2.0, 1.2),
}
_QUICK = 0.3
# A track of MTG-Jamendo at low quality, whole and for each second of an excerpt.
_TRACK_BYTES, _SECOND_BYTES = 2_900_000, 12_000
_BYTES_A_SECOND = 2e6


@dataclass(frozen=True)
class Estimate:
    """What is left to do.

    Attributes:
        tracks: how many take part.
        stages: how many are left.
        left_out: how many the data set can't have, as far as was seen; they aren't among those.
        seconds: about how long they take.
        bytes_fetched, bytes_kept: over the network, and on disk for features.
    """

    tracks: int
    stages: int
    seconds: float
    bytes_fetched: int
    bytes_kept: int
    left_out: int = 0

    def sentence(self) -> str:
        """For who is about to start it."""
        if not self.stages and self.left_out:
            n = "the one" if self.left_out == 1 else f"the {self.left_out}"
            return f"All stages are done but {n} left out."
        if not self.stages:
            return "All stages are done."
        n = "a stage is" if self.stages == 1 else f"{self.stages} stages are"
        minutes = self.seconds / 60
        time = f"{minutes:,.0f} min" if minutes >= 1.5 else f"{max(1, self.seconds):.0f} s"
        if minutes >= 90:
            time = f"{minutes / 60:,.1f} h"
        said = f"{self.tracks:,} tracks take part; {n} left, about {time}"
        if self.bytes_fetched:
            said += f", {_size(self.bytes_fetched)} to fetch"
        return said + (f", {_size(self.bytes_kept)} on disk." if self.bytes_kept else ".")


def estimate(request: Request, stages: tuple[Stage, ...]) -> Estimate:
    """Estimate the stages that aren't done.

    Raises:
        DatasetMissing, DatasetError: there is no such data set, and none is to be fetched.
    """
    found = load(request.dataset)
    left = [s for s in stages if not found.outcomes[s.name].is_done(quick=request.quick)]
    left_out = [s for s in left if _is_left_out(found, s)]
    left = [s for s in left if s not in left_out]
    seconds, kept, fetched = 0.0, 0.0, 0.0
    missing: dict[str, int] = {}
    if request.tracks is not None and material.is_fetched(request.dataset):
        n = request.tracks
        size = _SECOND_BYTES * request.excerpt_s if request.excerpt_s else _TRACK_BYTES
        if any(stage.name == "audio" for stage in left):
            fetched = n * size
            seconds += fetched / _BYTES_A_SECOND
        missing = dict.fromkeys(_ASSUMED, n)
    else:
        dataset = datasets.open(request.dataset)
        chosen = material.with_audio(dataset, material.selection(dataset))
        n = len(chosen.rows)
        ids = dataset.tracks["track_id"].iloc[chosen.rows].tolist()
        for name in _ASSUMED:
            kind = features.kind(name)
            store = feature_stores.find(dataset.features_folder, name, kind.fingerprint)
            missing[name] = n if store is None else n - int(store.has(ids).sum())
    known = throughput.read()
    for stage in left:
        if stage.extracts:
            core_seconds, size = _ASSUMED[stage.extracts]
            if measured := known.get(features.kind(stage.extracts).fingerprint):
                core_seconds, size = measured["core_seconds"], measured["bytes"]
            seconds += missing[stage.extracts] * core_seconds / (os.cpu_count() or 1)
            kept += missing[stage.extracts] * size
        elif stage.training:
            least, each = _TRAINING_S[stage.training.model]
            seconds += (least + each * n / 1000) * (_QUICK if request.quick else 1.0)
    return Estimate(n, len(left), seconds, round(fetched), round(kept), len(left_out))


def _is_left_out(found: Reproduction, stage: Stage) -> bool:
    """Whether a stage was left out for what the data set is, not for want of another stage."""
    done = all(found.output(name) is not None for name in stage.needs)
    return done and found.status(stage.name) == "skipped"


def _size(n_bytes: float) -> str:
    if n_bytes >= 1e9:
        return f"{n_bytes / 1e9:,.1f} GB"
    return f"{n_bytes / 1e6:,.0f} MB" if n_bytes >= 1e6 else "under 1 MB"

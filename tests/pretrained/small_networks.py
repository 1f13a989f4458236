"""Stand-ins of the published form: a small file of numbers, its checksum, and a graph of them."""

import hashlib
from dataclasses import replace

import numpy as np

from genre_engine.pretrained import NETWORKS, graphs, tensors
from genre_engine.pretrained.network import WeightsFile

N_TAGS = 50


def content(seed):
    """50 biases, with something before and behind them, as in a file of PyTorch's."""
    biases = np.random.default_rng(seed).normal(size=N_TAGS).astype("<f4")
    return b"header" + biases.tobytes() + b"the rest", biases


def graph(values, frames):
    """The mean of a patch's numbers plus a bias a tag."""
    made = graphs._Graph()
    mean = made.reduced("ReduceMean", "input", [1, 2])
    column = made.add("Unsqueeze", mean, made.constant([1], np.int64))
    made.add("Sigmoid", made.add("Add", column, made.constant(values["bias"])), output="tags")
    return made.model(frames, {"tags": N_TAGS})


def install(monkeypatch, names):
    """Have small files stand for these networks' weights; returns their content by name."""
    files, places = {}, dict(tensors._places())
    for seed, name in enumerate(names):
        data, _ = content(seed)
        sha256 = hashlib.sha256(data).hexdigest()
        file = WeightsFile(f"{name}.pth", len(data), sha256, f"models/{name}.pth")
        monkeypatch.setitem(NETWORKS, name, replace(NETWORKS[name], weights=file, build=graph))
        places[name] = [("bias", (N_TAGS,), len(b"header"))]
        files[name] = data
    monkeypatch.setattr(tensors, "_places", lambda: places)
    return files

"""The numbers of a network's weights, read at their known places in a file whose checksum is known.

`data/tensors.csv` says where each tensor begins, in bytes, and its shape: little-endian float32, in
C order. Nothing is unpickled and no framework is asked, so a file can do nothing but hold numbers.
"""

import csv
import hashlib
import math
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genre_engine.errors import WeightsError
from genre_engine.pretrained.network import Network
from genre_engine.storage.workspace import shown

COMMAND = "python -m genre_engine weights"


@cache
def _places() -> dict[str, list[tuple[str, tuple[int, ...], int]]]:
    """By network: name, shape and offset of each tensor."""
    table = resources.files("genre_engine.pretrained") / "data" / "tensors.csv"
    found: dict[str, list[tuple[str, tuple[int, ...], int]]] = {}
    with table.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            shape = tuple(int(n) for n in row["shape"].split("x"))
            found.setdefault(row["network"], []).append((row["tensor"], shape, int(row["offset"])))
    return found


def read(network: Network, path: Path) -> dict[str, NDArray[np.float32]]:
    """A network's tensors by name.

    Raises:
        WeightsError: the file isn't there or isn't what was published.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"The weights of {network.name} are missing. Run: {COMMAND}") from error
    if hashlib.sha256(data).hexdigest() != network.weights.sha256:
        raise WeightsError(
            f"The weights of {network.name} in {shown(path)} are damaged (their checksum differs). "
            f"Run: {COMMAND}"
        )
    return {
        name: np.frombuffer(data, "<f4", math.prod(shape), offset).reshape(shape)
        for name, shape, offset in _places()[network.name]
    }

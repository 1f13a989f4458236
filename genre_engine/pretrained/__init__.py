"""Networks that others trained on music with tags; they make the app useful before anything has
been trained here.

    from genre_engine import pretrained
    pretrained.prepare("full")              # fetch what is missing, where it can be reached
    pretrained.networks("full")             # by name: Loaded, which turns patches into tags

    network.py        which networks there are, and one that computes
    tags.py           what their outputs are called
    spectrogram.py    their input
    windows.py        a song → windows of 3 s and 29 s, and where there is something to hear
    weights.py        the musicnn pair's weights, from the package index
    published.py      the other networks' weights, from where they were published
    tensors.py        the numbers in these files
    graphs.py         a network as an ONNX graph
    sessions.py       graphs kept in the workspace, and computing with them

`fast` are the three fully convolutional networks, `full` all six. Where the other networks' weights
can't be reached, the musicnn pair serves for both.
"""

from genre_engine.pretrained.network import FAST, FULL, NETWORKS, PAIR, Loaded, Network
from genre_engine.pretrained.sessions import (
    CHOICES,
    available,
    loaded,
    networks,
    prepare,
    prepare_pair,
    use_threads,
)

__all__ = [
    "CHOICES",
    "FAST",
    "FULL",
    "NETWORKS",
    "PAIR",
    "Loaded",
    "Network",
    "available",
    "loaded",
    "networks",
    "prepare",
    "prepare_pair",
    "use_threads",
]

"""Stand-ins for the pretrained networks, which take seconds and their weights."""

import numpy as np

from genre_engine import pretrained
from genre_engine.pretrained import NETWORKS, PAIR


class StubNetwork:
    """Gives every patch the probability 0.01 for each tag, but for those that `loud` says.

    Attributes:
        scored: how many patches it was given.
    """

    def __init__(self, name, loud):
        self.network = NETWORKS[name]
        self.scored = 0
        self._loud = loud

    def __call__(self, patches):
        assert patches.shape[1:] == (self.network.frames, 96)
        self.scored += len(patches)
        found = np.full((len(patches), 50), 0.01, np.float32)
        for tag, values in self._loud(self.network, patches).items():
            found[:, self.network.tags.index(tag)] = values
        return found


def install(monkeypatch, loud, names=PAIR):
    """Have these networks used instead of real ones; returns them by name."""
    made = {name: StubNetwork(name, loud) for name in names}
    monkeypatch.setattr(pretrained, "prepare", lambda choice="full", progress=None: tuple(made))
    monkeypatch.setattr(pretrained, "networks", lambda choice="full", names=None: made)
    return made


def rock(network, patches):
    """Rock in everything."""
    return {"rock": 0.7} if "rock" in network.tags else {}

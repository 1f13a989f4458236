"""Two networks that others trained on music with tags: MSD (Million Song Dataset, last.fm tags) and
MTT (MagnaTagATune). They make the app useful before anything has been trained here.

    weights.py      how their weights get here
    network.py      what they compute
    tags.py         what their 50 outputs each are called
"""

import threading
from functools import lru_cache

from genre_engine.pretrained import weights
from genre_engine.pretrained.network import Network
from genre_engine.storage.native_stderr import native_noise_filtered

_loading = threading.Lock()


def networks(progress: weights.Progress | None = None) -> dict[str, Network]:
    """Both networks by short name, "MSD" and "MTT"; loaded once in a process.

    Raises:
        WeightsError: the weights can't be fetched.
    """
    with _loading:
        if not loaded():
            weights.fetch(progress)
        return _loaded()


def loaded() -> bool:
    """Whether `networks` would answer at once."""
    return _loaded.cache_info().currsize > 0


@lru_cache(maxsize=1)
def _loaded() -> dict[str, Network]:
    with native_noise_filtered():
        return {
            name.removesuffix("_musicnn"): Network(weights.read(name)) for name in weights.NETWORKS
        }

"""The pretrained networks: which there are, what each takes and names, and how it is run.

    NETWORKS["mtg-jamendo-fcn"]          what a network is: tags, window, weights, source
    Loaded(NETWORKS[…], tensors)         the same, ready to compute

Six networks by others, small enough for a processor: the musicnn pair (J. Pons and X. Serra, 2019),
and four of M. Won and others' "Evaluation of CNN-based automatic music tagging models" (2020), two
of them trained on MTG-Jamendo itself. They run in ONNX Runtime.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genre_engine.pretrained import graphs
from genre_engine.pretrained.spectrogram import HTK, PATCH_FRAMES, SLANEY
from genre_engine.pretrained.tags import VOCABULARIES
from genre_engine.storage import turns

if TYPE_CHECKING:
    import onnx
    import onnxruntime

Floats = NDArray[np.float32]
Tensors = Mapping[str, Floats]

# Channels of a musicnn network that are pooled over time: front end and three mid-end maps.
CHANNELS = 753


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights as it was published.

    Attributes:
        name: what it is called here.
        published: its path in the authors' repository; empty where it comes in an archive.
    """

    name: str
    n_bytes: int
    sha256: str
    published: str = ""


@dataclass(frozen=True)
class Network:
    """A network that others trained.

    Attributes:
        vocabulary: the tags that it knows: MSD, MTT or MTG-Jamendo.
        tags: what its outputs stand for, in their order.
        data: the music that it was trained on.
        spectrogram: its input, `slaney` or `htk`, see `spectrogram`.
        frames: length of its window in frames of 16 ms.
        build: tensors and frames → ONNX graph.
        source, licence: whose it is.
    """

    name: str
    vocabulary: str
    tags: tuple[str, ...]
    data: str
    spectrogram: str
    frames: int
    build: Callable[[Tensors, int], "onnx.ModelProto"]
    weights: WeightsFile
    source: str
    licence: str

    @property
    def is_long(self) -> bool:
        """Whether its window is one of 29 s instead of 3 s."""
        return self.frames > PATCH_FRAMES + 1


# 29 s, centred frames of 256 samples.
FCN_FRAMES = 1813
_PONS = "J. Pons and X. Serra, musicnn, 2019"
_WON = "M. Won and others, Evaluation of CNN-based automatic music tagging models, 2020"
_DATA = {"MSD": "Million Song Dataset", "MTT": "MagnaTagATune", "MTG-Jamendo": "MTG-Jamendo"}


def _network(
    name: str,
    vocabulary: str,
    weights: WeightsFile,
    build: Callable[[Tensors, int], "onnx.ModelProto"],
) -> Network:
    first = build is graphs.musicnn_2019
    frames = FCN_FRAMES if build is graphs.fcn else PATCH_FRAMES + (not first)
    return Network(
        name=name,
        vocabulary=vocabulary,
        tags=VOCABULARIES[vocabulary],
        data=_DATA[vocabulary],
        spectrogram=SLANEY if first else HTK,
        frames=frames,
        build=build,
        weights=weights,
        source=_PONS if first else _WON,
        licence="ISC" if first else "MIT",
    )


_ALL = (
    _network(
        "mtg-jamendo-fcn",
        "MTG-Jamendo",
        WeightsFile(
            "mtg-jamendo-fcn.pth",
            1_902_815,
            "7bce08a66dbc70d096b0a330f44b4cacd9aa25519b83489fbb98f2164a194e2b",
            "models/jamendo/fcn/best_model.pth",
        ),
        graphs.fcn,
    ),
    _network(
        "mtg-jamendo-musicnn",
        "MTG-Jamendo",
        WeightsFile(
            "mtg-jamendo-musicnn.pth",
            3_257_168,
            "66280f4859376377c47f64313c7ac889a3201fdb06a01bf6e94ac6e619081bb5",
            "models/jamendo/musicnn/best_model.pth",
        ),
        graphs.musicnn,
    ),
    _network(
        "msd-fcn",
        "MSD",
        WeightsFile(
            "msd-fcn.pth",
            1_902_815,
            "6012aa7eecf864a8081faedca56af054521e8dfb9c5c98659a3dd5d3e1e66f21",
            "models/msd/fcn/best_model.pth",
        ),
        graphs.fcn,
    ),
    _network(
        "mtat-fcn",
        "MTT",
        WeightsFile(
            "mtat-fcn.pth",
            1_902_811,
            "e89d751202d38c3ae69855782bc27010f87051958dbec64f5aa762364dbac271",
            "models/mtat/fcn/best_model.pth",
        ),
        graphs.fcn,
    ),
    _network(
        "msd-musicnn",
        "MSD",
        WeightsFile(
            "MSD_musicnn.data-00000-of-00001",
            0,
            "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
        ),
        graphs.musicnn_2019,
    ),
    _network(
        "mtt-musicnn",
        "MTT",
        WeightsFile(
            "MTT_musicnn.data-00000-of-00001",
            0,
            "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
        ),
        graphs.musicnn_2019,
    ),
)
NETWORKS = {network.name: network for network in _ALL}
# Those that come through the package index, and are there wherever anything is.
PAIR = ("msd-musicnn", "mtt-musicnn")
FAST = ("mtg-jamendo-fcn", "msd-fcn", "mtat-fcn")
FULL = ("mtg-jamendo-fcn", "mtg-jamendo-musicnn", "msd-fcn", "mtat-fcn", *PAIR)


class Loaded:
    """A network that computes."""

    def __init__(self, network: Network, session: "onnxruntime.InferenceSession") -> None:
        self.network = network
        self._session = session

    def __call__(self, patches: Floats) -> Floats:
        """float32 `[n, frames, 96]` → probabilities, float32 `[n, 50]`."""
        return self._run("tags", len(self.network.tags), patches)

    def mean_over_time(self, patches: Floats) -> Floats:
        """float32 `[n, 187, 96]` → each channel's mean over a patch, float32 `[n, 753]`.

        Of the first musicnn networks only.
        """
        return self._run("mean", CHANNELS, patches)

    def _run(self, output: str, width: int, patches: Floats) -> Floats:
        # One at a time: more at a time are no faster on a processor and take more memory.
        found = np.empty((len(patches), width), np.float32)
        for row, patch in enumerate(patches):
            turns.pause()
            found[row] = self._session.run([output], {"input": patch[None]})[0][0]
        return found

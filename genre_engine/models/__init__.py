"""Classifiers behind one contract: features → probabilities of genres.

settings.py     hyper-parameters, declared once
data.py         what models learn from
base.py         the contract
watching.py     an epoch's figures, and who follows it
checkpoint.py   a fit's state on disk
files.py        a saved model's folder, and whether it may be loaded
scaling.py      standardising by train
batches.py      one epoch's tracks, in batches
networks.py     how networks learn: loss, loop, weights
archive.py      checking and reading `.keras`
fcn.py cnn.py boosting.py forest.py linear.py    the models
registry.py     which there are
onnx_graph.py   models as ONNX graphs; onnx_layers.py onnx_trees.py how
onnx_file.py    `model.onnx`: written, and checked before it is loaded
classifier.py   saved models that songs are classified with, through ONNX Runtime
"""

from genre_engine.models.base import (
    Data,
    Enough,
    FeatureInfo,
    Model,
    PatchSource,
    Progress,
    SettingInfo,
    Settings,
    Stop,
    setting,
)
from genre_engine.models.classifier import Classifier, load_classifier, onnx_of, renew_onnx
from genre_engine.models.registry import NAMES, check_files, load, model

__all__ = [
    "NAMES",
    "Classifier",
    "Data",
    "Enough",
    "FeatureInfo",
    "Model",
    "PatchSource",
    "Progress",
    "SettingInfo",
    "Settings",
    "Stop",
    "check_files",
    "load",
    "load_classifier",
    "model",
    "onnx_of",
    "renew_onnx",
    "setting",
]

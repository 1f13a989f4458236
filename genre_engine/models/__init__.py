"""Classifiers behind one contract: features → probabilities of genres.

settings.py     hyper-parameters, declared once
data.py         what models learn from
base.py         the contract
watching.py     an epoch's figures, and who is told
checkpoint.py   a fit's state on disk
files.py        a saved model's folder, and whether it may be loaded
scaling.py      standardising by train
batches.py      one epoch's tracks, in batches
networks.py     how networks learn: loss, loop, weights
archive.py      checking and reading `.keras`
fcn.py cnn.py boosting.py forest.py linear.py    the models
registry.py     which there are
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
from genre_engine.models.registry import NAMES, check_files, load, model

__all__ = [
    "NAMES",
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
    "model",
    "setting",
]

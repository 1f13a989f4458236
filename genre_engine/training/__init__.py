"""Training: a run's config → its model, predictions and report.

    from genre_engine import runs, training
    run = training.train(runs.create(training.new_config("demo", model="fcn")))

    request.py     what was asked for, and the run's config that is made from it
    data.py        a config → tracks, labels, parts and features
    fitting.py     the whole life of a training
    cross_validation.py    folds, each judged by a model that learnt from the others; fold_worker.py
    reporter.py    its progress, in the run's events
    search.py      many settings of a model, and the best of them
    trials.py      a search's trials on disk
    learning_curve.py      a finished run's model on growing shares of its tracks; shares.py, which
    bundle.py      a run as one zip, checked before it is loaded

`train` on a run that was paused, cancelled, failed or killed goes on from its last epoch.
"""

from genre_engine.training.data import Material
from genre_engine.training.fitting import train
from genre_engine.training.learning_curve import LearningCurveRequest
from genre_engine.training.reporter import Reporter
from genre_engine.training.request import (
    SearchRequest,
    TrainingRequest,
    config_of,
    fitting_features,
    new_config,
    open_material,
    reopen_material,
)

__all__ = [
    "LearningCurveRequest",
    "Material",
    "Reporter",
    "SearchRequest",
    "TrainingRequest",
    "config_of",
    "fitting_features",
    "new_config",
    "open_material",
    "reopen_material",
    "train",
]

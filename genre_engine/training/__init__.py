"""Training: a run's config → its model, predictions and report.

    from genre_engine import runs, training
    run = training.train(runs.create(runs.new_config("demo", model="fcn")))
    training.evaluate_run(run).to_dict()                    # the JSON of `evaluate`
    training.evaluate_run(run, "test")                      # counted: run.looks()

`train` on a run that was paused, cancelled, failed or killed goes on from its last epoch.
"""

from genre_engine.evaluation.evaluate import THRESHOLDS, evaluate_run, verdict
from genre_engine.evaluation.model_card import card, number
from genre_engine.evaluation.model_card import rows as figure_rows
from genre_engine.training.fitting import train
from genre_engine.training.reporter import Reporter

__all__ = [
    "THRESHOLDS",
    "Reporter",
    "card",
    "evaluate_run",
    "figure_rows",
    "number",
    "train",
    "verdict",
]

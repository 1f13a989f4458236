"""The course project's experiment, from its description, and beyond it.

    from genre_engine.reproduce import load, reproduce
    reproduce("jam500")                                     # all stages; goes on where it was
    reproduce({"dataset": "jam500", "stages": ["course"], "quick": True})
    load("jam500").status("multilabel-fcn")                 # what is known of it

    stages.py       what there is to do, and what needs what
    steps.py        what each stage does
    state.py        a reproduction on disk
    material.py     tracks, splits and features
    trainings.py    the stages that train: ordinary runs
    official.py     MTG-Jamendo's five splits
    drawing.py      the nine figures
    tables.py       published figures beside ours
    writing.py      report.html and report.md
    estimating.py   what it will take
    running.py      stage after stage

Each training is an ordinary run, named after the data set and the stage. Its test is looked at
once, as the experiment's end, and the look is counted in the run like any other.
"""

from typing import Any

from genre_engine.reproduce.estimating import Estimate, estimate
from genre_engine.reproduce.running import reproduce
from genre_engine.reproduce.stages import NAMES, PARTS, STAGES, Stage, chosen
from genre_engine.reproduce.state import Outcome, Reproduction, Request, load

__all__ = [
    "NAMES",
    "PARTS",
    "STAGES",
    "Estimate",
    "Outcome",
    "Reproduction",
    "Request",
    "Stage",
    "chosen",
    "estimate",
    "load",
    "reproduce",
    "work",
]

_PARTS_OF_A_STAGE = 1000


def work(request: dict[str, Any], reporter: Any) -> None:
    """Do it as a job (`worker.tasks`); `reporter` is the worker's."""

    def progress(done: float, total: int, note: str) -> None:
        reporter.progress(round(done * _PARTS_OF_A_STAGE), total * _PARTS_OF_A_STAGE, note)

    found = reproduce(request, progress=progress, should_stop=reporter.should_stop)
    failed = [name for name, outcome in found.outcomes.items() if outcome.status == "failed"]
    reporter.result(dataset=found.dataset, failed=failed)

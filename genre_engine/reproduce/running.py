"""Stage after stage, each kept as soon as it is done."""

import logging
import time
from collections.abc import Callable
from typing import Any

from genre_engine import datasets
from genre_engine.errors import GenreEngineError
from genre_engine.reproduce import drawing, material, writing
from genre_engine.reproduce.material import Skipped, Stopped
from genre_engine.reproduce.stages import Stage, chosen
from genre_engine.reproduce.state import Reproduction, Request, load
from genre_engine.reproduce.steps import Work
from genre_engine.storage import lock, workspace
from genre_engine.storage.progress import NotedProgress

_log = logging.getLogger(__name__)


def reproduce(
    request: Request | dict[str, Any] | str,
    *,
    progress: NotedProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Reproduction:
    """Repeat the course project's experiment on a data set, or go on with that.

    A stage that is done isn't done again; one that fails says why, and those that don't need it go
    on. The report is written in any case.

    Args:
        request: a data set's name, or a `Request` or its fields.
        progress: is called with how far all is; must not raise.
        should_stop: asked a few times a second; what is done by then is kept.

    Raises:
        WrongUsage: a stage that doesn't exist; DatasetMissing.
        RunError: another process works on the same reproduction.
        StorageError: the workspace can't be written.
    """
    request = Request.of(request)
    chosen(request.stages)
    if request.tracks is None:
        datasets.open(request.dataset)
    reproduction = load(request.dataset)
    workspace.make_folder(reproduction.folder)
    refusal = (
        f"The experiment on {request.dataset!r} is being reproduced by another process. Wait for "
        "it, or stop it first."
    )
    with lock.hold(reproduction.folder, refusal):
        reproduction = _fresh(load(request.dataset))
        reproduction.request = request
        try:
            _all(reproduction, progress or _silent, should_stop or (lambda: False))
        except Stopped:
            pass
        finally:
            writing.write(reproduction)
    return reproduction


def _silent(done: float, total: int, note: str) -> None:
    """Nobody listens."""


def _fresh(reproduction: Reproduction) -> Reproduction:
    """Without what was found on a data set of that name that has been made again since."""
    before = reproduction.dataset_created
    try:
        now = datasets.open(reproduction.dataset).info.get("created")
    except GenreEngineError:
        return reproduction
    if before is not None and before != now:
        _log.info("the data set %s was made again: starting over", reproduction.dataset)
        reproduction = Reproduction(reproduction.dataset)
    reproduction.dataset_created = now
    return reproduction


def _all(
    reproduction: Reproduction, progress: NotedProgress, should_stop: Callable[[], bool]
) -> None:
    stages = chosen(reproduction.request.stages)
    reproduction.save()
    for number, stage in enumerate(stages):
        if should_stop():
            raise Stopped
        outcome = reproduction.outcomes[stage.name]
        if outcome.is_done(quick=reproduction.request.quick) and not (
            stage.name == "figures" and drawing.incomplete(reproduction)
        ):
            continue
        if lacking := [name for name in stage.needs if reproduction.output(name) is None]:
            failed = [n for n in lacking if reproduction.outcomes[n].status == "failed"]
            status = "skipped" if not failed else "failed"
            reproduction.set(
                stage.name,
                status=status,
                message=_lacking(reproduction, lacking[0]),
            )
            continue

        def share(done: float, note: str, number: int = number, stage: Stage = stage) -> None:
            progress(number + min(1.0, done), len(stages), f"{stage.title}: {note}")

        progress(number, len(stages), stage.title)
        _one(reproduction, stage, share, should_stop)
    progress(len(stages), len(stages), "Writing the report")


def _lacking(reproduction: Reproduction, name: str) -> str:
    how = {"failed": "failed", "skipped": "was left out"}
    status = reproduction.outcomes[name].status
    return f"It needs the stage {name!r}, which {how.get(status, 'is not done')}."


def _one(
    reproduction: Reproduction,
    stage: Stage,
    share: material.Share,
    should_stop: Callable[[], bool],
) -> None:
    before = reproduction.outcomes[stage.name]
    # A quick training's run isn't gone on with where the whole one is wanted.
    keep = before.quick == reproduction.request.quick
    reproduction.set(
        stage.name,
        status="running",
        message="",
        seconds=0.0,
        quick=reproduction.request.quick and stage.step.trains,
        runs=before.runs if keep else {},
        output={},
    )
    began = time.monotonic()
    changes: dict[str, Any]
    try:
        output = stage.step.do(Work(reproduction, stage.name, share, should_stop))
        changes = {"status": "done", "output": output, "message": stage.step.sentence(output)}
    except Stopped:
        reproduction.set(stage.name, status="waiting", message="Stopped; it goes on from there.")
        raise
    except KeyboardInterrupt:
        reproduction.set(stage.name, status="waiting", message="Interrupted.")
        raise
    except Skipped as reason:
        changes = {"status": "skipped", "message": str(reason)}
    except GenreEngineError as error:
        _log.info("%s: %s", stage.name, error)
        changes = {"status": "failed", "message": str(error)}
    except MemoryError:
        advice = "There is not enough memory. Close other programs and start again."
        changes = {"status": "failed", "message": advice}
    except Exception as error:  # noqa: BLE001 - a fault of one stage mustn't end the others
        _log.exception("%s", stage.name)
        listed = f"A fault of this program: {type(error).__name__}: {error}"
        changes = {"status": "failed", "message": listed}
    reproduction.set(stage.name, seconds=round(time.monotonic() - began, 1), **changes)

"""Stage after stage, each kept as soon as it is done."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genre_engine import datasets
from genre_engine.errors import GenreEngineError, SplitError
from genre_engine.reproduce import drawing, material, official, trainings, writing
from genre_engine.reproduce.material import Skipped, Stopped
from genre_engine.reproduce.stages import Stage, Training, chosen
from genre_engine.reproduce.state import Reproduction, Request, load
from genre_engine.storage import lock, workspace

_log = logging.getLogger(__name__)

# Stages that are done (a share of the running one included), stages in all, what is being done.
Progress = Callable[[float, int, str], None]


def reproduce(
    request: Request | dict[str, Any] | str,
    *,
    progress: Progress | None = None,
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
    wish = Request.of(request)
    if wish.tracks is None:
        datasets.open(wish.dataset)
    reproduction = load(wish.dataset)
    workspace.make_folder(reproduction.folder)
    refusal = (
        f"The experiment on {wish.dataset!r} is being reproduced by another process. Wait for it, "
        "or stop it first."
    )
    with lock.hold(reproduction.folder, refusal):
        reproduction = _fresh(load(wish.dataset))
        reproduction.request = wish
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


def _all(reproduction: Reproduction, progress: Progress, should_stop: Callable[[], bool]) -> None:
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
        quick=reproduction.request.quick and _trains(stage),
        runs=before.runs if keep else {},
        output={},
    )
    began = time.monotonic()
    work = Work(reproduction, stage, share, should_stop)
    changes: dict[str, Any]
    try:
        output = work.do()
        changes = {"status": "done", "output": output, "message": _sentence(stage, output)}
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


def _trains(stage: Stage) -> bool:
    return stage.training is not None or stage.name in ("figures", "official-splits")


@dataclass(frozen=True)
class Work:
    """One stage's work."""

    reproduction: Reproduction
    stage: Stage
    share: material.Share
    should_stop: Callable[[], bool]

    @property
    def request(self) -> Request:
        return self.reproduction.request

    def do(self) -> dict[str, Any]:
        """Do it; what it found, as JSON."""
        if self.stage.name == "audio":
            found = material.fetch_audio(self.request, self.share, self.should_stop)
            dataset = datasets.open(self.request.dataset)
            self.reproduction.dataset_created = dataset.info.get("created")
            return found
        dataset = datasets.open(self.request.dataset)
        if self.stage.extracts:
            return material.extract(dataset, self.stage.extracts, self.share, self.should_stop)
        if self.stage.training:
            return self._train(dataset, self.stage.training)
        if self.stage.name == "tracks":
            return material.choose_tracks(dataset)
        if self.stage.name == "splits":
            return material.make_splits(dataset, self.request.seed)
        if self.stage.name == "figures":
            return drawing.draw(self.reproduction, dataset)
        return self._official(dataset)

    def _train(self, dataset: datasets.Dataset, wish: Training, key: str = "run") -> dict[str, Any]:
        known = self.reproduction.outcomes[self.stage.name].runs

        def begun(run_id: str) -> None:
            runs = self.reproduction.outcomes[self.stage.name].runs
            self.reproduction.set(self.stage.name, runs=runs | {key: run_id})

        run = trainings.train(
            dataset,
            f"{self.request.dataset[:40]}-{self.stage.name}" + ("-quick" * self.request.quick),
            wish,
            self.request,
            known.get(key),
            self.share,
            self.should_stop,
            begun,
        )
        return trainings.judge(run, wish.thresholds)

    def _official(self, dataset: datasets.Dataset) -> dict[str, Any]:
        """The course project's network on each official split that is there."""
        folder = Path(self.request.metadata) if self.request.metadata else None
        if dataset.kind != "jamendo":
            raise Skipped("Only MTG-Jamendo has several official splits.")
        self.share(0.0, "looking for their tables")
        there, why = official.found_or_fetched(folder)
        if len(there) < 2:
            raise Skipped(
                f"The tables of the other official splits aren't here. {why}Put MTG-Jamendo's "
                f"folder data/splits into {folder or workspace.metadata_folder()}."
            )
        found: dict[str, Any] = {}
        problems: dict[str, str] = {}
        wish = Training("fcn", split="official", thresholds="global")
        for place, (number, parts) in enumerate(there.items()):
            self.share(place / len(there), f"split {number}")
            try:
                other = official.with_split(dataset, number, parts)
                found[str(number)] = self._train(other, wish, key=f"split {number}")
            except SplitError as error:
                problems[str(number)] = str(error)
        if not found:
            raise SplitError(next(iter(problems.values())))
        return {"splits": found, "problems": problems}


def _sentence(stage: Stage, output: dict[str, Any]) -> str:
    """What a stage found, in a line."""
    if stage.training:
        return trainings.sentence(output)
    if stage.name == "audio":
        return f"{output['audio'] or output['tracks']:,} of {output['tracks']:,} tracks are here."
    if stage.name == "tracks":
        return (
            f"{output['tracks']:,} of {output['of']:,} tracks carry only the "
            f"{len(output['genres'])} genres, by {output['artists']:,} artists, "
            f"{output['labels_per_track']:.2f} genres a track."
        )
    if stage.name == "splits":
        leak = output["splits"]["random:course"]["artist_overlap"]
        if leak is None:
            return "No artist is known, so whether artists leak can't be said."
        return f"{leak:.0%} of the random split's test tracks have their artist in train too."
    if stage.extracts:
        failed = f", {output['failed']:,} failed" if output.get("failed") else ""
        return f"{output['tracks']:,} tracks{failed}."
    if stage.name == "figures":
        return f"{len(output['figures'])} figures, of the track {output['track']}."
    values = [one["figures"]["f1.macro"] for one in output["splits"].values()]
    lost = f"; {len(output['problems'])} can't be trained on" if output["problems"] else ""
    return f"Macro F1 {min(values):.2f} to {max(values):.2f} over {len(values)} splits{lost}."

"""What a stage does and what it says of its outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genre_engine import datasets
from genre_engine.errors import SplitError
from genre_engine.reproduce import drawing, material, official, trainings
from genre_engine.reproduce.material import Share, ShouldStop, Skipped
from genre_engine.reproduce.state import Reproduction, Request
from genre_engine.reproduce.trainings import Training
from genre_engine.storage import workspace


@dataclass(frozen=True)
class Work:
    """What a stage is given.

    Attributes:
        stage: its name, under which its runs and its outcome are kept.
        share: is called with the share of it that is done.
    """

    reproduction: Reproduction
    stage: str
    share: Share
    should_stop: ShouldStop

    @property
    def request(self) -> Request:
        return self.reproduction.request

    def dataset(self) -> datasets.Dataset:
        """Raises DatasetMissing, DatasetError."""
        return datasets.open(self.request.dataset)


@dataclass(frozen=True)
class Step:
    """What a stage does.

    Attributes:
        do: does it; gives what it found, as JSON.
        sentence: that in a line.
        trains: whether a quick training gives something else than a whole one.
    """

    do: Callable[[Work], dict[str, Any]]
    sentence: Callable[[dict[str, Any]], str]
    trains: bool = False


def _fetch(work: Work) -> dict[str, Any]:
    found = material.fetch_audio(work.request, work.share, work.should_stop)
    work.reproduction.dataset_created = work.dataset().info.get("created")
    return found


FETCH = Step(
    _fetch,
    lambda found: f"{found['audio'] or found['tracks']:,} of {found['tracks']:,} tracks are here.",
)

CHOOSE_TRACKS = Step(
    lambda work: material.choose_tracks(work.dataset()),
    lambda found: (
        f"{found['tracks']:,} of {found['of']:,} tracks carry only the {len(found['genres'])} "
        f"genres, by {found['artists']:,} artists, {found['labels_per_track']:.2f} genres a track."
    ),
)


def _leak(found: dict[str, Any]) -> str:
    leak = found["splits"]["random:course"]["artist_overlap"]
    if leak is None:
        return "No artist is known, so whether artists leak can't be said."
    return f"{leak:.0%} of the random split's test tracks have their artist in train too."


SPLIT = Step(lambda work: material.make_splits(work.dataset(), work.request.seed), _leak)


def extract(kind: str) -> Step:
    """Extract a kind of features."""

    def do(work: Work) -> dict[str, Any]:
        return material.extract(work.dataset(), kind, work.share, work.should_stop)

    def sentence(found: dict[str, Any]) -> str:
        failed = f", {found['failed']:,} failed" if found.get("failed") else ""
        return f"{found['tracks']:,} tracks{failed}."

    return Step(do, sentence)


def train(training: Training) -> Step:
    """Train an ordinary run and judge its test."""
    return Step(
        lambda work: _train(work, work.dataset(), training), trainings.sentence, trains=True
    )


def _train(
    work: Work, dataset: datasets.Dataset, training: Training, key: str = "run"
) -> dict[str, Any]:
    known = work.reproduction.outcomes[work.stage].runs

    def begun(run_id: str) -> None:
        runs = work.reproduction.outcomes[work.stage].runs
        work.reproduction.set(work.stage, runs=runs | {key: run_id})

    run = trainings.train(
        dataset,
        f"{work.request.dataset[:40]}-{work.stage}" + ("-quick" * work.request.quick),
        training,
        work.request,
        known.get(key),
        work.share,
        work.should_stop,
        begun,
    )
    return trainings.judge(run, training.thresholds)


DRAW = Step(
    lambda work: drawing.draw(work.reproduction, work.dataset()),
    lambda found: f"{len(found['figures'])} figures, of the track {found['track']}.",
    trains=True,
)


def _official(work: Work) -> dict[str, Any]:
    """The course project's network on each official split that is there."""
    dataset = work.dataset()
    folder = Path(work.request.metadata) if work.request.metadata else None
    if dataset.kind != "jamendo":
        raise Skipped("Only MTG-Jamendo has several official splits.")
    work.share(0.0, "looking for their tables")
    there, why = official.found_or_fetched(folder)
    if len(there) < 2:
        raise Skipped(
            f"The tables of the other official splits aren't here. {why}Put MTG-Jamendo's "
            f"folder data/splits into {folder or workspace.metadata_folder()}."
        )
    found: dict[str, Any] = {}
    problems: dict[str, str] = {}
    training = Training("fcn", split="official", thresholds="global")
    for place, (number, parts) in enumerate(there.items()):
        work.share(place / len(there), f"split {number}")
        try:
            other = official.with_split(dataset, number, parts)
            found[str(number)] = _train(work, other, training, key=f"split {number}")
        except SplitError as error:
            problems[str(number)] = str(error)
    if not found:
        raise SplitError(next(iter(problems.values())))
    return {"splits": found, "problems": problems}


def _range(found: dict[str, Any]) -> str:
    values = [one["figures"]["f1.macro"] for one in found["splits"].values()]
    lost = f"; {len(found['problems'])} can't be trained on" if found["problems"] else ""
    return f"Macro F1 {min(values):.2f} to {max(values):.2f} over {len(values)} splits{lost}."


OFFICIAL_SPLITS = Step(_official, _range, trains=True)

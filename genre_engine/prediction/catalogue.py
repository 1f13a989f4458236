"""Which models there are to classify songs with: the pretrained networks, and every finished run.

Reads configs and events only, so that a page can list the models without loading any.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from genre_engine import features
from genre_engine.errors import ModelError, RunError, WrongUsage
from genre_engine.prediction import vocabulary
from genre_engine.pretrained import discogs

if TYPE_CHECKING:
    from genre_engine.runs import Run

# All pretrained networks, and the quick ones among them.
FULL, FAST = "full", "fast"
MODEL = FULL
# The strongest, where its terms were accepted; and its view of 400 styles.
DISCOGS, STYLES = "discogs", "styles"
# What the networks were called when there were two.
_ALIASES = {"pretrained": FULL}
PRETRAINED_NAMES = frozenset((FULL, FAST, DISCOGS, *_ALIASES))
# The one view of a run: the genres that it was trained on.
OWN = "own"
_NAMED = 20


@dataclass(frozen=True)
class ModelInfo:
    """A model that can classify songs.

    Attributes:
        id: what never changes: `full`, `fast`, `discogs`, or a run's id.
        name: what it is called, and found by: a run's name where that is unique, else its id.
        views: names of its views, the one that is shown first before the others.
        genres: of its first view.
        dataset, algorithm, features, task: what it was trained on, and how; empty if pretrained.
        excerpt_s: length in s of the windows that it scores; None: the whole song at once.
        synthetic: whether it has heard synthetic music only.
    """

    id: str
    name: str
    views: tuple[str, ...]
    genres: tuple[str, ...]
    dataset: str = ""
    algorithm: str = ""
    features: str = ""
    task: str = "multilabel"
    excerpt_s: float | None = 3.0
    synthetic: bool = False

    @property
    def is_run(self) -> bool:
        return self.id not in PRETRAINED_NAMES

    @property
    def warning(self) -> str | None:
        """What makes all its results less sure."""
        if not self.synthetic:
            return None
        return (
            f"This model knows synthetic music only: it was trained on the data set "
            f"{self.dataset}, which this project's synthesiser made. What it says of a recording "
            "is a guess."
        )


PRETRAINED = tuple(
    ModelInfo(name, name, tuple(vocabulary.VIEWS), tuple(vocabulary.WIDE), excerpt_s=excerpt_s)
    for name, excerpt_s in ((FULL, 3.0), (FAST, 29.0))
)


DISCOGS_MODEL = ModelInfo(
    DISCOGS, DISCOGS, (*vocabulary.VIEWS, STYLES), tuple(vocabulary.WIDE), excerpt_s=2.0
)


def available() -> list[ModelInfo]:
    """The pretrained networks, then the finished runs that can classify songs, newest first."""
    from genre_engine import runs

    there = [run for run in runs.listing() if run.error is None]
    usable = [run for run in there if _obstacle(run) is None and run.status == "finished"]
    others = [DISCOGS_MODEL] if discogs.available() else []
    return [*PRETRAINED, *others, *(_info(run, there) for run in usable)]


def find(name: str) -> ModelInfo:
    """The model of a name, or of a run's id.

    Raises:
        WrongUsage: there is none.
        RunError: it is a run that hasn't finished, or is damaged.
        ModelError: it is a run that songs can't be classified with.
    """
    from genre_engine import runs

    name = _ALIASES.get(name, name)
    for model in PRETRAINED:
        if model.name == name:
            return model
    if name == DISCOGS:
        if not discogs.available():
            raise WrongUsage(f"Discogs-EffNet isn't here. {discogs.TERMS} Run: {discogs.COMMAND}")
        return DISCOGS_MODEL
    listed = runs.listing()
    if not any(name in (run.id, run.name) for run in listed):
        raise WrongUsage(_offer(name))
    run = runs.open(name)
    if (obstacle := _obstacle(run)) is not None:
        raise ModelError(f"The run '{run.name}' {obstacle}")
    state = run.state()
    if state.status != "finished":
        raise RunError(
            f"The run '{run.name}' is {state.status}, so it can't classify songs yet. "
            f"{'Resume it' if run.resumable else 'Wait for it'}, or choose another model."
        )
    return _info(run, [other for other in listed if other.error is None])


def _obstacle(run: "Run") -> str | None:
    """Why songs can't become what a run's model takes; the end of a sentence."""
    recorded = run.config.features
    kind, parameters = str(recorded["kind"]), recorded.get("parameters", {})
    if kind == "table":
        return (
            "was trained on an imported table of features, and how these were computed from audio "
            "isn't known, so it can't classify songs. Train on features that are extracted here "
            f"({', '.join(features.NAMES)})."
        )
    try:
        here = features.this_version(kind, parameters)
    except WrongUsage:
        return (
            f"was trained on {kind} features, which this version doesn't know, so it can't "
            "classify songs. Use the version that made it, or train a new run."
        )
    if here.fingerprint == recorded["fingerprint"]:
        return None
    return (
        f"was trained on {kind} features that this version makes with other parameters "
        f"({features.differences(parameters, here.parameters)}), so it can't classify songs. "
        f"Train a new run, or use the version that made it."
    )


def _info(run: "Run", among: "list[Run]") -> ModelInfo:
    config = run.config
    unique = (
        run.name not in PRETRAINED_NAMES and [other.name for other in among].count(run.name) == 1
    )
    return ModelInfo(
        id=run.id,
        name=run.name if unique else run.id,
        views=(OWN,),
        genres=config.genres,
        dataset=config.dataset,
        algorithm=config.model,
        features=str(config.features["kind"]),
        task=config.task,
        excerpt_s=config.features.get("parameters", {}).get("excerpt_s"),
        synthetic=config.synthetic,
    )


def _offer(name: str) -> str:
    names = [model.name for model in available()]
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    offered = f" Did you mean '{near[0]}'?" if near else ""
    there = ", ".join(names[:_NAMED]) + (" and more" if len(names) > _NAMED else "")
    return f"There is no model '{name}'.{offered} There are: {there}."

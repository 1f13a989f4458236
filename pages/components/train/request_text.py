"""What is to be trained: the choice on the Train page, in its address, and as a command.

`/train?data=demo&model=fcn&split=random&set=dropout:0.3` opens the page with that choice. What is
at its default stays out of the address.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from genre_engine import features as kinds
from genre_engine import labels, models
from genre_engine.errors import GenreEngineError
from genre_engine.runs import Config
from pages.components.shared.feature_names import excerpt_of, features_text, usual_excerpt

TASKS = {
    "multilabel": "several genres a track",
    "multiclass": "one genre a track",
    "binary": "two genres",
}
RULES = {"any": "any of the genres", "only": "only these genres"}
SPLITS = {"official": "official split", "artist": "artist split", "random": "random split"}


@dataclass(frozen=True)
class Recipe:
    """A choice; the engine checks it when it becomes a run.

    Attributes:
        features: empty where the model's usual ones are meant.
        excerpt: what they are made from, as the command line takes it; empty for the usual.
        genres: as `labels.choose` takes them; empty for those the data set was imported for.
        settings: those that differ from the model's defaults.
    """

    data: str = ""
    model: str = "fcn"
    features: str = ""
    excerpt: str = ""
    task: str = "multilabel"
    genres: str = ""
    rule: str = "any"
    split: str = "artist"
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, params: Mapping[str, str]) -> "Recipe":
        """What an address asks for; what doesn't exist is passed over."""
        known: dict[str, Any] = {}
        allowed = {"model": models.NAMES, "task": tuple(TASKS), "rule": tuple(RULES)}
        for entry in fields(cls):
            text = params.get(entry.name)
            if text is None or (entry.name in allowed and text not in allowed[entry.name]):
                continue
            if entry.name == "seed":
                if text.isdecimal():
                    known["seed"] = int(text)
            elif entry.name == "excerpt":
                known["excerpt"] = usual_excerpt(text)
            elif entry.name != "settings":
                known[entry.name] = text
        recipe = cls(**known)
        return recipe.with_settings(_settings(recipe.model, params.get("set", "")))

    @classmethod
    def of(cls, config: Config) -> "Recipe":
        """The choice that leads to a run like this one."""
        known = config.model in models.NAMES
        settings = {}
        if known:
            kind = models.model(config.model)
            settings = kind.Settings.from_dict(config.settings).changed()
        return cls(
            data=config.dataset,
            model=config.model if known else "fcn",
            features=str(config.features.get("kind", "")),
            excerpt=excerpt_of(config.features.get("parameters", {})),
            task=config.task,
            genres=labels.listed(config.genres),
            rule=config.rule,
            split=_split_text(config.split),
            seed=config.seed,
            settings=settings,
        )

    def with_settings(self, settings: Mapping[str, Any]) -> "Recipe":
        return Recipe(**{**self._values(), "settings": dict(settings)})

    def params(self) -> dict[str, str]:
        """For the address."""
        usual = Recipe()
        said = {
            entry.name: str(getattr(self, entry.name))
            for entry in fields(self)
            if entry.name != "settings"
            and (getattr(self, entry.name) != getattr(usual, entry.name) or entry.name == "model")
        }
        if self.settings:
            said["set"] = " ".join(f"{name}:{text}" for name, text in self._texts())
        return said

    def command(self, verb: str = "train", *more: str) -> str:
        """The same for the command line; a search (`tune`) finds its settings by itself."""
        words = ["python", "-m", "genre_engine", verb, self.data, "--model", self.model]
        for name in ("features", "excerpt", "task", "genres"):
            if getattr(self, name) not in ("", getattr(Recipe(), name)):
                words += [f"--{name}", getattr(self, name)]
        if self.rule == "only":
            words.append("--only")
        words += ["--split", self.split]
        if self.seed:
            words += ["--seed", str(self.seed)]
        for name, text in self._texts() if verb == "train" else ():
            words += ["--set", f"{name}={text}"]
        return shlex.join([*words, *more])

    @property
    def excerpt_s(self) -> float | None:
        """None for whole tracks."""
        return kinds.read_excerpt(self.excerpt) if self.excerpt else kinds.EXCERPT_S

    def request(self) -> dict[str, Any]:
        """For `jobs.submit`; its keys are those of `training.new_config`."""
        values = self._values()
        del values["data"], values["excerpt"]
        values["excerpt_s"] = self.excerpt_s
        values["features"] = self.features or None
        values["genres"] = self.genres or None
        return {"dataset_name": self.data, **values}

    def _values(self) -> dict[str, Any]:
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {**values, "settings": dict(self.settings)}

    def _texts(self) -> list[tuple[str, str]]:
        about = models.model(self.model).Settings
        return [(name, about.info(name).text(value)) for name, value in self.settings.items()]


def _settings(model: str, text: str) -> dict[str, Any]:
    about = models.model(model).Settings
    found = {}
    for part in text.split():
        name, _, value = part.partition(":")
        try:
            found[name] = about.info(name).read(value)
        except GenreEngineError:
            continue
    return about.from_dict(found).changed()


def _split_text(split: Mapping[str, Any]) -> str:
    """As `splits.parse` reads it; fractions only where they aren't the usual ones."""
    from genre_engine import splits

    shares, usual = split.get("fractions"), splits.DEFAULT_FRACTIONS
    kind = str(split["kind"])
    if not shares or all(shares[part] == getattr(usual, part) for part in splits.PARTS):
        return kind
    # In the order in which the course project names them.
    return f"{kind}:{','.join(f'{shares[part]:g}' for part in ('train', 'test', 'validation'))}"


def sentence(config: Config) -> str:
    """What a run trains, in a line."""
    kind = models.model(config.model).title if config.model in models.NAMES else config.model
    said = [
        f"{kind} on {config.dataset}",
        f"{len(config.genres)} genres",
        SPLITS.get(str(config.split["kind"]), str(config.split["kind"])),
        features_text(
            str(config.features.get("kind")), excerpt_of(config.features.get("parameters", {}))
        ),
    ]
    if config.task != "multilabel":
        said.append(TASKS.get(config.task, config.task))
    return ", ".join(said)

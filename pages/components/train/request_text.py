"""What is to be trained, in words: in the Train page's address, as a command, and as a sentence.

`/train?data=demo&model=fcn&split=random&set=dropout:0.3` opens the page with that choice. What is
at its default stays out of the address.
"""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from genre_engine import features as kinds
from genre_engine import labels, models
from genre_engine.errors import GenreEngineError
from genre_engine.runs import Config
from genre_engine.splits import FOLD_KINDS
from genre_engine.training import TrainingRequest
from pages.components.shared.feature_names import excerpt_of, features_text, usual_excerpt

TASKS = {
    "multilabel": "several genres a track",
    "multiclass": "one genre a track",
    "binary": "two genres",
}
RULES = {"any": "any of the genres", "only": "only these genres"}
SPLITS = {
    "official": "official split",
    "artist": "artist split",
    "random": "random split",
    "artist-kfold": "5 folds by artist",
    "kfold": "5 folds",
}


def split_title(split: str) -> str:
    """A split as a request has it, in words."""
    kind, _, rest = split.partition(":")
    title = SPLITS.get(kind, kind)
    if not rest:
        return title
    if kind in FOLD_KINDS:
        folds, _, repeats = rest.partition("x")
        return title.replace("5", folds, 1) + (f", {repeats} times" if repeats else "")
    return f"{title}, {rest}"


# The request's fields by their names in the address.
_FIELDS = {
    "data": "dataset_name",
    "model": "model",
    "features": "features",
    "excerpt": "excerpt_s",
    "task": "task",
    "genres": "genres",
    "rule": "rule",
    "split": "split",
    "seed": "seed",
}
_USUAL = TrainingRequest("")


def read(params: Mapping[str, str]) -> TrainingRequest:
    """What an address asks for; what doesn't exist is passed over."""
    known: dict[str, Any] = {"dataset_name": ""}
    allowed = {"model": models.NAMES, "task": tuple(TASKS), "rule": tuple(RULES)}
    for name, field in _FIELDS.items():
        text = params.get(name)
        if not text or (name in allowed and text not in allowed[name]):
            continue
        if name == "seed":
            if text.isdecimal():
                known[field] = int(text)
        elif name == "excerpt":
            known[field] = excerpt_s(usual_excerpt(text))
        else:
            known[field] = text
    request = TrainingRequest(**known)
    return replace(request, settings=_settings(request.model, params.get("set", "")))


def of_run(config: Config) -> TrainingRequest:
    """The request that leads to a run like this one."""
    known = config.model in models.NAMES
    settings = {}
    if known:
        kind = models.model(config.model)
        settings = kind.Settings.from_dict(config.settings).changed()
    return TrainingRequest(
        config.dataset,
        model=config.model if known else _USUAL.model,
        features=str(config.features.get("kind", "")) or None,
        excerpt_s=excerpt_s(excerpt_of(config.features.get("parameters", {}))),
        task=config.task,
        genres=labels.listed(config.genres),
        rule=config.rule,
        split=_split_text(config.split),
        seed=config.seed,
        settings=settings,
    )


def params(request: TrainingRequest) -> dict[str, str]:
    """A request for the address."""
    said = {
        name: _text(request, name)
        for name, field in _FIELDS.items()
        if getattr(request, field) != getattr(_USUAL, field) or name == "model"
    }
    if request.settings:
        said["set"] = " ".join(f"{name}:{text}" for name, text in _setting_texts(request))
    return said


def command(request: TrainingRequest, verb: str = "train", *more: str) -> str:
    """The same for the command line; a search (`tune`) finds its settings by itself."""
    words = ["python", "-m", "genre_engine", verb, request.dataset_name, "--model", request.model]
    for name in ("features", "excerpt", "task", "genres"):
        if getattr(request, _FIELDS[name]) != getattr(_USUAL, _FIELDS[name]):
            words += [f"--{name}", _text(request, name)]
    if request.rule == "only":
        words.append("--only")
    words += ["--split", request.split]
    if request.seed:
        words += ["--seed", str(request.seed)]
    for name, text in _setting_texts(request) if verb == "train" else ():
        words += ["--set", f"{name}={text}"]
    return shlex.join([*words, *more])


def excerpt_text(request: TrainingRequest) -> str:
    """What its features are made from, as the command line takes it; empty for the usual."""
    usual = request.excerpt_s == _USUAL.excerpt_s
    return "" if usual else kinds.excerpt_text(request.excerpt_s)


def excerpt_s(text: str) -> float | None:
    """The opposite of `excerpt_text`; None for whole tracks."""
    return kinds.read_excerpt(text) if text else _USUAL.excerpt_s


def genres_text(request: TrainingRequest) -> str:
    """Its genres as the command line takes them; empty for those of the data set."""
    genres = request.genres or ""
    return genres if isinstance(genres, str) else labels.listed(genres)


def _text(request: TrainingRequest, name: str) -> str:
    if name == "excerpt":
        return excerpt_text(request)
    return genres_text(request) if name == "genres" else str(getattr(request, _FIELDS[name]))


def _setting_texts(request: TrainingRequest) -> list[tuple[str, str]]:
    about = models.model(request.model).Settings
    return [(name, about.info(name).text(value)) for name, value in request.settings.items()]


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
    if folds := split.get("folds"):
        repeats = split.get("repeats", 1)
        return f"{kind}:{folds}" + (f"x{repeats}" if repeats > 1 else "")
    if not shares or all(shares[part] == getattr(usual, part) for part in splits.PARTS):
        return kind
    return f"{kind}:{','.join(f'{part}={shares[part]:g}' for part in splits.PARTS)}"


def sentence(config: Config) -> str:
    """What a run trains, in a line."""
    kind = models.model(config.model).title if config.model in models.NAMES else config.model
    kind_of_split = str(config.split["kind"])
    said = [
        f"{kind} on {config.dataset}",
        f"{len(config.genres)} genres",
        split_title(_split_text(config.split) if "folds" in config.split else kind_of_split),
        features_text(
            str(config.features.get("kind")), excerpt_of(config.features.get("parameters", {}))
        ),
    ]
    if config.task != "multilabel":
        said.append(TASKS.get(config.task, config.task))
    return ", ".join(said)

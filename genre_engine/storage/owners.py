"""Whose runs, data sets and jobs are, where visitors share a server (`GENRE_ENGINE_HOSTED=1`).

    hosted.json     in a run's or a data set's folder: {"owner": VISIT, "private": bool}

It is asked here and nowhere else, by what opens, lists, changes or removes: a visitor is shown what
is nobody's or public, and changes only what is their own. What is made on behalf of a visitor
carries their name before anybody can see it. Where visitors don't share a server all this is off.

The app says who asks (`identify_by`). The engine's own work, in a worker, in the background or on
the command line, asks as nobody in particular, to whom everything is open.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from genre_engine.errors import Refused
from genre_engine.storage import workspace

VARIABLE = workspace.SHARED_VARIABLE
FILE = "hosted.json"
_SECRET_BYTES = 32


@dataclass(frozen=True)
class Owner:
    """Who something belongs to.

    Attributes:
        visit: the visitor; empty for what belongs to nobody.
        private: whether nobody else may see it.
    """

    visit: str = ""
    private: bool = False


# What can't be read is shown to nobody.
_UNKNOWN = Owner("", private=True)

_ENGINE = Owner()
_acting: ContextVar[Owner | None] = ContextVar("acting", default=None)
_asking: list[Callable[[], str | None]] = []


active = workspace.is_shared


def identify_by(visitor: Callable[[], str | None]) -> None:
    """Have a function say which visitor asks; None where no visitor does."""
    _asking[:] = [visitor]


@contextmanager
def acting_for(visit: str, *, private: bool = False) -> Iterator[None]:
    """What is made meanwhile belongs to a visitor; nothing is hidden from the engine itself."""
    token = _acting.set(Owner(visit, private))
    try:
        yield
    finally:
        _acting.reset(token)


def made_for(visit: str, dataset: Path) -> AbstractContextManager[None]:
    """What is made meanwhile of a data set belongs to a visitor, and is as private as that."""
    return acting_for(visit, private=is_private(dataset))


def as_engine() -> AbstractContextManager[None]:
    """For what must see everything, whoever's page it runs on: what is made is nobody's."""
    return acting_for("")


def _visitor() -> str | None:
    """The visitor who asks; None where the engine does."""
    if not active() or _acting.get() is not None or not _asking:
        return None
    return _asking[0]()


def mark(folder: Path) -> None:
    """Record whose a run or a data set is, in its folder that nobody can see yet."""
    owner = _acting.get()
    if active() and owner is not None and owner.visit:
        text = json.dumps({"owner": owner.visit, "private": owner.private})
        (folder / FILE).write_text(text, encoding="utf-8")


def owner(folder: Path) -> Owner:
    """Whose a run or a data set is."""
    try:
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Owner(str(values["owner"]), bool(values["private"]))
    except FileNotFoundError:
        return _ENGINE
    except (OSError, ValueError, KeyError, TypeError):
        return _UNKNOWN


def is_private(folder: Path) -> bool:
    """Whether what is made of a data set is to be seen by its owner alone."""
    return active() and owner(folder).private


def may_see(folder: Path) -> bool:
    """Whether whoever asks is shown a run or a data set."""
    visit = _visitor()
    if visit is None:
        return True
    found = owner(folder)
    return not found.private or found.visit == visit


def may_change(folder: Path) -> bool:
    """Whether whoever asks may change a run or a data set: only their own."""
    return is_own(owner(folder).visit)


def is_own(visit: str) -> bool:
    """Whether something of a visitor belongs to whoever asks."""
    asking = _visitor()
    return asking is None or (asking == visit != "")


def check_own(visit: str, what: str) -> None:
    """Raises Refused: it belongs to another visitor, or to whoever runs this server."""
    if not is_own(visit):
        raise Refused(f"{what} isn't yours, so you can look at it, but not change it.")


def new_visit() -> str:
    """A name for a visitor that nobody can guess."""
    return secrets.token_hex(16)


def signed(visit: str) -> str:
    """A visitor's name with a signature, to be kept by their browser."""
    return f"{visit}.{_signature(visit)}"


def verified(kept: object) -> str | None:
    """The visitor of a signed name; None where this server hasn't signed it."""
    if not isinstance(kept, str):
        return None
    visit, _, signature = kept.partition(".")
    if visit and hmac.compare_digest(signature.encode(), _signature(visit).encode()):
        return visit
    return None


def _signature(visit: str) -> str:
    return hmac.new(_secret(), visit.encode(), hashlib.sha256).hexdigest()


def _secret() -> bytes:
    """The server's own, the same for all who work on one workspace."""
    path = workspace.root() / ".visits"
    with suppress(OSError):
        if len(found := path.read_bytes()) == _SECRET_BYTES:
            return found
    with workspace.replacing(path) as temporary:
        temporary.touch(0o600)
        temporary.write_bytes(secrets.token_bytes(_SECRET_BYTES))
    return path.read_bytes()

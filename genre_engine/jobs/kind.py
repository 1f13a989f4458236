"""What is declared of a kind of job; `kinds` has all of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from genre_engine.jobs.record import Record
from genre_engine.jobs.reporter import Reporter

if TYPE_CHECKING:
    from genre_engine.runs import Config

Task = Callable[[Any, Reporter], None]


class Request(Protocol):
    """What is asked for, as plain values."""

    def to_dict(self) -> dict[str, Any]:
        """As `job.json` has it."""
        ...


@dataclass(frozen=True)
class Kind:
    """One kind of job.

    Attributes:
        title: of a job, in a few words, from its request.
        request: reads a request from what JSON gave; raises WrongUsage.
        check: refuses what can't be done, given the jobs that run or wait; returns the config of a
            training that has its features, since its run is made at once.
        check_hosted: refuses what a server that visitors share doesn't do, given the entries of the
            request for which a file was uploaded.
        task: does it.
        dataset: the name of the data set that it reads or makes.
        run: the id or name of a finished run that must stay while it works, or None.
        pool: what it takes a place of. What trains, by whatever name, shares the places.
        working: what it does, in words, where it says nothing of itself.
        pausable: whether a part that is done serves who goes on.
        reads_dataset: whether its data set must be there before.
        stops_when_asked: whether its task asks if it is to stop; else its process is killed.
        in_background: whether it runs at a lower priority, since nobody sits and waits for it.
        clear: removes what a process that was killed left half made.
    """

    title: Callable[[Any], str]
    request: Callable[[Mapping[str, Any]], Request]
    check: Callable[[Any, Sequence[Record]], "Config | None"]
    check_hosted: Callable[[Any, Collection[str]], None]
    task: Task
    dataset: Callable[[Any], str | None]
    pool: str
    working: str
    pausable: bool = True
    reads_dataset: bool = True
    stops_when_asked: bool = True
    in_background: bool = True
    clear: Callable[[Any], None] | None = None
    run: Callable[[Any], str | None] = lambda _request: None

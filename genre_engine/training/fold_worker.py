"""A process that fits some folds of a run: `python -m genre_engine.training.fold_worker FOLDER N…`.

What can't be done it says on standard output, and ends with status 1. It ends when its standard
input does.
"""

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from genre_engine.errors import GenreEngineError
from genre_engine.runs import Run
from genre_engine.training.cross_validation import fit_fold
from genre_engine.training.request import reopen_material


def main(arguments: Sequence[str]) -> int:
    """Fit folds; the exit status."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run = Run(Path(arguments[0]))
    try:
        material = reopen_material(run)
        for number in arguments[1:]:
            fit_fold(run, material, int(number))
    except GenreEngineError as error:
        sys.stdout.write(str(error))
        sys.stdout.flush()
        return 1
    return 0


def _end_with_parent() -> None:
    """End at once when standard input does: whoever started this process has ended."""
    # Not through sys.stdin, whose lock would be held when the interpreter ends.
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

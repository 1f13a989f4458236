"""Data sets and runs that belong to a visitor of a shared server."""

from genre_engine.storage import owners


def own(folder, visit, *, private=False):
    """Have a folder belong to a visitor."""
    with owners.acting_for(visit, private=private):
        owners.mark(folder)

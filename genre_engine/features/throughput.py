"""How fast features are made on this machine, as measured when they were made last.

On disk in the workspace: `rates.json`, a kind's fingerprint → core seconds and bytes a track.
"""

import json

from genre_engine.storage import workspace


def read() -> dict[str, dict[str, float]]:
    """By fingerprint; empty where nothing has been measured."""
    try:
        known = json.loads((workspace.root() / "rates.json").read_text("utf-8"))
        return {
            str(name): {"core_seconds": float(rate["core_seconds"]), "bytes": float(rate["bytes"])}
            for name, rate in known.items()
        }
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return {}  # only estimates depend on it, and the next extraction writes it again


def remember(fingerprint: str, **rate: float) -> None:
    """Put down core seconds and bytes of a track.

    Raises:
        StorageError: it can't be written.
    """
    known = read() | {fingerprint: rate}
    with workspace.replacing(workspace.root() / "rates.json") as path:
        path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")

"""What a run predicted for a part: `predictions/<part>.npz`, read without pickle.

track_ids  str [n]
y          uint8 [n, n_genres]    the truth, columns as the config's genres
p          float32 [n, n_genres]  what the model says
groups     int64 [n]              the artist's number, over which intervals are drawn; or absent
artist_prior       float32 [n, n_genres]  the artist-prior baseline's scores; or absent
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_engine.errors import RunError
from genre_engine.storage import workspace


@dataclass(frozen=True)
class Predictions:
    """Truth and probabilities of a part's tracks; see the module for shapes."""

    track_ids: list[str]
    y: npt.NDArray[np.uint8]
    p: npt.NDArray[np.float32]
    groups: npt.NDArray[np.int64] | None = None
    artist_prior: npt.NDArray[np.float32] | None = None

    def save(self, path: Path) -> None:
        """Raises StorageError if it can't be written."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "track_ids": np.asarray(self.track_ids, str),
            "y": np.asarray(self.y, np.uint8),
            "p": np.asarray(self.p, np.float32),
        }
        if self.groups is not None:
            arrays["groups"] = np.asarray(self.groups, np.int64)
        if self.artist_prior is not None:
            arrays["artist_prior"] = np.asarray(self.artist_prior, np.float32)
        with workspace.replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # its stub wants a flag

    @classmethod
    def load(cls, path: Path, n_genres: int) -> "Predictions":
        """Raises RunError if it is damaged or doesn't fit the run's genres."""
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            if "deaf" in arrays:  # what earlier versions called it
                arrays["artist_prior"] = arrays.pop("deaf")
            ids, y, p = arrays["track_ids"], arrays["y"], arrays["p"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise _damaged(path, str(error)) from error
        wanted = (len(ids), n_genres)
        others = [arrays[name] for name in ("artist_prior",) if name in arrays]
        if ids.ndim != 1 or any(array.shape != wanted for array in (y, p, *others)):
            raise _damaged(path, f"its arrays aren't {wanted[0]} tracks by {n_genres} genres")
        groups = arrays.get("groups")
        if groups is not None and groups.shape != ids.shape:
            raise _damaged(path, "its groups aren't one a track")
        return cls(ids.tolist(), y, p, groups, arrays.get("artist_prior"))


def _damaged(path: Path, why: str) -> RunError:
    return RunError(
        f"{path.parent.name}/{path.name} of this run is damaged ({why}). Remove the run and train "
        "again."
    )

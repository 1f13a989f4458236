"""CSV and Parquet files as columns of text or numbers, read with limits and with row numbers."""

import csv
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from genre_engine.datasets.tracks import decode, read_bytes
from genre_engine.errors import BadTable

MAX_BYTES = 1_000_000_000
MAX_COLUMNS = 20_000
MAX_CELLS = 300_000_000
_BLOCK_BYTES = 1 << 26  # also the longest row
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
PARQUET_SUFFIXES = (".parquet", ".pq")


class Table:
    """A file's columns.

    Attributes:
        name: the file's, for messages.
        columns: names in the file's order.
    """

    def __init__(self, name: str, frame: pd.DataFrame, rows: npt.NDArray[np.intp]) -> None:
        self.name = name
        self.columns = [str(column) for column in frame.columns]
        self._frame = frame
        self._rows = rows

    def __len__(self) -> int:
        return len(self._frame)

    def row(self, index: int) -> int:
        """The row of the file in which a track stands."""
        return int(self._rows[index])

    def text(self, column: str) -> list[str]:
        """A column as text; missing values are empty."""
        values = self._frame[column]
        return [
            "" if missing else str(value)
            for value, missing in zip(values, values.isna(), strict=True)
        ]

    def lists(self, column: str) -> list[list[str]] | None:
        """A column of lists of texts (Parquet), or None if it isn't one."""
        values = self._frame[column]
        if not any(isinstance(value, (list, np.ndarray)) for value in values[:100]):
            return None
        return [[] if value is None else [str(text) for text in value] for value in values]

    def numbers(self, column: str) -> tuple[npt.NDArray[np.float64], int | None]:
        """A column as numbers, and the position of the first value that is none, or None."""
        if self._frame[column].dtype.kind in "mM":
            return np.full(len(self), np.nan), 0  # pandas would make nanoseconds of dates
        try:
            numbers = pd.to_numeric(self._frame[column], errors="coerce")
            values = numbers.to_numpy(np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            return np.full(len(self), np.nan), 0
        wrong = np.flatnonzero(~np.isfinite(values))
        return values, int(wrong[0]) if len(wrong) else None


def read(path: Path) -> Table:
    """Read a CSV (parted by comma, semicolon or tab; UTF-8) or a Parquet file.

    Raises:
        BadTable: its content, with the row.
        DatasetError: no such file, or too large.
    """
    table = _read_parquet(path) if path.suffix.lower() in PARQUET_SUFFIXES else _read_csv(path)
    if not len(table):
        raise BadTable(path.name, "there is no row below the header. Add some.")
    return table


def _check_size(name: str, n_columns: int, n_rows: int) -> None:
    if n_columns > MAX_COLUMNS or n_columns * n_rows > MAX_CELLS:
        raise BadTable(
            name,
            f"{n_rows} rows of {n_columns} columns are too many (at most {MAX_COLUMNS} columns and "
            f"{MAX_CELLS} cells). Cut the table.",
        )


def _read_csv(path: Path) -> Table:
    text = decode(read_bytes(path, limit=MAX_BYTES), path.name)
    if "\n" not in text:  # an old Excel for Mac ends lines so
        text = text.replace("\r", "\n")
    first, line_end, rest = text.partition("\n")
    skipped = 0
    if named := _SEPARATOR_LINE.fullmatch(first.strip()):  # Excel's own, before the header
        first, line_end, rest = rest.partition("\n")
        skipped = 1
    if not first.strip():
        raise BadTable(
            path.name, "the first row is empty; it must name the columns.", row=1 + skipped
        )
    separator = named[1] if named else max(",;\t", key=re.sub(r'"[^"]*"', "", first).count)
    header = [name.strip() for name in next(csv.reader([first.rstrip("\r")], delimiter=separator))]
    _check_names(path.name, header)
    _check_size(path.name, len(header), rest.count("\n") + 1)
    ragged: list[tuple[int, int]] = []

    def note(row: Any) -> str:
        ragged.append((row.number, row.actual_columns))
        return "error"

    # All as text: guessing types makes numbers or missing values of some labels (01, NA, None). In
    # one thread, for only then does the reader know the numbers of rows.
    try:
        table = pa_csv.read_csv(
            pa.py_buffer((first + (line_end or "\n") + rest).encode()),
            read_options=pa_csv.ReadOptions(
                use_threads=False, skip_rows=1, column_names=header, block_size=_BLOCK_BYTES
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=separator,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=note,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowException as error:
        if ragged:
            row, n_columns = ragged[0]
            problem = f"{n_columns} columns where {len(header)} belong. Correct the row."
            raise BadTable(path.name, problem, row=row + skipped) from error
        raise BadTable(path.name, f"it can't be read as CSV ({error}).") from error
    frame = table.to_pandas()
    filled = np.flatnonzero((frame != "").any(axis=1).to_numpy())
    rows = filled + 2 + skipped
    return Table(path.name, frame.iloc[filled].reset_index(drop=True), rows)


def _check_names(name: str, columns: list[str]) -> None:
    twice = [column for column, n in Counter(columns).items() if n > 1]
    if twice:
        raise BadTable(name, f"two columns are named {twice[0]!r}. Rename one.", row=1)


def _read_parquet(path: Path) -> Table:
    read_bytes_of = path.stat().st_size if path.is_file() else 0
    if not read_bytes_of:
        read_bytes(path, limit=MAX_BYTES)  # says what is wrong with the path
        raise BadTable(path.name, "the file is empty.")
    try:
        with pq.ParquetFile(path) as file:
            _check_size(path.name, len(file.schema_arrow.names), file.metadata.num_rows)
            unpacked = sum(
                file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)
            )
            if max(unpacked, read_bytes_of) > 4 * MAX_BYTES:
                raise BadTable(
                    path.name, f"unpacked it has {unpacked / 1e9:.1f} GB. Cut the table."
                )
            _check_names(path.name, file.schema_arrow.names)
            frame = file.read().to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadTable(path.name, f"it can't be read as Parquet ({error}).") from error
    return Table(path.name, frame, np.arange(1, len(frame) + 1))


def preview_file(path: str, n: int) -> list[dict[str, Any]]:
    """As `preview`, for a process that is held to a budget."""
    return preview(Path(path), n)


def preview(path: Path, n: int = 5) -> list[dict[str, Any]]:
    """The first rows as text by column, for choosing the label's column."""
    table = read(path)
    texts = {name: table.text(name)[:n] for name in table.columns}
    return [
        {name: values[index] for name, values in texts.items()}
        for index in range(min(n, len(table)))
    ]

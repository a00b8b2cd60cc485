"""Tables that users write: UTF-8 CSV files with a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from lowkey_core.errors import DatasetError


def rows(
    root: str, columns: Sequence[str], optional: str = "", *, spaced: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Line, and the cells in these columns, of each row that is not empty; other columns are passed
    over. optional: one more column, whose cell is "" where it, or the whole column, is missing.
    spaced: spaces behind commas belong to no cell.

    Raises: DatasetError, with the line, where a column is missing or twice in the header, a cell of
    `columns` is empty, or the file is not one.
    """
    reader = csv.reader(io.StringIO(text(root), newline=""), strict=True, skipinitialspace=spaced)
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        if any(header.count(column) != 1 for column in columns) or header.count(optional) > 1:
            got = f"the header is {','.join(header)!r}"
            raise wrong(root, 1, got, f"{','.join(columns)}, separated by commas")
        where = [header.index(column) for column in columns]
        more = header.index(optional) if optional in header else len(header)
        for row in filter(None, reader):
            cells = [row[i] if i < len(row) else "" for i in (*where, more)]
            if not all(cell.strip() and "\0" not in cell for cell in cells[:-1]):
                expected = " and ".join(f"{'an' if c[0] in 'aei' else 'a'} {c}" for c in columns)
                raise wrong(root, reader.line_num, f"a row is {row}", expected)
            yield reader.line_num, cells
    except csv.Error as error:
        raise wrong(root, reader.line_num, str(error), "CSV as in RFC 4180") from error


def text(root: str) -> str:
    """What is in a table. Raises: DatasetError if it cannot be read, or is not UTF-8."""
    try:
        content = Path(root).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise wrong(root, line, f"it holds {error.object[error.start]:#x}", "UTF-8") from error
    except OSError as error:
        raise DatasetError(
            f"{root} cannot be read ({error.strerror})",
            expected="a table you may read",
            remedy="check its path and permissions",
        ) from error


def wrong(root: str, line: int, got: str, expected: str) -> DatasetError:
    """An error in a line of a table."""
    return DatasetError(
        f"{root}, line {line}: {got[:200]}", expected=expected, remedy="correct it and try again"
    )

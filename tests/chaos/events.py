"""Append-only histories: what each end did and saw, line by line, as it happened.

A line is a letter and fields without spaces, the last one monotonic seconds (one clock for all
processes of a machine). Clients write: ``S first count session`` submitted, ``A number status id
session`` answered, ``L number`` given up without an answer, ``R destination id stat session`` a
receipt came, ``B session port`` bound, ``X session`` session lost. Providers write: ``P destination
id host`` accepted, ``D destination id stat`` a final receipt is due from now on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Line = list[str]

KEPT = 500
"""Lines that may wait to be written."""


class History:
    """Writes one end's history."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="latin-1")
        self._lines: list[str] = []

    def add(self, *fields: Any) -> None:
        """One line, with the time of now."""
        self._lines.append(" ".join([*map(str, fields), f"{time.monotonic():.3f}\n"]))
        if len(self._lines) >= KEPT:
            self.flush()

    def flush(self) -> None:
        """Everything is in the file."""
        self._file.writelines(self._lines)
        self._file.flush()
        self._lines.clear()

    def close(self) -> None:
        """The end of it."""
        self.flush()
        self._file.close()


def lines_of(path: Path) -> Iterator[Line]:
    """Every line of a history, as fields."""
    with path.open(encoding="latin-1") as file:
        for line in file:
            yield line.split()

"""What a detector tells of rows: why they are odd, and what would have to change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from ._base import Array

Entry = TypeVar("Entry")


class OfRows(list[Entry]):
    """A list with an entry for each of some rows.

    Attributes
    ----------
    rows : array of int
        Which row of X each entry is of.
    """

    def __init__(self, entries: Iterable[Entry], rows: Array) -> None:
        super().__init__(entries)
        self.rows = rows


class Change(NamedTuple):
    """What one column would have to be, so that a row were not flagged."""

    column: str
    observed: float | str | None
    changed: float | str | None


class NearestWindow(NamedTuple):
    """A stretch of a reading around a moment, and the normal stretch that is most like it, in the reading's own units."""

    #: Rows before the moment, at which the stretch begins.
    before: int
    #: Rows that each number is the mean of.
    rows: int
    #: NaN where all values are missing.
    observed: Array
    nearest: Array


class Reason(NamedTuple):
    """What one column adds to the score of a row."""

    column: str
    #: Its part of the score, from 0 to 1.
    share: float
    observed: float | str | None
    #: What the other columns let expect.
    expected: float | str | None
    #: The central 98 % of the numbers learned from.
    usual: tuple[float, float] | None
    #: How far a number usually is from what is expected; None where nothing says so.
    spread: float | None = None
    #: Of a reading that is judged by its own windows.
    nearest: NearestWindow | None = None

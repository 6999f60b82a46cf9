"""What a contract promises of a whole table, besides the types of its cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

Severity = Literal["warning", "error", "critical"]
# A counted rule only marks its rows; a limit says how many there may be.
RowSeverity = Literal["counted", "warning", "error", "critical"]
Against = Literal["volume", "null_rate", "median", "share"]
Operator = Literal[
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan",
    "mustBeLessOrEqualTo", "mustBeBetween", "mustNotBeBetween",
]  # fmt: skip
ROWS = "rows"


@dataclass(frozen=True)
class Limit:
    """A number, or two, with which a measured one is compared.

    Args:
        operator: As the standard calls it; between takes in both ends.
        low: The number, or the lower of two.
        high: The upper of two, else the same number.
    """

    operator: Operator
    low: float
    high: float

    def holds(self, found: float) -> bool:
        """Whether a measured number is as it must be."""
        is_within = self.low <= found <= self.high
        return {
            "mustBe": found == self.low,
            "mustNotBe": found != self.low,
            "mustBeGreaterThan": found > self.low,
            "mustBeGreaterOrEqualTo": found >= self.low,
            "mustBeLessThan": found < self.low,
            "mustBeLessOrEqualTo": found <= self.low,
            "mustBeBetween": is_within,
            "mustNotBeBetween": not is_within,
        }[self.operator]

    def __str__(self) -> str:
        words = {
            "mustBe": "",
            "mustNotBe": "other than ",
            "mustBeGreaterThan": "more than ",
            "mustBeGreaterOrEqualTo": "at least ",
            "mustBeLessThan": "less than ",
            "mustBeLessOrEqualTo": "at most ",
            "mustBeBetween": "",
            "mustNotBeBetween": "none of ",
        }
        numbers = _told(self.low)
        if self.operator.endswith("Between"):
            numbers = f"{numbers}-{_told(self.high)}"
        return f"{words[self.operator]}{numbers}"


@dataclass(frozen=True, kw_only=True)
class Promise:
    """Something a table must be.

    Args:
        severity: A broken warning is told; any other refuses rows or the table.
        place: Where in the contract it is written.
    """

    severity: Severity = "error"
    place: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Counted(Promise):
    """A number of rows of a day, or a share of them, that must be within a limit.

    Args:
        counts: `rows`, or the reason code of the rows that count, such as `missing:email`.
        in_percent: Whether the limit is of a hundred rows.
    """

    counts: str
    limit: Limit
    in_percent: bool = False


@dataclass(frozen=True, kw_only=True)
class Compared(Promise):
    """A measure of a day that must be near the median of the days before it.

    Args:
        measure: What is compared. Of a null rate and of a share the difference counts, of the
            others the ratio; a null rate may fall.
        column: Of which; None for the volume.
        days: How many days before the day, by the calendar, UTC.
        within: The largest difference or ratio less one.
        by: Columns; each of their values is a part of the day that is compared too.
        min_rows: A part with fewer rows is not compared.
        min_days: With fewer days measured before it nothing is compared.
    """

    measure: Against
    column: str | None = None
    days: int
    within: float
    by: tuple[str, ...] = ()
    min_rows: int = 100
    min_days: int = 3


@dataclass(frozen=True, kw_only=True)
class Filled(Promise):
    """A column that must hold a value on each day, or two different ones.

    Args:
        varies: Whether one value alone breaks it.
        min_rows: A day with fewer rows is not looked at.
    """

    column: str
    varies: bool
    min_rows: int


@dataclass(frozen=True, kw_only=True)
class Fresh(Promise):
    """A column whose newest value may only be so old at the moment of the run.

    Args:
        is_date: Whether ages are of whole days.
    """

    column: str
    at_most: timedelta
    is_date: bool


@dataclass(frozen=True, kw_only=True)
class Unique(Promise):
    """Columns whose values together occur once among the rows that are current.

    Args:
        row_severity: What becomes of a row that repeats a value; where a limit says how many
            there may be, they are counted.
    """

    columns: tuple[str, ...]
    row_severity: RowSeverity = "error"

    @property
    def code(self) -> str:
        """The reason of a row that repeats a value."""
        return f"not_unique:{'+'.join(self.columns)}"


@dataclass(frozen=True, kw_only=True)
class Relationship(Promise):
    """Columns whose values are found in another table.

    Args:
        table: As the other contract calls it.
        found_in: Its columns, one for each.
    """

    columns: tuple[str, ...]
    table: str
    found_in: tuple[str, ...]

    @property
    def code(self) -> str:
        """The reason of a row whose value is not found."""
        return f"no_reference:{'+'.join(self.columns)}"


@dataclass(frozen=True)
class TableRules:
    """All that a contract promises of a table as a whole, in the order of the file."""

    counted: tuple[Counted, ...] = ()
    compared: tuple[Compared, ...] = ()
    filled: tuple[Filled, ...] = ()
    fresh: tuple[Fresh, ...] = ()
    unique: tuple[Unique, ...] = ()
    relationships: tuple[Relationship, ...] = ()

    @property
    def are_measured(self) -> bool:
        """Whether days are measured for them."""
        return bool(self.counted or self.compared or self.filled or self.fresh)


def _told(number: float) -> str:
    """A number for a message: all digits of a whole one."""
    return f"{int(number):,}" if float(number).is_integer() else f"{number:,g}"


def gathered(promises: Iterable[Promise]) -> TableRules:
    """Promises by what they are of."""
    listed = list(promises)
    return TableRules(
        counted=tuple(each for each in listed if isinstance(each, Counted)),
        compared=tuple(each for each in listed if isinstance(each, Compared)),
        filled=tuple(each for each in listed if isinstance(each, Filled)),
        fresh=tuple(each for each in listed if isinstance(each, Fresh)),
        unique=tuple(each for each in listed if isinstance(each, Unique)),
        relationships=tuple(each for each in listed if isinstance(each, Relationship)),
    )

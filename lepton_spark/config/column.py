"""One column of a raw table and what its values promise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from lepton_spark.config.table_rules import RowSeverity

Kind = Literal["string", "integer", "number", "decimal", "boolean", "date", "timestamp", "binary"]
Bound = int | float | Decimal | date | datetime

NUMBERS = frozenset({"integer", "number", "decimal"})
INT_SPAN = range(-(2**31), 2**31)  # what a whole number of 32 bits holds
MAX_PATTERN = 200
PERSONAL = frozenset({"pii", "personal", "sensitive", "restricted", "confidential"})


_KINDS_BY_TYPE: Mapping[str, Kind] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "integer"),
    **dict.fromkeys(("float", "double"), "number"),
    "decimal": "decimal",
    "string": "string",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}


def readable_kinds(types: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Columns that an expression may read, and their kinds; None where a type has none.

    Args:
        types: Name and type of each column of some rows, as Spark names them, such as
            `decimal(10,2)`. Names of the pipeline's own columns begin with an underscore.
    """
    return {
        name: _KINDS_BY_TYPE.get(type_.partition("(")[0])
        for name, type_ in types
        if not name.startswith("_")
    }


def fold(name: str) -> str:
    """A name in a file as it is compared: whatever its case, without space around it."""
    return name.strip().casefold()


def is_any(name: str, patterns: Collection[str]) -> bool:
    """Whether a name is one of some patterns, in which `*` stands for any text."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True)
class Column:
    """One column of a raw table and what its values promise.

    Args:
        kind: What the text of a cell must parse as.
        format: Pattern of a date or timestamp, as Spark reads it; None is ISO 8601. The text of
            a timestamp carries its offset from UTC.
        required: A row without a value is refused.
        minimum: Smallest value allowed, itself included; of the column's kind.
        pattern: Regular expression that the whole text must match.
        allowed: The only values allowed.
        precision: Digits of a decimal; `scale` of them after the point.
        classification: As the contract says it, lower case.
        header: The column's name in the file, where it differs from `name`.
        missing: Texts that count as no value where a value is promised by a rule, as null does;
            None where none is.
        severities: Reason codes whose rows are not simply refused, and what they become.
    """

    name: str
    kind: Kind
    format: str | None = None
    required: bool = False
    minimum: Bound | None = None
    maximum: Bound | None = None
    pattern: str | None = None
    allowed: tuple[str, ...] | None = None
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    classification: str | None = None
    header: str | None = None
    missing: tuple[str, ...] | None = None
    severities: tuple[tuple[str, RowSeverity], ...] = ()

    def severity_of(self, code: str) -> RowSeverity:
        """What becomes of a row that breaks the promise with a reason code."""
        return dict(self.severities).get(code, "error")

    @property
    def is_required(self) -> bool:
        """True where a row without a value is refused, whichever rule says so."""
        is_refused = self.severity_of("missing") in ("error", "critical")
        return self.required or (self.missing is not None and is_refused)

    @property
    def is_personal(self) -> bool:
        """True where the classification names personal or otherwise guarded values."""
        return self.classification in PERSONAL

"""What a command shows to people when it ends: plain text, as wide as it must be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lepton_spark.job.outcome import Outcome


def show(outcome: Outcome) -> str:
    """The tables that a command published; empty where there are none."""
    rows = [
        (
            day.isoformat(),
            result.stage,
            table.table,
            f"{table.rows:,}",
            str(table.version),
            _news(is_new=table.is_new),
        )
        for day, results in outcome.nights.items()
        for result in results
        for table in result.tables
    ]
    if not rows:
        return ""
    return align([("as of", "stage", "table", "rows", "version", ""), *rows]) + "\n"


def show_trace(outcome: Outcome) -> str:
    """Where a score comes from, one fact a line."""
    facts = [
        (name, str(value))
        for results in outcome.nights.values()
        for result in results
        for name, value in result.facts.items()
    ]
    width = max((len(name) for name, _ in facts), default=0)
    return "".join(f"{name:<{width}}  {value}\n" for name, value in facts)


def printable(text: str) -> str:
    """A text with escapes for what a terminal would obey or hide, such as a file may be named."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def digits(value: float | None) -> str:
    """A metric in three digits; a dash where it could not be measured."""
    return "-" if value is None else f"{value:.3f}"


def align(rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, numbers to the right; nothing is cut off.

    Args:
        rows: All of one length.
    """
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if _is_number(cell) else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "", 1).removeprefix("-").isdigit()


def _news(*, is_new: bool) -> str:
    return "" if is_new else "already there"

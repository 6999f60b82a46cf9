"""The bad inputs A1 to A44 of the promises: a small case, raw lines, and what an error must say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lepton_spark.config.column import Column
from lepton_spark.config.contract import Contract
from lepton_spark.job.ending import ending_of

if TYPE_CHECKING:
    from lepton_spark.errors import LeptonError

CANARY = "CANARY-7731"
CELLS = {
    "id": "1", "site": "A", "level": "0", "label": "x", "whole": "1", "amount": "1.5",
    "price": "2.50", "day": "2024-02-29", "happened_at": "", "wall": "", "note": CANARY,
}  # fmt: skip
HEADER = ",".join(CELLS)
CELLS_CASE = {
    "case": "cells",
    "sources": {
        "cells": {
            "path": "cells/*.csv",
            "contract": "cells",
            "key": ["id", "site", "level", "label"],
            "clean": {"label": {"unicode": "NFKC"}},
            "times": {
                "local_at": {
                    "text": "wall", "formats": ["yyyy-MM-dd HH:mm"], "zone": "America/New_York",
                }
            },
            # A row that does not say when it happened is meant to be known from the beginning.
            "known_at": "coalesce(happened_at, timestamp '1678-01-01 00:00:00')",
            "max_refused": 1.0,
        },
    },
    "predict": {"each": "cells", "day": "day", "at": {"time": "02:00", "zone": "UTC"}},
    "features": {
        "own": ["whole"],
        "history": {
            "cells": {
                "by": [["site"]],
                "over": ["365 days", "366 days"],
                "measures": {"facts": {"count": "happened_at"}},
            }
        },
    },
    "gate": None,
}  # fmt: skip
CELLS_CONTRACT = Contract(
    "cells",
    (
        Column("id", "integer"),
        Column("site", "string"),
        Column("level", "number"),
        Column("label", "string"),
        Column("whole", "integer"),
        Column("amount", "number"),
        Column("price", "decimal", precision=9, scale=2),
        Column("day", "date"),
        Column("happened_at", "timestamp"),
        Column("wall", "string"),
        Column("note", "string"),
    ),
)


def line(**cells: object) -> str:
    """A good line but for what is given; cells are quoted where they have to be."""
    found = {**CELLS, **{name: str(cell) for name, cell in cells.items()}}
    return ",".join(_quoted(cell) for cell in found.values())


def _quoted(cell: str) -> str:
    special = any(sign in cell for sign in ',"\n')
    return '"' + cell.replace('"', '""') + '"' if special else cell


def text(*lines: str, end: str = "\n") -> str:
    """A file: the header and some lines."""
    return end.join([HEADER, *lines, ""])


def demand(error: LeptonError, code: str, *parts: str, exit_code: int = 20) -> None:
    """See that an error tells all it must, for people and for programs, and quotes no cell."""
    ending = ending_of(error)
    told = ending.message
    assert (ending.code, ending.exit_code, ending.status) == (code, exit_code, "failed")
    assert [line.split(":")[0].strip() for line in told.splitlines()] == [
        code, "Why", "State", "Fix",
    ]  # fmt: skip
    for part in (error.what, error.why, error.state, error.fix):
        assert part.strip()
    for part in parts:
        assert part in told
    assert CANARY not in told + repr(error)
    assert json.dumps(told).isascii()


def facts_of(result: Any, source: str) -> dict[str, Any]:
    """What refining says of a source."""
    facts: dict[str, Any] = result.facts["sources"][source]
    return facts

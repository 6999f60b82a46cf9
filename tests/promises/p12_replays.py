"""P12: a refused row says why, and after a fix it enters silver once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from lepton_spark.lake.tables import TableId
from lepton_spark.replay import stage
from lepton_spark.silver.stage import QUARANTINE, refine
from tests.promises.lab import day
from tests.promises.promise import Promise, without
from tests.promises.shop import write_dirty

if TYPE_CHECKING:
    from lepton_spark.context import RunContext
    from tests.promises.lab import Lab, Lake

_SILVER = TableId("silver", "shop_visits")
_FILES_A_LANDING = 100


def trials(lab: Lab, number: int) -> list[str]:
    """One file of dirty lines a trial; the fix is a contract that asks less."""
    failures: list[str] = []
    for first in range(0, number, _FILES_A_LANDING):
        files = min(_FILES_A_LANDING, number - first)
        lake, mended = _dirty(lab, first, files), _dirty(lab, first, files)
        lake.run("land", "refine", as_of=day(3))
        mended.run("land", as_of=day(3))
        refine(_mended(mended))
        failures += [f"{file}:{row} says no reason" for file, row in _without_reason(lake)]
        for _ in range(2):
            refine(_mended(lake))
            stage.replay(_mended(lake))
        found, wanted = _held(lake), _held(mended)
        failures += [
            f"{file}: {found.get(file)} instead of {wanted.get(file)}"
            for file in sorted(found.keys() | wanted.keys())
            if found.get(file) != wanted.get(file)
        ]
    return failures


def _dirty(lab: Lab, first: int, files: int) -> Lake:
    lake = lab.lake()
    write_dirty(lake.lakehouse, lab.seed + first, files=files)
    return lake


def _mended(lake: Lake) -> RunContext:
    context = lake.context(day(3))
    contract = context.contracts["visits"]
    free = [replace(column, minimum=None, maximum=None) for column in contract.columns]
    return replace(
        context, contracts={**context.contracts, "visits": replace(contract, columns=tuple(free))}
    )


def _without_reason(lake: Lake) -> list[tuple[str, int]]:
    untold = lake.rows(QUARANTINE).filter("coalesce(cardinality(reasons), 0) = 0")
    return [tuple(row) for row in untold.select("file", "row").collect()]


def _held(lake: Lake) -> dict[str, Counter[str]]:
    """By file: the rows of silver and quarantine, each with its place."""
    silver = lake.rows(_SILVER).selectExpr("_file", "concat('silver:', _row)")
    refused = lake.rows(QUARANTINE).selectExpr("file", "concat(severity, ':', row)")
    found: dict[str, Counter[str]] = {}
    for file, place in silver.union(refused).collect():
        found.setdefault(file, Counter())[place] += 1
    return found


def control(lab: Lab) -> list[str]:
    """A replay that does not look what silver holds."""

    def forgetful(landed, _silver, _source, _contract, judged_by):
        return judged_by(landed)

    nothing = lambda *_: None  # noqa: E731  # stands for a guard
    with without((stage, "judge_rest", forgetful), (stage, "require_balance", nothing)):
        return trials(lab, 3)


PROMISE = Promise(
    "P12",
    "a refused row says why and can be replayed after a fix, once",
    trials,
    short=10,
    full=200,
    control=control,
)

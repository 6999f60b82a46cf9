"""P18: the features of a night are those that training sees of that day, to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.features import stage
from lepton_spark.lake.tables import TableId
from tests.promises.lab import day
from tests.promises.promise import Promise, without
from tests.promises.shop import CASE, write_days

if TYPE_CHECKING:
    from tests.promises.lab import Lab

_ROWS_A_DAY = 500
_FEATURES = TableId("gold", f"{CASE}_features")


def trials(lab: Lab, number: int) -> list[str]:
    """Rows of some days, computed with all days at once and each night anew."""
    days = -(-number // _ROWS_A_DAY)
    lake = lab.lake()
    write_days(lake.lakehouse, lab.seed, days=days + 3, visits=_ROWS_A_DAY, sales=200)
    lake.run("land", "refine", as_of=day(days + 3))
    nightly = lake.copy(lab.place())
    lake.run("features", as_of=day(days + 3))
    for night in range(3, days + 3):
        stage.build(nightly.context(day(night)), days="one")
    mine = nightly.rows(_FEATURES)
    wanted = lake.rows(_FEATURES).filter(F.col("_as_of").between(day(3), day(days + 2)))
    if (rows := wanted.count()) != days * _ROWS_A_DAY:
        return [f"{rows} rows to compare"]
    # Twice, so that a row that one side lacks counts as well.
    other = wanted.exceptAll(mine.select(*wanted.columns))
    lost = mine.select(*wanted.columns).exceptAll(wanted)
    return [f"{row['visit']} of {row['_as_of']}" for row in other.union(lost).collect()]


def control(lab: Lab) -> list[str]:
    """A night reads the newest files only."""

    def last_arrival(files):
        return max((file.arrived_at for file in files if file.num_wanted), default=None)

    with without((stage, "first_arrival", last_arrival)):
        return trials(lab, 1)


PROMISE = Promise(
    "P18",
    "features of a night equal those of training",
    trials,
    short=500,
    full=10_000,
    control=control,
    is_long=True,
)

"""P11: what came in is good, quarantined or a counted duplicate, file by file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.lake.tables import TableId
from lepton_spark.silver import stage
from tests.promises.lab import day
from tests.promises.promise import Promise, without
from tests.promises.shop import GOOD, REFUSED, write_dirty

if TYPE_CHECKING:
    from tests.promises.lab import Lab, Lake
    from tests.promises.shop import Written

_FILES_A_LANDING = 100


def trials(lab: Lab, number: int) -> list[str]:
    """One file of dirty lines a trial, many files a landing."""
    failures: list[str] = []
    for first in range(0, number, _FILES_A_LANDING):
        lake = lab.lake()
        files = min(_FILES_A_LANDING, number - first)
        written = write_dirty(lake.lakehouse, lab.seed + first, files=files)
        lake.run("land", "refine", as_of=day(3))
        failures += _wrong(lake, written)
    return failures


def _wrong(lake: Lake, written: list[Written]) -> list[str]:
    """The files whose rows are not where they have to be."""
    found: dict[str, Counter[str]] = {file.path: Counter() for file in written}
    for path, outcome, number in _counted(lake):
        found[path][outcome] += number
    return [
        f"{file.path}: {dict(found[file.path])} instead of {dict(wanted)}"
        for file in written
        if found[file.path] != (wanted := file.outcomes + Counter(landed=file.num_lines))
    ]


def _counted(lake: Lake) -> list[tuple[str, str, int]]:
    bronze = lake.rows(TableId("bronze", "shop_visits")).select("_file", F.lit("landed"))
    silver = lake.rows(TableId("silver", "shop_visits")).select("_file", F.lit(GOOD))
    # The one sale may be of a shop that nobody knows.
    refused = lake.rows(stage.QUARANTINE).filter(F.col("file").startswith("visits/"))
    refused = refused.select("file", "severity")
    rows = bronze.union(silver).union(refused).toDF("file", "outcome")
    return [tuple(row) for row in rows.groupBy("file", "outcome").count().collect()]


def control(lab: Lab) -> list[str]:
    """Rows that are refused are dropped without a word, and nobody counts."""
    judge = stage.judge

    def forgetful(landed, **given):
        return judge(landed, **given).filter(
            F.col("_severity").isNull() | (F.col("_severity") != REFUSED)
        )

    nothing = lambda *_: None  # noqa: E731  # stands for two guards
    with without((stage, "judge", forgetful), (stage, "require_balance", nothing)):
        return trials(lab, 5)


PROMISE = Promise(
    "P11",
    "in = good + quarantined + duplicates, file by file",
    trials,
    short=40,
    full=500,
    control=control,
)

"""How far each file of a source is, and how many of its quarantined rows are judged again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lepton_spark.errors import DataError
from lepton_spark.quality.accounting import FileState
from lepton_spark.silver.deduplicate import REFUSED

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column

_COUNTS = ("landed", "good", "chosen", "kept", "kept_refused")


@dataclass(frozen=True)
class HeldFile:
    """One raw file and where its rows are.

    Args:
        landed: Rows in bronze.
        good: Rows in silver.
        chosen: Quarantined rows that are judged again.
        kept: Other quarantined rows.
        kept_refused: Those of them that are no duplicates.
    """

    file: str
    sha256: str
    landed: int
    good: int
    chosen: int
    kept: int
    kept_refused: int

    @property
    def is_refined(self) -> bool:
        """Whether every row of bronze is in silver or in quarantine."""
        return self.landed == self.good + self.chosen + self.kept

    @property
    def as_chosen(self) -> FileState:
        """As if it held only the rows that are judged again."""
        return FileState(self.file, self.sha256, self.chosen, 0, 0)


def held_files(
    bronze: DataFrame, silver: DataFrame, quarantine: DataFrame, moment: datetime
) -> DataFrame:
    """A row a file, as the fields of `HeldFile`; without name for files yet to arrive.

    Args:
        bronze: All rows of the source.
        silver: Its clean rows.
        quarantine: Its quarantined rows, with the boolean `is_chosen`.
        moment: Of the run, UTC. Costs one shuffle of counts.
    """
    is_here = F.col("_arrived_at") <= F.lit(moment)
    is_chosen, is_refused = F.col("is_chosen"), F.col("severity") == F.lit(REFUSED)
    landed = _steps(
        bronze.filter(F.col("_records").isNotNull()),
        F.when(is_here, F.col("_file")),
        sha256=F.col("_sha256"),
        landed=F.col("_records"),
    )
    good = _steps(silver.filter(is_here), F.col("_file"), good=F.lit(1))
    held = _steps(
        quarantine,
        F.col("file"),
        chosen=F.when(is_chosen, 1).otherwise(0),
        kept=F.when(is_chosen, 0).otherwise(1),
        kept_refused=F.when(is_refused & ~is_chosen, 1).otherwise(0),
    )
    sums = [F.sum(name).alias(name) for name in _COUNTS]
    steps = reduce(DataFrame.unionByName, (landed, good, held))
    return steps.groupBy("file").agg(F.max("sha256").alias("sha256"), *sums).orderBy("file")


def _steps(rows: DataFrame, file: Column, **given: Column) -> DataFrame:
    columns = {"file": file, "sha256": F.lit(None).cast("string")}
    columns |= {name: F.lit(0) for name in _COUNTS} | given
    kinds = dict.fromkeys(_COUNTS, "bigint")
    return rows.select(
        *(columns[name].cast(kinds.get(name, "string")).alias(name) for name in columns)
    )


def require_refined(source: str, files: Sequence[HeldFile]) -> None:
    """See that every row of a source is in silver or in quarantine.

    Raises:
        DataError: A file is not refined.
    """
    opened = [file.file for file in files if not file.is_refined]
    if opened:
        raise DataError(
            "LS-2126",
            f"{source}: {len(opened)} files are not refined, such as {opened[0]}.",
            "rows are judged again once every other row of the source has its place.",
            "run `lepton refine`, then the same command again.",
            "nothing was replayed",
        )

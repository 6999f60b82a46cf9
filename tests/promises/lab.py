"""A laboratory: lakes of the invented shops, and the stages that run on them."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lepton_spark.bronze.stage import land
from lepton_spark.config.check import load_all
from lepton_spark.context import RunContext
from lepton_spark.features.stage import build
from lepton_spark.lake import tables
from lepton_spark.lake.tables import TableId
from lepton_spark.silver.stage import refine
from tests.conftest import Silent
from tests.promises.shop import CASE, FIRST_DAY, write_conf

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lepton_spark.context import StageResult

STAGES: Mapping[str, Callable[[RunContext], StageResult]] = {
    "land": land,
    "refine": refine,
    "features": build,
}
TABLES = (
    *(TableId(layer, f"{CASE}_{name}") for layer in ("bronze", "silver")
      for name in ("stores", "visits", "sales")),
    TableId("ops", "quarantine"),
    TableId("gold", f"{CASE}_features"),
)  # fmt: skip
# What a run writes of itself and of the clocks of its files; all else follows from its inputs.
_OF_THE_RUN = {"_run_id", "run_id", "_ingested_at", "_modified_at"}


@dataclass(frozen=True)
class Lake:
    """One lake, of the shops unless another case is named."""

    spark: SparkSession
    folder: Path
    case: str = CASE

    @property
    def lakehouse(self) -> Path:
        return self.folder / "lakehouse"

    def context(self, as_of: date, **changes: Any) -> RunContext:
        """A run on this lake."""
        loaded = load_all(self.folder / "conf", self.case, "local")
        given = {
            "spark": self.spark,
            "case": loaded.case,
            "environment": loaded.environment,
            "contracts": loaded.contracts,
            "progress": Silent(),
            "run_id": f"r-{secrets.token_hex(8)}",
            "as_of": as_of,
            "started_at": datetime.now(UTC),
        }
        return RunContext(**{**given, **changes})

    def run(self, *stages: str, as_of: date) -> list[StageResult]:
        """Run stages one after the other."""
        return [STAGES[name](self.context(as_of)) for name in stages]

    def rows(self, table: TableId) -> DataFrame:
        """The rows of a table."""
        return tables.read(self.context(FIRST_DAY), table)

    def digests(self) -> dict[str, tuple[int, str]]:
        """Rows of each table, and a digest that depends neither on their order nor on the run."""
        context = self.context(FIRST_DAY)
        there = [table for table in TABLES if tables.exists(context, table)]
        return {str(table): digest(self.rows(table)) for table in there}

    def copy(self, folder: Path) -> Lake:
        """The same lake somewhere else."""
        shutil.copytree(self.lakehouse, folder / "lakehouse")
        write_conf(folder / "conf", folder / "lakehouse")
        return Lake(self.spark, folder)


@dataclass(frozen=True)
class Lab:
    """Where trials are made.

    Args:
        seed: Of everything invented.
    """

    spark: SparkSession
    folder: Path
    seed: int = 7

    def place(self) -> Path:
        """A new folder."""
        place = self.folder / secrets.token_hex(6)
        place.mkdir(parents=True)
        return place

    def lake(self) -> Lake:
        """A new lake without files."""
        place = self.place()
        write_conf(place / "conf", place / "lakehouse")
        return Lake(self.spark, place)


def digest(rows: DataFrame) -> tuple[int, str]:
    """Number of rows, and the sum of their hashes."""
    names = sorted(name for name in rows.columns if name not in _OF_THE_RUN)
    # A null is passed over by xxhash64: that it is there is hashed too.
    cells = [each for name in names for each in (F.isnull(name), F.col(name))]
    hashed = F.xxhash64(*cells).cast("decimal(38,0)")
    found = rows.agg(F.count("*"), F.sum(hashed)).collect()[0]
    return found[0], str(found[1])


def day(number: int) -> date:
    """A day of the shops, from 0."""
    return FIRST_DAY + timedelta(days=number)

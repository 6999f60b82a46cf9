"""What the contract of a source holds its rows against: other tables, other days, its own past."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pyspark.sql import functions as F

from lepton_spark.config.rule_checker import sources_of
from lepton_spark.lake.catalog import TableId
from lepton_spark.quality.measurement import newest
from lepton_spark.quality.metrics import METRICS, Metric
from lepton_spark.silver.judgement import Surroundings
from lepton_spark.silver.measured_days import merged, metrics_between, window_of
from lepton_spark.silver.relationship import known_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame

    from lepton_spark.config.contract import Contract
    from lepton_spark.context import RunContext
    from lepton_spark.lake.marker import Marker
    from lepton_spark.quality.accounting import Tally
    from lepton_spark.silver.inlet import Inlet


class Read(Protocol):
    """Reads a table."""

    def __call__(self, table: TableId, *, version: int | None = None) -> DataFrame:
        """The rows, at the newest version or the one named."""
        ...


@dataclass(frozen=True)
class Readings:
    """Reads for one run what contracts ask for, and nothing where they do not ask.

    Args:
        exists: Whether a table was ever published.
        marker_of: The mark of one version of a table.
    """

    context: RunContext
    read: Read
    exists: Callable[[TableId], bool]
    marker_of: Callable[[TableId, int], Marker | None]

    def contract_of(self, inlet: Inlet) -> Contract:
        """What a source promises."""
        return self.context.contracts[self.context.case.sources[inlet.name].contract]

    def surroundings(self, inlet: Inlet) -> Surroundings:
        """The tables that relationships look in, and the rows of silver for unique columns."""
        case = self.context.case
        known = {}
        for promise, name in sources_of(case, self.context.contracts, inlet.name).items():
            rows = self.read(TableId("silver", f"{case.case}_{name}"))
            known[promise] = known_values(rows, promise.found_in)
        if not self.contract_of(inlet).rules.unique or inlet.silver_version < 0:
            return Surroundings(known)
        return Surroundings(known, self.read(inlet.silver, version=inlet.silver_version))

    def earlier(self, inlet: Inlet, counted: Tally) -> list[Metric]:
        """What was measured of the days that a batch is compared with. Collects it."""
        days = window_of(self.contract_of(inlet), counted.measured)
        if days is None or not self.exists(METRICS):
            return []
        rows = self.read(METRICS)
        wanted = metrics_between(rows, self.context.case.case, str(inlet.silver), days)
        return [Metric(**row.asDict()) for row in wanted.collect()]

    def newest(self, inlet: Inlet, found: Mapping[str, float | None]) -> dict[str, float]:
        """The newest values of a source: as its log tells, else its table, and those found now.

        Returns:
            Column that must be fresh to seconds since 1970, UTC.
        """
        columns = sorted({rule.column for rule in self.contract_of(inlet).rules.fresh})
        if not columns or inlet.silver_version < 0:
            return merged(found)
        moment = self.context.moment
        marker = self.marker_of(inlet.silver, inlet.silver_version)
        told = marker.facts.get("newest", {}) if marker is not None else {}
        # What is newer than the moment of a backfill hides what was the newest then.
        if all(told.get(name, math.inf) <= moment.timestamp() for name in columns):
            return merged(told, found)
        silver = self.read(inlet.silver, version=inlet.silver_version)
        rows = silver.filter(F.col("_arrived_at") <= F.lit(moment))
        values = rows.agg(*(newest(name, moment).alias(name) for name in columns)).collect()[0]
        return merged(values.asDict(), found)

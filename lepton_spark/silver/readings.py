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
from lepton_spark.silver.conform import silver_type, with_lacking
from lepton_spark.silver.inlet import Inlet
from lepton_spark.silver.judgement import Surroundings
from lepton_spark.silver.knowledge import versions
from lepton_spark.silver.lookup import Reference
from lepton_spark.silver.measured_days import merged, metrics_between, window_of
from lepton_spark.silver.relationship import known_values

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import DataFrame

    from lepton_spark.config.contract import Contract
    from lepton_spark.context import RunContext
    from lepton_spark.lake.marker import Marker
    from lepton_spark.quality.accounting import Tally


class Tables(Protocol):
    """What a stage may ask of tables: `lake.tables`, which only stages import."""

    def current_version(self, context: RunContext, table: TableId, /) -> int:
        """The newest version of a table; -1 where there is none."""

    def exists(self, context: RunContext, table: TableId, /) -> bool:
        """Whether a table was ever published."""

    def marker_of(self, context: RunContext, table: TableId, version: int, /) -> Marker | None:
        """The mark of one version of a table."""

    def read(
        self, context: RunContext, table: TableId, /, *, version: int | None = None
    ) -> DataFrame:
        """The rows, at the newest version or the one named."""


@dataclass(frozen=True)
class Readings:
    """Reads for one run what rows are judged by, and nothing that nobody asks for."""

    context: RunContext
    tables: Tables

    def inlet(self, name: str) -> Inlet:
        """The tables of a source as they are now; no file is looked at."""
        bronze, silver = (self._table(layer, name) for layer in ("bronze", "silver"))
        return Inlet(
            name,
            bronze,
            silver,
            bronze_version=self.tables.current_version(self.context, bronze),
            silver_version=self.tables.current_version(self.context, silver),
        )

    def reference(self, name: str) -> Reference:
        """A clean table that others look up."""
        key = self.context.case.sources[name].key
        rows = self.tables.read(self.context, self._table("silver", name))
        return Reference(versions(rows, key), key)

    def contract_of(self, inlet: Inlet) -> Contract:
        """What a source promises."""
        return self.context.contracts[self.context.case.sources[inlet.name].contract]

    def surroundings(self, inlet: Inlet, resumed: DataFrame | None = None) -> Surroundings:
        """The tables that relationships look in, and rows of silver that others are held against.

        Args:
            inlet: The source.
            resumed: Its raw rows, where silver may hold some that arrived with them.
        """
        case = self.context.case
        known = {}
        for promise, name in sources_of(case, self.context.contracts, inlet.name).items():
            rows = self.tables.read(self.context, self._table("silver", name))
            known[promise] = known_values(rows, promise.found_in)
        if inlet.silver_version < 0:
            return Surroundings(known)
        present = self.silver(inlet) if self.contract_of(inlet).rules.unique else None
        if resumed is None or case.sources[inlet.name].near_duplicates is None:
            return Surroundings(known, present)
        arrivals = F.broadcast(resumed.select("_arrived_at").distinct())
        alongside = self.silver(inlet).join(arrivals, "_arrived_at", how="left_semi")
        return Surroundings(known, present, alongside)

    def rivals(self, inlet: Inlet) -> DataFrame | None:
        """Published rows that one-to-one lookups are held against; None where there are none."""
        lookups = self.context.case.sources[inlet.name].lookup
        is_asked = any(lookup.cardinality != "many_to_one" for lookup in lookups)
        return self.silver(inlet) if is_asked and inlet.silver_version >= 0 else None

    def earlier(self, inlet: Inlet, counted: Tally) -> list[Metric]:
        """What was measured of the days that a batch is compared with. Collects it."""
        days = window_of(self.contract_of(inlet), counted.measured)
        if days is None or not self.tables.exists(self.context, METRICS):
            return []
        rows = self.tables.read(self.context, METRICS)
        wanted = metrics_between(rows, self.context.case.case, str(inlet.silver), days)
        return [Metric(**row.asDict()) for row in wanted.collect()]

    def newest(
        self, inlet: Inlet, found: Mapping[str, float | None], until: datetime | None
    ) -> dict[str, float]:
        """The newest values of a source: as its log tells, else its table, and those found now.

        Args:
            inlet: The source.
            found: The newest values of the rows that come to it now.
            until: Later ones do not count; None, as for the log: all do.

        Returns:
            Column that must be fresh to seconds since 1970, UTC.
        """
        columns = sorted({rule.column for rule in self.contract_of(inlet).rules.fresh})
        if not columns or inlet.silver_version < 0:
            return merged(found)
        marker = self.tables.marker_of(self.context, inlet.silver, inlet.silver_version)
        told = marker.facts.get("newest", {}) if marker is not None else {}
        # What is newer than the moment of a run hides what was the newest then.
        latest = math.inf if until is None else until.timestamp()
        if told.keys() >= set(columns) and all(told[name] <= latest for name in columns):
            return merged(told, found)
        rows = self.silver(inlet)
        if until is not None:
            rows = rows.filter(F.col("_arrived_at") <= F.lit(until))
        values = rows.agg(*(newest(name, until).alias(name) for name in columns)).collect()[0]
        return merged(values.asDict(), found)

    def silver(self, inlet: Inlet) -> DataFrame:
        """The rows of a source that are published, with all columns that it promises now."""
        rows = self.tables.read(self.context, inlet.silver, version=inlet.silver_version)
        columns = self.contract_of(inlet).columns
        return with_lacking(rows, {column.name: silver_type(column) for column in columns})

    def _table(self, layer: str, source: str) -> TableId:
        return TableId(layer, f"{self.context.case.case}_{source}")

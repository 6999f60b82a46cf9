"""What each source has to refine: from the log, else from its tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from lepton_spark.lake.troubles import told_as
from lepton_spark.quality.quarantine import QUARANTINE
from lepton_spark.silver.inlet import Inlet, landed_since
from lepton_spark.silver.pending import bronze_steps, open_files, quarantine_steps, silver_steps
from lepton_spark.silver.readings import Readings, Tables
from lepton_spark.silver.watermark import NOTHING_YET, Watermark, since, watermark_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.bronze.landed import StoredFile
    from lepton_spark.context import RunContext
    from lepton_spark.lake.catalog import TableId
    from lepton_spark.lake.marker import Marker


class MarkedTables(Tables, Protocol):
    """What is asked of tables: `lake.tables`, which only stages import."""

    def marks(
        self, context: RunContext, table: TableId, version: int, /
    ) -> Sequence[Marker | None]:
        """The marks of all versions of a table up to one."""


def inlets_of(context: RunContext, tables: MarkedTables, names: Iterable[str]) -> dict[str, Inlet]:
    """How sources are at the moment of the run, by name.

    Reads logs; where one cannot say, one job that collects a row a file.
    """
    inlets: dict[str, Inlet] = {}
    unknown: list[Inlet] = []
    newest = tables.current_version(context, QUARANTINE)
    quarantine = tables.marks(context, QUARANTINE, newest)
    readings = Readings(context, tables)
    for name in names:
        inlet = readings.inlet(name)
        landed = _landed_since(context, tables, inlet, quarantine)
        if landed is None:
            unknown.append(inlet)
        else:
            inlets[name] = inlet.as_told(landed, context.moment)
    return inlets | _as_found(context, tables, unknown)


def _landed_since(
    context: RunContext, tables: MarkedTables, inlet: Inlet, quarantine: Sequence[Marker | None]
) -> list[StoredFile] | None:
    """The files that were landed since a source was refined; None where the log cannot say."""
    watermark: Watermark | None = NOTHING_YET
    if inlet.silver_version >= 0:
        watermark = watermark_of(tables.marker_of(context, inlet.silver, inlet.silver_version))
    if watermark is None:
        return None
    bronze = since(watermark.bronze, tables.marks(context, inlet.bronze, inlet.bronze_version))
    refused = since(watermark.quarantine, quarantine)
    return landed_since(bronze, refused, context.case.case, str(inlet.silver))


def _as_found(
    context: RunContext, tables: MarkedTables, inlets: Sequence[Inlet]
) -> dict[str, Inlet]:
    if not inlets:
        return {}
    steps = [step for inlet in inlets for step in _steps(context, tables, inlet)]
    if tables.exists(context, QUARANTINE):
        prefix = f"silver.{context.case.case}_"
        refused = tables.read(context, QUARANTINE)
        steps.append(quarantine_steps(refused, context.case.case, prefix, context.moment))
    with told_as("the files to refine"):
        found = open_files(steps).collect()
    states = {inlet.name: [row[1:] for row in found if row[0] == inlet.name] for inlet in inlets}
    return {inlet.name: inlet.as_found(states[inlet.name]) for inlet in inlets}


def _steps(context: RunContext, tables: MarkedTables, inlet: Inlet) -> list[DataFrame]:
    """How far each file of a source is, in its tables."""
    bronze = tables.read(context, inlet.bronze, version=inlet.bronze_version)
    steps = [bronze_steps(bronze, inlet.name, context.moment)]
    if inlet.silver_version >= 0:
        silver = tables.read(context, inlet.silver, version=inlet.silver_version)
        steps.append(silver_steps(silver, inlet.name, context.moment))
    return steps

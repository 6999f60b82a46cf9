"""The engine over an invented world, as the stage puts it together."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lepton_spark.config.features import History, Latest
from lepton_spark.features.chunks import Chunks, Parts
from lepton_spark.features.events import declare, prepare
from lepton_spark.features.gather import gather
from lepton_spark.features.grid import Grid
from lepton_spark.features.plan import make_plan
from lepton_spark.features.rows import visible
from lepton_spark.silver.knowledge import versions
from tests.features.world import KEY_SETS, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame, SparkSession

EVENTS = (
    "world int, event int, shop string, size int, whole bigint, real double, declared timestamp,"
    " arrived timestamp, happened timestamp, file string, row bigint"
)
ROWS = "world int, row int, shop string, size int, day date, arrived timestamp, line int"
HISTORY = History.model_validate(
    {
        "by": KEY_SETS,
        "over": ["24 hours", "7 days", "60 hours"],
        "measures": {
            "events": {"count": "*"},
            "reals": {"count": "real"},
            "total": {"sum": "whole"},
            "mean": {"mean": "real"},
            "big": {"share": "whole > 5"},
        },
    }
)
TWO_CHUNKS = (2, Parts())
LATEST = Latest.model_validate(
    {"on": ["world", "shop"], "take": ["whole", "event"], "within": "30 hours"}
)


def event_rows(spark: SparkSession, world: World) -> DataFrame:
    """The events as silver holds them."""
    rows = spark.createDataFrame([tuple(asdict(event).values()) for event in world.events], EVENTS)
    renamed = rows.withColumnsRenamed({"arrived": "_arrived_at", "file": "_file", "row": "_row"})
    return renamed.withColumn("_known_at", F.greatest("declared", "_arrived_at"))


def row_rows(spark: SparkSession, world: World) -> DataFrame:
    """The rows to predict as silver holds them."""
    rows = spark.createDataFrame([tuple(asdict(row).values()) for row in world.rows], ROWS)
    rows = rows.withColumnsRenamed({"arrived": "_arrived_at", "line": "_row"})
    return rows.withColumns({"_file": F.lit("f"), "_known_at": F.col("_arrived_at")})


def run(
    spark: SparkSession,
    world: World,
    *,
    cut: tuple[int, Parts] = TWO_CHUNKS,
    events: DataFrame | None = None,
    settings: Sequence[Latest | History] = (LATEST, HISTORY),
) -> DataFrame:
    """The features of all rows, the work cut into so many chunks of these parts."""
    chunks, parts = cut
    grid = Grid.of(world.at)
    shown = visible(versions(row_rows(spark, world), ["world", "row"]), "day", grid)
    given = event_rows(spark, world) if events is None else events
    known = declare(versions(given, ["world", "event"]), "declared")
    plans = []
    for section in settings:
        planned = make_plan("sales", section, known)
        plans.append((planned.plan, prepare(known, planned.plan, planned.values, grid)))
    days = [(row.day - date(1970, 1, 1)).days for row in world.rows]
    length = -(-(max(days) - min(days) + 1) // chunks)
    return gather(shown, plans, ["world", "row", "day"], Chunks(min(days), length, chunks, parts))


def by_row(features: DataFrame) -> dict[tuple[Any, ...], dict[str, Any]]:
    """By (world, row, day): the features."""
    found = {}
    for row in features.collect():
        values = row.asDict()
        key = tuple(values.pop(name) for name in ("world", "row", "day"))
        assert key not in found
        found[key] = values
    return found


def checksum(features: DataFrame) -> tuple[Any, ...]:
    """Rows and a digest that does not depend on their order."""
    digest = F.xxhash64(*sorted(features.columns)).cast("decimal(38,0)")
    return tuple(features.agg(F.count("*"), F.sum(digest)).collect()[0])

"""A run in a process of its own, which a test may kill: it publishes one night and says so.

It connects to the JVM of the test, so it starts in a second and its death leaves the JVM alive, as
the death of a driver's Python does for a moment too.

    python child.py LAKEHOUSE RUN_ID [PAUSE_AT [WITHOUT]]   # WITHOUT: lock,transaction

`LEPTON_FAULT` says where it dies; at PAUSE_AT it makes the file RUN_ID.paused and waits for
RUN_ID.resume.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from lepton_spark import faults
from lepton_spark.context import RunContext
from lepton_spark.errors import LeptonError
from lepton_spark.lake import commit, locks, tables
from lepton_spark.lake.tables import Publication, TableId

SCORES = TableId("gold", "scores")
DAY = "2024-02-29"
NUM_ROWS = 200


def connected() -> SparkSession:
    """A session of the JVM that the environment names."""
    SparkContext._ensure_initialized()
    java = SparkContext._jvm
    running = java.org.apache.spark.SparkContext.getOrCreate()
    shared = java.org.apache.spark.api.java.JavaSparkContext(running)
    conf = SparkConf(_jconf=running.conf())
    context = SparkContext(gateway=SparkContext._gateway, jsc=shared, conf=conf)
    return SparkSession(context, java.SparkSession.active().newSession())


def context_of(spark: SparkSession, lakehouse: str, run_id: str) -> RunContext:
    environment = SimpleNamespace(lakehouse=lakehouse, lock_wait_seconds=60, catalog=None)
    return RunContext(
        spark, None, environment, None, run_id, date.fromisoformat(DAY), datetime.now(UTC)
    )


def rows_of(spark: SparkSession):
    return spark.range(0, NUM_ROWS, 1, 2).selectExpr(
        "id", f"date'{DAY}' as as_of", "id / 10.0D as score"
    )


def night(*, replaces: bool) -> Publication:
    replace = f"as_of = date'{DAY}'" if replaces else None
    return Publication(SCORES, "score", DAY, "f" * 64, replace=replace, partition_by=("as_of",))


def remove_guards(without: str) -> None:
    """The deliberately broken variant."""
    if "lock" in without:
        locks.hold = lambda _context, _table: contextlib.nullcontext()
    if "transaction" in without:
        Publication.transaction = property(lambda _self: str(datetime.now(UTC)))
        commit.already = lambda _context, _publication: None


def pause(point: str, paused: Path, resume: Path) -> None:
    """Stand still at a point until a file appears."""
    reach = faults.reach

    def reach_and_pause(reached: str) -> None:
        reach(reached)
        if reached == point:
            paused.touch()
            wait_for(resume)

    faults.reach = reach_and_pause


def wait_for(file: Path) -> None:
    while not file.exists():
        time.sleep(0.01)


def main(lakehouse: str, run_id: str, pause_at: str = "", without: str = "") -> None:
    spark = connected()
    remove_guards(without)
    pause(pause_at, Path(lakehouse, f"{run_id}.paused"), Path(lakehouse, f"{run_id}.resume"))
    Path(lakehouse, f"{run_id}.ready").touch()
    wait_for(Path(lakehouse, "go"))
    try:
        context = context_of(spark, lakehouse, run_id)
        done = tables.publish(context, rows_of(spark), night(replaces=not without))
        said = {"version": done.version, "is_new": done.is_new}
    except LeptonError as error:
        said = {"code": error.code, "exit": error.exit_code, "what": error.what}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

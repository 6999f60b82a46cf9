"""Spark sessions: one of our own, or one beside a session that we were given."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake import jvm
from lepton_spark.lake.class_archive import use_archive
from lepton_spark.lake.jars import DELTA_SETTINGS, coordinates, resolve_jars
from lepton_spark.lake.java import use_java

if TYPE_CHECKING:
    from lepton_spark.config.environment import Environment

# What results depend on; each can be set in a session of its own.
SQL_SETTINGS: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    # Wide projections are interpreted, 15x faster than a method the JIT refuses to compile.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # A table is never reached by a path that an expression names.
    "spark.sql.runSQLOnFiles": "false",
    # Without it a flipped bit in a file gives a wrong answer instead of an error.
    "parquet.page.verify-checksum.enabled": "true",
    "parquet.page.write-checksum.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
# What must be there before the JVM starts.
_START_SETTINGS: Mapping[str, str] = {
    **DELTA_SETTINGS,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.executorEnv.TZ": "UTC",
    # Else expressions ask the JVM four times as often, to say where in our code they were written.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}


def start(environment: Environment, *, app_name: str = "lepton") -> SparkSession:
    """A session with Delta and our settings; starts a JVM where this process has none.

    A session that runs already is not touched: the one returned is beside it (see `attach`).

    Args:
        environment: Its `spark` section may add to and change every setting.
        app_name: Name shown by the cluster.

    Raises:
        EnvironmentFault: Java or the Delta jars are missing, or the JVM does not start.
    """
    # The only way to see a session started by a notebook or a test before us.
    if SparkContext._active_spark_context is not None:
        return attach(SparkSession.builder.getOrCreate(), environment.spark.conf)
    _prepare_process(environment.spark.master)
    if jvm.is_submitted():
        # spark-submit has started the JVM: what it was told shows only once we are connected.
        jvm.connect()
    conf = _start_conf(environment, app_name)
    jvm.start(conf)
    if jvm.is_submitted():
        jvm.require_delta(coordinates())
    context = SparkContext.getOrCreate(conf)
    context.setLogLevel(conf.get("spark.log.level", jvm.QUIET) or jvm.QUIET)
    return SparkSession(context)


def attach(given: SparkSession, settings: Mapping[str, str] | None = None) -> SparkSession:
    """A session of our own that shares the given one's cluster and leaves its settings alone.

    Args:
        given: Never stopped nor re-configured.
        settings: Further SQL settings of the environment; others are ignored.

    Raises:
        EnvironmentFault: The given session cannot read Delta tables.
    """
    extensions = given.conf.get("spark.sql.extensions", "") or ""
    if "Delta" not in extensions and "DATABRICKS_RUNTIME_VERSION" not in os.environ:
        raise EnvironmentFault(
            "LS-5004",
            "the Spark session that was given has no Delta extension.",
            "it cannot be added to a session that has started.",
            f"start it with --packages {coordinates()} and spark.sql.extensions="
            f"{DELTA_SETTINGS['spark.sql.extensions']}.",
        )
    session = given.newSession()
    for name, setting in {**SQL_SETTINGS, **(settings or {})}.items():
        if name in SQL_SETTINGS or session.conf.isModifiable(name):
            session.conf.set(name, setting)
    return session


def _prepare_process(master: str | None) -> None:
    use_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if master is not None and master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


def _start_conf(environment: Environment, app_name: str) -> SparkConf:
    """Settings of the start: what spark-submit was told wins, then the environment, then ours."""
    conf = SparkConf().setIfMissing("spark.app.name", app_name)
    if environment.spark.master is not None:
        conf.setIfMissing("spark.master", environment.spark.master)
    for name, setting in {**_START_SETTINGS, **environment.spark.conf}.items():
        conf.setIfMissing(name, setting)
    for name, setting in SQL_SETTINGS.items():
        wanted = environment.spark.conf.get(name, setting)
        conf.set(name if name.startswith("spark.") else f"spark.hadoop.{name}", wanted)
    if not jvm.is_submitted() and not jvm.brings_delta(conf):
        _add_delta(conf)
    return conf


def _add_delta(conf: SparkConf) -> None:
    try:
        delta = resolve_jars()
    except OSError:
        # No place to keep them: Spark resolves them at each start, as delta-spark's own way is.
        conf.set("spark.jars.packages", coordinates())
    else:
        jars = [*filter(None, [conf.get("spark.jars", "")]), *delta]
        conf.set("spark.jars", ",".join(jars))
        use_archive(conf, delta)

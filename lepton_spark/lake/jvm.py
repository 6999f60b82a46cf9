"""The JVM behind a session: started quietly, with its own words kept off the terminal."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import IO, Any

from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.logger import PySparkLogger

from lepton_spark.errors import EnvironmentFault

# Messages of Spark quote cells. Errors reach us as exceptions, which `troubles` translates.
QUIET = "OFF"
_EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"
_QUOTING_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
_MOST_CHARACTERS = 500


def is_submitted() -> bool:
    """Whether spark-submit has started the JVM of this process."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def brings_delta(conf: SparkConf) -> bool:
    """Whether Delta is on the class path without our help."""
    if "DATABRICKS_RUNTIME_VERSION" in os.environ:
        return True
    told = f"{conf.get('spark.jars', '')} {conf.get('spark.jars.packages', '')}"
    told += os.environ.get("PYSPARK_SUBMIT_ARGS", "")
    home = os.environ.get("SPARK_HOME")
    shipped = home is not None and any(Path(home, "jars").glob("delta-spark*.jar"))
    return "delta-spark" in told or shipped


def connect() -> None:
    """Connect to the JVM that spark-submit has started."""
    SparkContext._ensure_initialized()


def start(conf: SparkConf) -> None:
    """Start the JVM of this process, unless there is one.

    Its stderr goes to a file without a name, shown only where it does not start; a log level in
    `conf` shows it on the terminal.

    Raises:
        EnvironmentFault: It ended before it could answer.
    """
    for name in _QUOTING_LOGGERS:
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL + 1)
    if SparkContext._gateway is not None:
        return
    is_quiet = conf.get("spark.log.level", QUIET) == QUIET
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as words:
        try:
            launch: Any = launch_gateway  # untyped in PySpark
            gateway = launch(conf, {"stderr": words} if is_quiet else None)
        except (PySparkException, OSError) as error:
            raise _did_not_start(words) from error
    SparkContext._ensure_initialized(gateway=gateway)


def require_delta(coordinates: str) -> None:
    """Look for Delta on the class path of a JVM that spark-submit has started.

    Raises:
        EnvironmentFault: It is not there, and can no longer be added.
    """
    java = SparkContext._jvm
    try:
        loader = java.Thread.currentThread().getContextClassLoader()  # type: ignore[union-attr]  # py4j is untyped
        loader.loadClass(_EXTENSION)
    except Py4JJavaError as error:
        raise EnvironmentFault(
            "LS-5004",
            "spark-submit was not given the jars of Delta.",
            "they cannot be added once the driver runs.",
            'add --jars "$(python -m lepton_spark.lake.jars)", or'
            f" --packages {coordinates}, to spark-submit.",
        ) from error


def _did_not_start(words: IO[str]) -> EnvironmentFault:
    words.seek(0)
    last = " ".join(words.read()[-_MOST_CHARACTERS:].split())
    return EnvironmentFault(
        "LS-5002",
        "the Java process of Spark did not start.",
        "Spark 4 runs on Java 17 or 21; JAVA_HOME is"
        f" {os.environ.get('JAVA_HOME', 'not set')}. Its last words: {last or 'none'}.",
        "run `lepton doctor`, which says how to install a Java that fits.",
    )

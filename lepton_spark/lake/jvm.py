"""The JVM behind a session: started quietly, with its own words kept off the terminal."""

from __future__ import annotations

import os
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError

from lepton_spark.errors import EnvironmentFault


def brings_delta(conf: SparkConf) -> bool:
    """Whether Delta is on the class path without our help."""
    if "DATABRICKS_RUNTIME_VERSION" in os.environ:
        return True
    told = f"{conf.get('spark.jars', '')} {conf.get('spark.jars.packages', '')}"
    told += os.environ.get("PYSPARK_SUBMIT_ARGS", "")
    home = os.environ.get("SPARK_HOME")
    shipped = home is not None and any(Path(home, "jars").glob("delta-spark*.jar"))
    return "delta-spark" in told or shipped


def launch(conf: SparkConf) -> None:
    """Start the JVM of this process.

    Raises:
        EnvironmentFault: It ended before it could answer.
    """
    try:
        SparkContext._ensure_initialized(conf=conf)
    except (PySparkRuntimeError, FileNotFoundError) as error:
        raise EnvironmentFault(
            "LS-5002",
            "the Java process of Spark did not start.",
            "Spark 4 runs on Java 17 or 21;"
            f" JAVA_HOME is {os.environ.get('JAVA_HOME', 'not set')}.",
            "install a JDK 17 and set JAVA_HOME, then run `lepton doctor`.",
        ) from error

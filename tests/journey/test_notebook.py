"""The notebook as plain Python, in a session that it was given."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.journey.lepton import ROOT, run
from tests.journey.plant import make_plant

# Starts a session as a platform does, runs the notebook, and looks at the session afterwards.
PLATFORM = """
import json, runpy, sys
from pyspark.sql import SparkSession
from lepton_spark.lake.jars import resolve_jars

given = (
    SparkSession.builder.master("local[2]").appName("platform")
    .config("spark.jars", ",".join(resolve_jars()))
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.databricks.delta.snapshotPartitions", "2")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "Asia/Kathmandu")
    .getOrCreate()
)
before = dict(given.conf.getAll)
runpy.run_path(sys.argv[1])
after = dict(given.conf.getAll)
print(json.dumps({"alive": given.range(3).count() == 3, "same": before == after,
                  "active": SparkSession.getActiveSession() is not None}))
"""


def test_the_notebook_is_in_the_form_of_databricks():
    lines = (ROOT / "notebooks" / "flight_delay.py").read_text().splitlines()

    assert lines[0] == "# Databricks notebook source"
    assert lines.count("# COMMAND ----------") > 5


@pytest.mark.spark
@pytest.mark.tensorflow
@pytest.mark.horovod
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_notebook_leaves_the_session_that_it_was_given_as_it_was(tmp_path):
    plant = make_plant(tmp_path)
    done = run(
        [sys.executable, "-c", PLATFORM, str(ROOT / "notebooks" / "flight_delay.py")],
        timeout=600,
        LEPTON_CASE="plant",
        LEPTON_ENV="local",
        LEPTON_CONF_DIR=str(plant.conf_dir),
        LEPTON_AS_OF=str(plant.as_of),
        LEPTON_SCORE_DATE="2024-02-27",
        SPARK_LOCAL_IP="127.0.0.1",
        PYSPARK_PYTHON=sys.executable,
    )

    assert done.code == 0, done.stderr[-4000:]
    assert done.summary == {"alive": True, "same": True, "active": True}
    assert Path(plant.lakehouse, "gold", "plant_predictions", "_delta_log").is_dir()

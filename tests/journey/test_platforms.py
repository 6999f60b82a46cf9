"""The same case in a notebook, and under spark-submit with executors in processes of their own."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lepton_spark import __version__
from lepton_spark.models.weights import unpack
from tests.journey.lepton import ROOT, Done, run
from tests.journey.plant import SHORT_LIVED_JAVA, Plant, make_plant

pytestmark = [
    pytest.mark.spark,
    pytest.mark.tensorflow,
    pytest.mark.horovod,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
]

SCORE_DAY, NIGHT = "2024-02-27", "2024-02-28"
ZIPPED = "0.0.0+zip"
JOBS = ("land", "refine", "build_features", "prepare", "train", "evaluate", "register")

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
    .config("spark.driver.extraJavaOptions", sys.argv[2])
    .config("spark.sql.session.timeZone", "Asia/Kathmandu")
    .getOrCreate()
)
before = dict(given.conf.getAll)
runpy.run_path(sys.argv[1])
after = dict(given.conf.getAll)
print(json.dumps({"alive": given.range(3).count() == 3, "same": before == after,
                  "active": SparkSession.getActiveSession() is not None}))
"""


@pytest.fixture(scope="module")
def plant(tmp_path_factory) -> Plant:
    made = make_plant(tmp_path_factory.mktemp("plant"))
    shutil.copy(ROOT / "conf" / "env" / "cluster.yml", made.conf_dir / "env")
    return made


@pytest.fixture(scope="module")
def notebook(plant) -> Done:
    """The notebook as plain Python, in a session that it was given."""
    program = str(ROOT / "notebooks" / "flight_delay.py")
    return run(
        [sys.executable, "-c", PLATFORM, program, SHORT_LIVED_JAVA],
        LEPTON_CASE="plant",
        LEPTON_ENV="local",
        LEPTON_CONF_DIR=str(plant.conf_dir),
        LEPTON_AS_OF=str(plant.as_of),
        LEPTON_SCORE_DATE=SCORE_DAY,
        SPARK_LOCAL_IP="127.0.0.1",
        PYSPARK_PYTHON=sys.executable,
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The package as a zip that can be told from the one that is installed."""
    path = tmp_path_factory.mktemp("zip") / "lepton_spark.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in (ROOT / "lepton_spark").rglob("*"):
            name = str(file.relative_to(ROOT))
            if name == "lepton_spark/__init__.py":
                archive.writestr(name, file.read_text().replace(__version__, ZIPPED))
            elif file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, name)
    return path


def submit(job: str, plant: Plant, package: Path, as_of: object) -> Done:
    from lepton_spark.lake.jars import resolve_jars

    settings = {
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.ui.enabled": "false",
        "spark.driver.extraJavaOptions": SHORT_LIVED_JAVA,
        "spark.executor.extraJavaOptions": SHORT_LIVED_JAVA,
    }
    command = [
        str(Path(sys.executable).parent / "spark-submit"),
        "--master", "local-cluster[2,1,1024]",
        "--py-files", str(package),
        "--jars", ",".join(resolve_jars()),
        *[word for name, value in settings.items() for word in ("--conf", f"{name}={value}")],
        str(ROOT / "jobs" / f"{job}.py"),
        "--case", "plant", "--as-of", str(as_of), "--conf-dir", str(plant.conf_dir),
    ]  # fmt: skip
    environ = {
        "LEPTON_LAKEHOUSE": str(plant.lakehouse),
        "MLFLOW_TRACKING_URI": f"sqlite:///{plant.lakehouse}/mlflow.db",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYTHONPATH": "",
        "PATH": os.environ["PATH"],
    }
    return run(command, timeout=400, **environ)


def require_good(job: str, done: Done) -> None:
    assert done.code == 0, f"{job}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"


def require_done(job: str, done: Done) -> None:
    require_good(job, done)
    assert done.summary["status"] == "done"
    assert done.summary["version"] == ZIPPED


def weights_of(plant: Plant) -> dict[str, list[bytes]]:
    """The weights of each candidate, of every training in the lake."""
    found: dict[str, list[bytes]] = {}
    for file in (plant.lakehouse / "models").glob("**/candidates/*/weights.npz"):
        found.setdefault(file.parent.name, []).append(file.read_bytes())
    return found


def test_the_notebook_leaves_the_session_that_it_was_given_as_it_was(plant, notebook):
    require_good("notebook", notebook)
    assert notebook.summary == {"alive": True, "same": True, "active": True}
    assert (plant.lakehouse / "gold" / "plant_predictions" / "_delta_log").is_dir()


def test_a_cluster_trains_the_same_weights_and_scores_a_night(plant, notebook, package):
    require_good("notebook", notebook)

    require_done("train", submit("train", plant, package, plant.as_of))
    night = submit("nightly", plant, package, NIGHT)

    by_name = weights_of(plant)
    one, other = by_name["table_mlp"]
    assert one == other
    # Spark adds up what its executors send in the order in which it comes.
    fitted, again = map(unpack, by_name["logistic"])
    for name in ("coefficients", "intercepts"):
        np.testing.assert_allclose(fitted[name], again[name], atol=1e-8)
    require_done("nightly", night)
    assert night.stage("score")["tables"][0]["rows"] == 40


@pytest.mark.skipif(
    not os.environ.get("LEPTON_ALL_JOBS"),
    reason="nine clusters take ten minutes: set LEPTON_ALL_JOBS=1",
)
def test_each_job_runs_on_a_cluster(tmp_path, package):
    plant = make_plant(tmp_path)
    shutil.copy(ROOT / "conf" / "env" / "cluster.yml", plant.conf_dir / "env")
    for job in JOBS:
        require_done(job, submit(job, plant, package, plant.as_of))

    scored = submit("score", plant, package, SCORE_DAY)
    assert scored.code == 0, scored.stderr[-3000:]
    assert scored.stage("score")["tables"][0]["rows"] == 40

    night = submit("nightly", plant, package, SCORE_DAY)
    assert night.code == 0, night.stderr[-3000:]
    assert not night.stage("score")["tables"][0]["is_new"]


def test_a_job_says_what_is_wrong_with_its_arguments(plant, package):
    done = submit("land", plant, package, "2024-13-01")

    assert done.code == 2
    assert done.summary["code"] == "LS-0203"


def test_the_notebook_is_in_the_form_of_databricks():
    lines = (ROOT / "notebooks" / "flight_delay.py").read_text().splitlines()

    assert lines[0] == "# Databricks notebook source"
    assert lines.count("# COMMAND ----------") > 5

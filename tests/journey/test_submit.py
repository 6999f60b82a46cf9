"""Each job under spark-submit: the package as a zip, executors in processes of their own."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from lepton_spark import __version__
from tests.journey.lepton import ROOT, Done, run
from tests.journey.plant import Plant, make_plant

pytestmark = [
    pytest.mark.spark,
    pytest.mark.tensorflow,
    pytest.mark.horovod,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
]

SCORE_DAY = "2024-02-27"
ZIPPED = "0.0.0+zip"
JOBS = ("land", "refine", "build_features", "prepare", "train", "evaluate", "register")


@pytest.fixture(scope="module")
def plant(tmp_path_factory) -> Plant:
    made = make_plant(tmp_path_factory.mktemp("plant"))
    shutil.copy(ROOT / "conf" / "env" / "cluster.yml", made.conf_dir / "env")
    return made


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
        # Three Java machines compile at once: the fast compiler alone saves a third of a job.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=128m",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=128m",
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


# Some stages in one process on this machine, which is sooner than a cluster for each.
HERE = """
import sys
from importlib import import_module
from lepton_spark.job.run import run_job
names = {"land": "bronze.stage", "refine": "silver.stage", "build": "features.stage",
         "prepare": "dataset.stage", "evaluate": "evaluate.stage", "register": "registry.stage"}
stages = [(name, getattr(import_module(f"lepton_spark.{names[name]}"), name))
          for name in sys.argv[1].split(",")]
sys.exit(run_job("some", stages, sys.argv[2:]))
"""


def run_here(stages: str, plant: Plant, package: Path) -> None:
    arguments = ["--case", "plant", "--env", "local", "--as-of", str(plant.as_of)]
    place = ["--conf-dir", str(plant.conf_dir)]
    done = run(
        [sys.executable, "-c", HERE, stages, *arguments, *place],
        timeout=400,
        PYTHONPATH=str(package),
    )
    assert done.code == 0, f"{stages}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"


def require_done(job: str, done: Done) -> None:
    assert done.code == 0, f"{job}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
    assert done.summary["status"] == "done"
    assert done.summary["version"] == ZIPPED


def test_training_and_a_night_run_on_a_cluster(plant, package):
    run_here("land,refine,build,prepare", plant, package)
    require_done("train", submit("train", plant, package, plant.as_of))
    run_here("evaluate,register", plant, package)

    night = submit("nightly", plant, package, SCORE_DAY)

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

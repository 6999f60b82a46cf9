"""A worker makes each model once, and keeps to one thread."""

from __future__ import annotations

import json
import os
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.evaluate.predictions import predict
from lepton_spark.lake.file_plan import FilePlan, FileSlice
from lepton_spark.train.bundle import Bundle
from tests.evaluate.visits import bundle, logistic, network, trees, visits
from tests.evaluate.watched import Watched

pytestmark = pytest.mark.spark

GROUPS = 8


@pytest.fixture
def stored(tmp_path, spark, monkeypatch):
    """Visits, and workers that have done nothing yet: those of other variables are others."""
    monkeypatch.setitem(spark.sparkContext.environment, "TEST_OF_WORKERS", str(tmp_path))
    path = str(tmp_path / "visits.parquet")
    pq.write_table(visits(100 * GROUPS), path, row_group_size=100, write_page_checksum=True)
    slices = tuple(FileSlice(path, number, 100) for number in range(GROUPS))
    return spark.read.parquet(path), FilePlan("gold.visits", 0, slices)


def test_a_worker_makes_a_model_once_for_all_tasks_and_jobs(stored, tmp_path):
    rows, plan = stored
    models = {}
    for name, model in {"one": logistic(), "two": bundle("majority", values=[0.25])}.items():
        watched = Watched(model.files["transform.json"])
        watched.told = tmp_path / name
        models[name] = Bundle({**model.files, "transform.json": watched})

    for given in (plan, plan, None):
        assert predict(rows, models, keep=["visit"], plan=given).count() == 100 * GROUPS

    for name in models:
        times = Counter(map(int, (tmp_path / name).read_text().split()))
        times.pop(os.getpid())  # the driver asks for the columns
        assert set(times.values()) == {1}
        assert 0 < len(times) < GROUPS


@pytest.mark.tensorflow
def test_a_worker_has_one_thread_for_each_library(spark, stored):
    rows, plan = stored
    models = {"network": network(), "trees": trees()}
    predict(rows, models, keep=["visit"], plan=plan).collect()
    digest = models["trees"].digest

    def threads(batches):
        import tensorflow as tf
        from threadpoolctl import threadpool_info

        from lepton_spark.evaluate.predictions import _loaded

        pools = sorted(threadpool_info(), key=lambda each: each["num_threads"])
        for _ in batches:
            found = {
                "within an operation": tf.config.threading.get_intra_op_parallelism_threads(),
                "of operations": tf.config.threading.get_inter_op_parallelism_threads(),
                "pyarrow": pa.cpu_count(),
                **{each["user_api"]: each["num_threads"] for each in pools},
            }
            if digest in _loaded:
                settings = json.loads(_loaded[digest].predictor._booster.save_config())
                found["xgboost"] = int(settings["learner"]["generic_param"]["nthread"])
            yield pa.RecordBatch.from_pydict({"name": list(found), "threads": list(found.values())})

    told = spark.range(1).mapInArrow(threads, "name string, threads long").collect()

    found = {row["name"]: row["threads"] for row in told}
    assert {"blas", "openmp", "xgboost"} <= set(found)
    assert set(found.values()) == {1}, found

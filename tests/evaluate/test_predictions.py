"""Workers score files and rows alike, each model once loaded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from lepton_spark.dataset.outliers import Fence
from lepton_spark.dataset.transform import CategoryColumn, FeatureTransform, NumberColumn
from lepton_spark.errors import ModelError
from lepton_spark.evaluate.predictions import predict
from lepton_spark.lake.file_plan import FilePlan, FileSlice
from lepton_spark.models.predictor import load_predictor
from lepton_spark.models.weights import pack
from lepton_spark.train.bundle import Bundle, to_json

pytestmark = pytest.mark.spark

TRANSFORM = FeatureTransform(
    (NumberColumn("age", 0, 100, 40, 40, 10, has_missing_flag=True),),
    (CategoryColumn("shop", ("a", "b")),),
    "0" * 64,
    10,
)
COLUMNS = {"columns": [{"name": "age", "type": "double"}, {"name": "shop", "type": "string"}]}


def bundle(kind="logistic", **spec):
    documents = {
        "spec": {"kind": kind, "width": 2, "cardinalities": [3], **spec},
        "contract": COLUMNS,
        "snapshot": {},
        "training": {},
    }
    weights = {
        "coefficients": np.array([[1.0], [0.5], [0], [1], [2]]),
        "intercepts": np.array([-0.5]),
    }
    files = {f"{name}.json": to_json(document) for name, document in documents.items()}
    files["transform.json"] = TRANSFORM.to_json().encode()
    return Bundle({**files, **({"weights.npz": pack(weights)} if kind == "logistic" else {})})


BUNDLES = {"one": bundle(), "two": bundle("majority", values=[0.25])}


def visits(rows=1000):
    random = np.random.default_rng(4)
    ages = random.normal(40, 10, rows)
    return pa.table(
        {
            "visit": pa.array(range(rows), pa.int64()),
            "day": pa.array([19_000 + number % 3 for number in range(rows)], pa.int32()).cast(
                pa.date32()
            ),
            "seen_at": pa.array(range(rows), pa.timestamp("us", "UTC")),
            "age": pa.array(np.where(ages > 60, np.nan, ages), from_pandas=True),
            "shop": pa.array(random.choice(["a", "b", "c"], rows)),
        }
    )


@pytest.fixture
def stored(tmp_path, spark):
    path = tmp_path / "visits.parquet"
    pq.write_table(visits(), path, row_group_size=300, write_page_checksum=True)
    slices = tuple(
        FileSlice(str(path), number, rows) for number, rows in enumerate((300, 300, 300, 100))
    )
    return spark.read.parquet(str(path)), FilePlan("gold.visits", 0, slices)


def expected():
    model = BUNDLES["one"]
    return load_predictor(model.spec, model.files).predict(TRANSFORM.apply(visits()))[:, 0]


def scores(frame, name="one"):
    return [row[f"p_{name}"] for row in frame.orderBy("visit").collect()]


def test_files_and_rows_give_the_scores_of_the_model_itself(stored):
    rows, plan = stored

    read = predict(rows, BUNDLES, keep=["visit"], plan=plan)
    passed = predict(rows, BUNDLES, keep=["visit"])

    assert scores(read) == pytest.approx(expected(), abs=1e-12)
    assert scores(passed) == scores(read)
    assert set(scores(read, "two")) == {0.25}


def test_an_unfit_plan_is_not_used(stored):
    rows, _ = stored
    unfit = FilePlan("gold.visits", 0, (), "deletion vectors")

    found = predict(rows, BUNDLES, keep=["visit"], plan=unfit)

    assert found.count() == 1000


def test_of_row_groups_that_hold_more_only_the_wanted_rows_are_scored(stored):
    """The first row group lacks the day: of it nothing but that column is read."""
    rows, plan = stored
    day = date(2022, 1, 8)
    is_wanted = (F.col("day") == F.lit(day)) & (F.col("visit") >= 300)
    path = Path(plan.slices[0].path)
    table = pq.read_table(path)
    other = pa.array([None] * 300 + table["day"].to_pylist()[300:], pa.date32())
    pq.write_table(table.set_column(1, "day", other), path, row_group_size=300)

    found = predict(rows, BUNDLES, keep=["visit"], plan=plan, where=("day", day)).orderBy("visit")

    visits = [row["visit"] for row in rows.filter(is_wanted).orderBy("visit").collect()]
    assert len(visits) > 200
    assert [row["visit"] for row in found.collect()] == visits
    assert scores(found) == pytest.approx(expected()[visits], abs=1e-12)


def test_kept_columns_come_back_as_they_were(stored):
    rows, plan = stored
    keep = ["visit", "day", "seen_at", "shop"]

    found = predict(rows, BUNDLES, keep=keep, plan=plan)

    assert found.columns == [*keep, "p_one", "p_two"]
    assert found.select(*keep).exceptAll(rows.select(*keep)).count() == 0


def test_no_rows_give_no_scores(stored):
    rows, _ = stored

    empty = FilePlan("gold.visits", 0, ())
    assert predict(rows, BUNDLES, keep=["visit"], plan=empty).count() == 0
    assert predict(rows.limit(0), BUNDLES, keep=["visit"]).count() == 0


def test_a_missing_column_is_named_before_a_worker_starts(stored):
    rows, _ = stored

    with pytest.raises(ModelError, match=r"missing \['age'\]"):
        predict(rows.drop("age"), BUNDLES, keep=["visit"])


def test_a_row_that_the_transform_refuses_has_no_score(stored):
    rows, plan = stored
    refusing = replace(TRANSFORM, fences=(Fence("age", 0.0, 50.0, "refuse"),))
    model = bundle()
    model = Bundle({**model.files, "transform.json": refusing.to_json().encode()})

    found = predict(rows, {"one": model}, keep=["visit", "age"], plan=plan)

    scores = found.toArrow()
    is_old = np.nan_to_num(scores["age"].to_numpy()) > 50
    np.testing.assert_array_equal(scores["p_one"].is_null().to_numpy(), is_old)
    assert 0 < is_old.sum() < 1000

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
from lepton_spark.errors import ModelError
from lepton_spark.evaluate.predictions import predict
from lepton_spark.lake.file_plan import FilePlan, FileSlice
from lepton_spark.models.predictor import load_predictor
from tests.evaluate.visits import (
    CLASSES,
    QUANTILES,
    TRANSFORM,
    bundle,
    logistic,
    network,
    trees,
    visits,
)

pytestmark = pytest.mark.spark

REFUSING = replace(TRANSFORM, fences=(Fence("age", 0.0, 50.0, "refuse"),))
BUNDLES = {"one": logistic(), "two": bundle("majority", values=[0.25])}


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
    model = bundle("majority", values=[0.25], transform=REFUSING)

    found = predict(rows, {"one": model}, keep=["visit", "age"], plan=plan)

    scores = found.toArrow()
    is_old = np.nan_to_num(scores["age"].to_numpy()) > 50
    np.testing.assert_array_equal(scores["p_one"].is_null().to_numpy(), is_old)
    assert 0 < is_old.sum() < 1000


@pytest.mark.tensorflow
@pytest.mark.parametrize("is_from_files", [True, False], ids=["files", "JVM"])
def test_several_models_say_all_their_classes_and_quantiles_in_one_pass(stored, is_from_files):
    rows, plan = stored
    models = {
        "classes": network(CLASSES, REFUSING),
        "trees": trees(CLASSES, REFUSING),
        "quantiles": network(QUANTILES, REFUSING),
        "amounts": trees(QUANTILES),
        "one": logistic(),
    }
    is_old = np.nan_to_num(visits()["age"].to_numpy()) > 50

    found = predict(rows, models, keep=["visit"], plan=plan if is_from_files else None)

    said = found.toArrow().sort_by("visit")
    numbers = {}
    for name, model in models.items():
        own = load_predictor(model.spec, model.files).predict(TRANSFORM.apply(visits()))
        is_refused = is_old & (model.transform == REFUSING)
        np.testing.assert_array_equal(said[f"p_{name}"].is_null().to_numpy(), is_refused)
        numbers[name] = np.array(said[f"p_{name}"].drop_null().to_pylist()).reshape(-1, len(own[0]))
        np.testing.assert_array_equal(numbers[name], own[~is_refused], err_msg=name)
    assert 0 < is_old.sum() < 1000
    for name in ("classes", "trees"):
        assert numbers[name].shape[1] == 3
        np.testing.assert_allclose(numbers[name].sum(axis=1), 1, atol=1e-6)
    for name in ("quantiles", "amounts"):
        assert numbers[name].shape[1] == 3
        assert (np.diff(numbers[name], axis=1) >= 0).all()

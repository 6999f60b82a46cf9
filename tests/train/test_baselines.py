"""Baselines are fitted in the cluster and say what a model of their kind of label has to say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.config.task import Task
from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.shards import whole
from lepton_spark.dataset.transform import CategoryColumn, FeatureTransform, NumberColumn
from lepton_spark.models.output import Output
from lepton_spark.models.predictor import load_predictor
from lepton_spark.models.shape import Shape
from lepton_spark.train.baselines import BaselineJob, fit_baseline
from lepton_spark.train.matrix import MatrixSource, vector_rows

pytestmark = pytest.mark.spark
LEVELS = tuple(f"level {number}" for number in range(1_000_000))


def transform_of(levels=("a", "b")):
    number = NumberColumn("x", -9.0, 9.0, 0.0, 0.0, 1.0, has_missing_flag=False)
    categories = (CategoryColumn("c", levels),) if levels else ()
    return FeatureTransform((number,), categories, "")


def rows_of(count, num_classes, seed=1):
    random = np.random.default_rng(seed)
    x = random.normal(size=count)
    c = random.choice(["a", "b"], count)
    label = np.clip(np.floor(x + (c == "b") + num_classes / 2), 0, num_classes - 1)
    return pa.table({"x": x, "c": c, LABEL: label})


def source_of(folder, transform, num_classes=2):
    parts = {}
    for seed, part in enumerate(("train", "validate")):
        path = folder / f"{part}.parquet"
        pq.write_table(rows_of(400, num_classes, seed), path, row_group_size=200)
        parts[part] = tuple(whole(str(path), number, 200) for number in range(2))
    return MatrixSource(transform, parts)


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("name", ["majority", "logistic", "boosted_trees"])
def test_of_named_classes_each_has_a_probability_also_where_there_are_two(
    spark, tmp_path, name, num_classes
):
    transform = transform_of()
    task = Task("classes", tuple(f"class {number}" for number in range(num_classes)))
    rows = rows_of(400, num_classes, seed=0)
    labels = rows[LABEL].to_numpy().astype(int)
    job = BaselineJob(
        source_of(tmp_path, transform, num_classes),
        Output(task),
        tuple(np.bincount(labels).tolist()),
        (),
        workers=1,
        seed=3,
    )

    fitted = fit_baseline(spark, name, job)
    spec = {"kind": name, **fitted.spec, **Shape.of(transform).to_spec()}
    predictor = load_predictor({**spec, "output": Output(task).to_dict()}, fitted.files)
    found = predictor.predict(transform.apply(rows))

    assert found.shape == (400, num_classes)
    assert found.sum(axis=1) == pytest.approx(1.0)
    # Which class is meant by which column.
    assert (found.argmax(axis=1) == labels).mean() > (0.4 if name == "majority" else 0.85)


def test_a_row_of_a_million_levels_is_as_small_as_of_two(spark, tmp_path):
    for levels in ((), ("a", "b"), (*LEVELS, "a", "b")):
        transform = transform_of(levels)
        rows = vector_rows(spark, source_of(tmp_path, transform), num_tasks=2)

        vectors = [row["features"] for row in rows.filter("not is_validation").take(3)]

        width = 2 + len(levels) if levels else 1
        assert {len(vector) for vector in vectors} == {width}
        assert {len(vector.values) for vector in vectors} == {2 if levels else 1}
        x, c = (rows_of(400, 2, seed=0)[name].to_pylist()[:3] for name in ("x", "c"))
        assert [vector[0] for vector in vectors] == pytest.approx(x)
        if levels:  # 0 is no level
            places = [2 + levels.index(word) for word in c]
            assert [vector[place] for vector, place in zip(vectors, places, strict=True)] == [1] * 3

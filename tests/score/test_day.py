"""All that a model says of a day's rows, whether workers read the files or Spark does."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from lepton_spark.config.task import Task
from lepton_spark.config.train import ModelSettings
from lepton_spark.dataset.outliers import Fence
from lepton_spark.lake import tables
from lepton_spark.models.output import Output
from lepton_spark.models.predictor import load_predictor
from lepton_spark.models.shape import Shape
from lepton_spark.models.weights import pack
from lepton_spark.score.day import day_scores
from lepton_spark.train.bundle import Bundle
from tests.lake.deletions import take_away
from tests.score.conftest import DAY, FEATURES, clinic_bundle

pytestmark = [pytest.mark.spark, pytest.mark.tensorflow]

CLASSES = Output(Task("classes", ("ant", "bee", "cat")))
QUANTILES = Output(Task("amount", ("q10", "q50", "q90"), (0.1, 0.5, 0.9)), center=100, scale=30)
MINUTES = [10, 40, None, 900, 5]
REFUSED = 3


def network(output):
    """With its first weights; refuses a row of more than 500 minutes."""
    from lepton_spark.models.network import arrays_of, build

    transform = clinic_bundle().transform
    transform = replace(transform, fences=(Fence("minutes", 0.0, 500.0, "refuse"),))
    settings = ModelSettings(hidden=(4,))
    spec = {
        "kind": "table_mlp",
        "settings": settings.model_dump(mode="json"),
        "output": output.to_dict(),
        **Shape.of(transform).to_spec(),
    }
    model = build(settings, Shape.of(transform), output.width, seed=2)
    files = {"weights.npz": pack(arrays_of(model)), "transform.json": transform.to_json().encode()}
    return Bundle({**clinic_bundle(spec=spec).files, **files})


def expected(output):
    """Key and answers of each row, from what the model itself says."""
    model = network(output)
    rows = model.transform.apply(pa.table({"minutes": MINUTES}))
    for visit, said in enumerate(load_predictor(model.spec, model.files).predict(rows).tolist()):
        by_name = dict(zip(output.task.outputs, said, strict=True))
        if output is CLASSES:
            assert sum(said) == pytest.approx(1, abs=1e-12)
            answers = max(said), max(by_name, key=by_name.get), by_name
        else:
            assert said == sorted(said)
            answers = by_name["q50"], by_name
        yield ("A", visit, *(answers if visit != REFUSED else [None] * len(answers)))


@pytest.mark.parametrize("is_from_files", [True, False], ids=["files", "JVM"])
def test_classes_and_quantiles_of_a_day_are_those_of_the_model(empty_clinic, caplog, is_from_files):
    of_day = [("A", visit, DAY, minutes) for visit, minutes in enumerate(MINUTES)]
    empty_clinic.features([*of_day, ("A", 8, date(2024, 2, 28), 30), ("A", 9, DAY, 30)])
    context = empty_clinic.context()
    if is_from_files:
        version = tables.current_version(context, FEATURES)
    else:
        version = take_away(context, FEATURES, "visit = 9")
    features = tables.read(context, FEATURES, version=version)

    for output in (CLASSES, QUANTILES):
        with caplog.at_level(logging.INFO):
            found = day_scores(context, features, version, network(output)).orderBy("visit")
            rows = [tuple(row) for row in found.collect()]
        assert rows[: len(MINUTES)] == list(expected(output))
    assert ("is read through Spark" in caplog.text) is not is_from_files

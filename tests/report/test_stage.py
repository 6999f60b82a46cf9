"""The page of a date: what its candidates reached and how the network was trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from lepton_spark.dataset.stage import prepare
from lepton_spark.errors import DataError
from lepton_spark.evaluate.stage import evaluate
from lepton_spark.lake import tables
from lepton_spark.quality.metrics import METRICS
from lepton_spark.report.stage import report
from lepton_spark.train.measured import subject
from lepton_spark.train.stage import train
from tests.dataset.visits import AS_OF, publish_visits, tiny_case, visits

pytestmark = [pytest.mark.spark, pytest.mark.tensorflow]
CASE = tiny_case(
    model={"hidden": [4], "dropout": 0.0, "embedding": 2},
    train={"launcher": "local", "batch_size": 64, "epochs": 2, "baselines": ["majority"]},
    transform={"min_category_count": 5},
)


def test_a_page_is_written_once_the_candidates_are_judged(context_for):
    context = context_for(CASE, AS_OF)
    with pytest.raises(DataError, match=r"LS-2088.*were trained"):
        report(context)
    publish_visits(context, visits())
    prepare(context)
    train(context)
    with pytest.raises(DataError, match=r"LS-2088.*were judged"):
        report(context)
    evaluate(context)

    facts = report(context).facts

    page = Path(facts["path"]).read_text()
    assert page.startswith("<!doctype html>")
    assert [model["model"] for model in facts["models"]] == ["table_mlp", "majority"]
    assert [entry["epoch"] for entry in facts["epochs"]] == [1, 2]
    assert all(entry["step_seconds"] > 0 for entry in facts["epochs"])
    assert facts["bottleneck"].split(" of the time: ")[0].endswith("%")
    for model in facts["models"]:
        assert model["model"] in page


def test_training_measures_itself_once(context_for):
    context = context_for(CASE, AS_OF)
    publish_visits(context, visits())
    prepare(context)
    train(context)
    version = tables.current_version(context, METRICS)

    train(context_for(CASE, AS_OF))

    assert tables.current_version(context, METRICS) == version
    mine = tables.read(context, METRICS).filter(f"table = '{subject('tiny')}'")
    found = {(row["name"], row["part"]) for row in mine.collect()}
    assert ("validation_loss", "epoch=2") in found
    assert ("rows_by_rank", "epoch=1,rank=0") in found

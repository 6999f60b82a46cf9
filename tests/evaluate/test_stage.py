"""Candidates are ranked on validation rows, judged on test rows, and kept with their verdict."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from pyspark.sql import functions as F
from sklearn import metrics as reference

from lepton_spark.dataset.stage import prepare
from lepton_spark.errors import ModelError, TrainingError
from lepton_spark.evaluate import stage as evaluate_stage
from lepton_spark.evaluate.counting import UNIT
from lepton_spark.evaluate.predictions import predict
from lepton_spark.evaluate.stage import evaluate
from lepton_spark.lake import files, tables
from lepton_spark.models.predictor import load_predictor
from lepton_spark.registry.stage import _refuse_leak
from lepton_spark.train import bundle as bundles
from lepton_spark.train import candidates
from lepton_spark.train.stage import train
from tests.conftest import make_context
from tests.dataset.visits import AS_OF, DATASET, publish_visits, tiny_case, visits
from tests.faults.bad_data import demand

pytestmark = [pytest.mark.spark, pytest.mark.tensorflow]

SMALL = {
    "model": {"hidden": [4], "dropout": 0.0, "embedding": 2},
    "train": {
        "launcher": "local",
        "workers": 1,
        "batch_size": 64,
        "epochs": 2,
        "baselines": ["majority", "logistic"],
    },
    "transform": {"min_category_count": 5},
    "evaluate": {"slices": ["shop", "month"], "resamples": 100},
    "gate": {"suspicious_above": 0.95},
}
CASE = tiny_case(**SMALL)


@pytest.fixture(scope="module")
def lake_of_candidates(spark, tmp_path_factory):
    """A lake that has candidates: made once, copied by tests."""
    lake = tmp_path_factory.mktemp("candidates") / "lake"
    context = make_context(lake, spark, CASE, AS_OF)
    publish_visits(context, visits(3000))
    prepare(context)
    train(context)
    return lake


@pytest.fixture
def context(lake_of_candidates, context_for, tmp_path):
    """A context of this test alone whose lake has candidates."""
    shutil.copytree(lake_of_candidates, tmp_path / "lake")
    return context_for(CASE, AS_OF)


def place_of(context):
    marker = tables.find(context, DATASET, "dataset", AS_OF.isoformat())
    return candidates.folder(context, marker)


def never(*_args, **_changes):
    raise AssertionError("judged again")


def test_the_best_on_validation_rows_that_passes_on_test_rows_is_named(context, monkeypatch):
    result = evaluate(context)

    place = place_of(context)
    document = json.loads(files.read_text(place.evaluation))
    validated = [
        document["models"][name]["validate"]["metrics"]["auc"]["value"]
        for name in document["ranking"]
    ]
    assert validated == sorted(validated, reverse=True)
    assert result.facts["best"] == document["best"] == document["ranking"][0]
    assert document["models"]["majority"]["gate"]["verdict"] == "fail"
    assert [row["model"] for row in result.facts["models"]] == document["ranking"]

    for name, model in document["models"].items():
        judged = bundles.load(place.judged(name), model["digest"])
        assert judged.document("gate.json") == model["gate"]
        assert judged.document("evaluation.json")["threshold"] == model["threshold"]

    monkeypatch.setattr(evaluate_stage, "predict", never)
    assert evaluate(context).facts == result.facts

    shops = document["models"]["logistic"]["slices"]["shop"]
    assert {row["value"] for row in shops} == {"a", "b", "c", "null"}
    months = document["models"]["logistic"]["slices"]["month"]
    assert [row["value"] for row in months] == ["2024-04"]
    check_against_the_rows(context, place, document)


def check_against_the_rows(context, place, document):
    """The numbers are those of the rows themselves."""
    rows = tables.read(context, DATASET).filter("_split = 'test'").toArrow()
    labels = rows.column("_label").to_numpy()
    for name, model in document["models"].items():
        judged = bundles.load(place.judged(name))
        predictor = load_predictor(judged.spec, judged.files)
        scores = predictor.predict(judged.transform.apply(rows))[:, 0]
        found = model["test"]["metrics"]
        assert found["auc"]["value"] == pytest.approx(
            reference.roc_auc_score(labels, scores), abs=1e-3
        )
        assert found["brier"]["value"] == pytest.approx(np.mean((scores - labels) ** 2), abs=1e-6)
        assert found["recall"]["value"] == pytest.approx(
            np.mean(scores[labels > 0] >= model["threshold"]), abs=1e-3
        )


def test_a_stricter_gate_judges_again_and_lets_nothing_pass(context):
    strict = replace(context, case=tiny_case(**{**SMALL, "gate": {"at_least": 0.94}}))

    result = evaluate(strict)

    assert result.facts["best"] is None
    assert {row["verdict"] for row in result.facts["models"]} == {"fail"}


def test_a_suspiciously_good_model_does_not_pass(context):
    careful = replace(
        context, case=tiny_case(**{**SMALL, "gate": {"at_least": 0.5, "suspicious_above": 0.55}})
    )

    result = evaluate(careful)

    assert result.facts["best"] is None
    assert "suspected leak" in result.facts["models"][0]["reasons"][0]


def test_b9_a_feature_that_is_the_amount_is_named_and_no_model_promoted(context_for):
    parts = {
        **SMALL,
        "train": {
            **SMALL["train"],
            "baselines": ["mean", "boosted_trees"],
            "loss": {"kind": "quantile", "quantiles": [0.1, 0.5, 0.9]},
        },
        "predict": {"label": {"name": "minutes", "from": "visits", "value": "minutes"}},
        "gate": {"metric": "pinball", "at_least": None, "at_most": 1e6, "better_than": "mean"},
    }
    context = context_for(tiny_case(**parts), AS_OF)
    minutes = np.random.default_rng(1).integers(0, 1000, 3000).tolist()
    made = [
        {**v, "minutes": m, "hour": float(m)} for v, m in zip(visits(3000), minutes, strict=True)
    ]
    publish_visits(context, made)
    for stage in (prepare, train, evaluate):
        stage(context)

    place = place_of(context)
    judged = {name: bundles.load(place.judged(name)) for name in place.judgement()["models"]}

    with pytest.raises(TrainingError) as told:
        _refuse_leak(judged)

    words = ["boosted_trees: suspected leak: pinball", "tells most is hour", "suspicious_below"]
    demand(told.value, "LS-6009", *words, "no model was promoted", exit_code=60)


def test_rows_that_a_split_keeps_together_are_resampled_together(context):
    split = {"by": ["shop"], "validate_share": 0.2, "test_share": 0.2}
    case = tiny_case(**SMALL, predict={"split": split})
    marker = tables.find(context, DATASET, "dataset", AS_OF.isoformat())
    majority = {"majority": bundles.load(place_of(context).candidate("majority"))}

    scored = evaluate_stage._scored(replace(context, case=case), marker, majority)

    units = scored.groupBy("_split", "shop").agg(F.count_distinct(UNIT).alias("units"))
    assert {row["units"] for row in units.collect()} == {1}


def test_a_part_of_which_no_row_has_a_score_is_told_and_nothing_written(context, monkeypatch):
    def refuse(rows, *args, **named):
        return predict(rows, *args, **named).limit(0)

    monkeypatch.setattr(evaluate_stage, "predict", refuse)

    with pytest.raises(ModelError, match=r"LS-3043.*part test"):
        evaluate(context)
    assert place_of(context).judgement() is None


def test_a_candidate_whose_scores_are_no_numbers_is_named_and_nothing_written(context, monkeypatch):
    def spoil(rows, *args, **named):
        scores = predict(rows, *args, **named)
        return scores.withColumn("p_logistic", F.lit(float("nan")))

    monkeypatch.setattr(evaluate_stage, "predict", spoil)

    with pytest.raises(ModelError, match=r"LS-3042.*logistic gives scores"):
        evaluate(context)
    assert place_of(context).judgement() is None


def test_a_damaged_candidate_is_refused(context):
    path = f"{place_of(context).candidate('logistic')}/weights.npz"
    damaged = bytearray(files.read_bytes(path))
    damaged[100] ^= 1
    files.write_atomically(path, bytes(damaged))

    with pytest.raises(ModelError, match="digest mismatch"):
        evaluate(context)


def test_without_candidates_it_is_told_which_stage_comes_first(context_for):
    context = context_for(CASE, AS_OF)
    publish_visits(context, visits())
    prepare(context)

    with pytest.raises(ModelError, match="run the stage `train` first"):
        evaluate(context)

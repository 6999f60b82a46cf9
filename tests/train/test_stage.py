"""Candidates: each fitted once from the training rows, whole, and found again."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from lepton_spark.dataset.stage import prepare
from lepton_spark.dataset.transform import FeatureTransform
from lepton_spark.errors import DataError
from lepton_spark.evaluate import stage as evaluate_stage
from lepton_spark.evaluate.stage import evaluate
from lepton_spark.lake import files, tables
from lepton_spark.lake.catalog import location
from lepton_spark.models.predictor import load_predictor
from lepton_spark.models.weights import unpack
from lepton_spark.train import bundle as bundles
from lepton_spark.train import candidates
from lepton_spark.train import stage as train_stage
from lepton_spark.train.stage import train
from tests.conftest import environment_at, make_context
from tests.dataset.visits import AS_OF, DATASET, publish_visits, tiny_case, visits
from tests.lake.deletions import take_away

pytestmark = [pytest.mark.spark, pytest.mark.tensorflow]

SMALL = {
    "model": {"hidden": [4], "dropout": 0.0, "embedding": 2, "leave_out": ["shop"]},
    "train": {"launcher": "local", "workers": 2, "batch_size": 64, "epochs": 2, "average": True},
    "transform": {"min_category_count": 5},
}
CASE = tiny_case(**SMALL)


@pytest.fixture(scope="module")
def lake_of_candidates(spark, tmp_path_factory):
    """A lake that has candidates, and the result of the stage: made once, copied by tests."""
    lake = tmp_path_factory.mktemp("candidates") / "lake"
    context = make_context(lake, spark, CASE, AS_OF)
    publish_visits(context, visits())
    prepare(context)
    return lake, train(context)


@pytest.fixture
def trained(lake_of_candidates, context_for, tmp_path):
    """A context of this test alone whose lake has candidates, and the result of the stage."""
    lake, result = lake_of_candidates
    shutil.copytree(lake, tmp_path / "lake")
    return context_for(CASE, AS_OF), result


def place_of(context):
    marker = tables.find(context, DATASET, "dataset", AS_OF.isoformat())
    return candidates.folder(context, marker)


def never(*_args, **_changes):
    raise AssertionError("fitted again")


def test_every_candidate_is_a_bundle_that_can_predict(trained):
    context, result = trained

    digests = result.facts["candidates"]

    assert list(digests) == ["majority", "logistic", "boosted_trees", "table_mlp", "average"]
    for name, digest in digests.items():
        found = bundles.load(place_of(context).candidate(name), digest)
        assert found.spec["kind"] == name
        assert load_predictor(found.spec, found.files)
        contract = found.document("contract.json")
        assert [column["name"] for column in contract["columns"]] == list(found.transform.columns)
        assert contract["label_settings"]["is_"] == CASE.aim.label.is_
        snapshot = found.document("snapshot.json")
        assert snapshot["version"] == tables.current_version(context, DATASET)
        assert snapshot["fitted_until"] == "2024-03-31T23:00:00.000000Z"
    network = bundles.load(place_of(context).candidate("table_mlp"))
    history = network.document("training.json")["history"]
    assert [epoch["epoch"] for epoch in history] == [1, 2]
    assert "seconds" not in history[0]
    last = files.read_bytes(place_of(context).last)
    assert network.document("training.json")["last"] == {"epoch": 2, "sha256": bundles.sha256(last)}
    assert unpack(last).keys() == unpack(network.files["weights.npz"]).keys()


def test_training_again_fits_nothing(trained, context_for, monkeypatch):
    _, first = trained
    monkeypatch.setattr(train_stage, "fit_transform", never)

    again = train(context_for(CASE, AS_OF))

    assert again.facts["candidates"] == first.facts["candidates"]


def test_after_a_kill_only_what_is_missing_is_fitted_and_comes_out_the_same(
    trained, context_for, monkeypatch
):
    context, first = trained
    place = place_of(context)
    files.delete_tree(f"{place.path}/trained.json")
    files.delete_tree(f"{place.candidate('boosted_trees')}/manifest.json")
    files.delete_tree(place.candidate("logistic"))
    monkeypatch.setattr(train_stage, "fit_network", never)

    again = train(context_for(CASE, AS_OF))

    assert again.facts["candidates"] == first.facts["candidates"]
    assert set(again.facts["seconds"]) == {"logistic", "boosted_trees"}


def test_a_candidate_that_was_damaged_is_fitted_again(trained, context_for, monkeypatch):
    context, first = trained
    path = f"{place_of(context).candidate('logistic')}/weights.npz"
    files.write_atomically(path, files.read_bytes(path)[:-1])
    monkeypatch.setattr(train_stage, "fit_network", never)

    again = train(context_for(CASE, AS_OF))

    assert again.facts["candidates"] == first.facts["candidates"]
    assert set(again.facts["seconds"]) == {"logistic"}


def test_other_settings_have_a_place_of_their_own(trained, context_for):
    context, _ = trained
    other = tiny_case(**{**SMALL, "model": {"hidden": [5]}})
    stricter = tiny_case(**{**SMALL, "gate": {"at_least": 0.9}})

    assert place_of(context_for(other, AS_OF)).path != place_of(context).path
    assert place_of(context_for(stricter, AS_OF)).path == place_of(context).path
    assert place_of(context_for(stricter, AS_OF)).evaluation != place_of(context).evaluation


def test_no_value_of_validation_or_test_rows_is_in_the_transform(
    trained, context_for, tmp_path, monkeypatch
):
    context, _ = trained
    monkeypatch.setattr(train_stage, "_names", lambda _: ["majority"])
    changed = [
        visit
        if visit["day"] < date(2024, 3, 1)
        else {**visit, "hour": 1000.0 + visit["visit"], "shop": "new", "visits_by_all_7d_count": 99}
        for visit in visits()
    ]
    other = context_for(CASE, AS_OF, environment=environment_at(tmp_path / "other"))
    publish_visits(other, changed)
    prepare(other)

    train(other)

    transforms = [
        bundles.load(place_of(each).candidate("majority")).transform for each in (context, other)
    ]
    assert transforms[0].digest == transforms[1].digest


def test_nothing_else_that_is_fitted_holds_a_value_or_label_of_other_rows(
    context_for, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        train_stage, "_candidate", lambda job, _name, _seconds: job.transform.to_json()
    )
    case = tiny_case(
        train={"batch_size": 64},
        transform={
            "outliers": {
                "hour": {"by": "mad", "then": "refuse"},
                "*": {"by": "isolation_forest", "then": "flag"},
            },
            "target_encoding": {"columns": ["visit"]},
            "text": {"shop": {}},
        },
    )
    made = [{**visit, "shop": f"shop {visit['shop']}{visit['shop']}"} for visit in visits()]
    changed = [
        visit
        if visit["day"] < date(2024, 3, 1)
        else {**visit, "hour": 99.0, "shop": "no such", "minutes": 60 - visit["minutes"]}
        for visit in made
    ]
    documents = []
    for name, rows in (("as it is", made), ("changed", changed)):
        context = context_for(case, AS_OF, environment=environment_at(tmp_path / name))
        publish_visits(context, rows)
        prepare(context)
        documents.append(train(context).facts["candidates"]["majority"])

    assert documents[0] == documents[1]
    found = FeatureTransform.from_json(documents[0])
    assert found.columns == ("hour", "visits_by_all_7d_count", "visit", "shop")
    assert sum(found.encodings[0].all_rows) == found.num_rows < 600
    assert "such" not in found.texts[0].terms


def test_without_a_dataset_it_is_told_which_stage_comes_first(context_for):
    with pytest.raises(DataError, match="run the stage `dataset` first"):
        train(context_for(CASE, AS_OF))


def test_a_table_whose_files_cannot_be_read_is_copied_and_gives_the_same_rows(
    context_for, tmp_path, monkeypatch, caplog
):
    def told(job, _name, _seconds):
        rows = {part: sum(piece.rows for piece in pieces) for part, pieces in job.parts.items()}
        return job.transform.to_json(), rows

    monkeypatch.setattr(train_stage, "_candidate", told)
    found = []
    for name, has_vectors in (("plain", False), ("vectors", True)):
        context = context_for(CASE, AS_OF, environment=environment_at(tmp_path / name))
        publish_visits(context, visits())
        prepare(context)
        if has_vectors:
            other = context.spark.newSession()  # ours names no tables by path
            other.conf.set("spark.sql.runSQLOnFiles", "true")
            table = location(context.environment, DATASET)
            other.sql(
                f"ALTER TABLE delta.`{table}` SET TBLPROPERTIES (delta.enableDeletionVectors=true)"
            )
        found.append(train(context).facts["candidates"]["majority"])

    assert "is copied for the workers: its files may have deletion vectors" in caplog.text
    assert not files.exists(place_of(context).checkpoint)
    assert found[0] == found[1]


def test_rows_that_a_deletion_vector_takes_away_are_neither_learned_nor_judged(
    context_for, monkeypatch, caplog
):
    """Files still hold them, so that workers get a copy and scores come through Spark."""
    context = context_for(tiny_case(**SMALL, evaluate={"resamples": 50}), AS_OF)
    publish_visits(context, visits())
    prepare(context)
    version = take_away(context, DATASET, "visit % 3 = 0")
    marker = replace(tables.find(context, DATASET, "dataset", AS_OF.isoformat()), version=version)
    for stage in (train_stage, evaluate_stage):
        monkeypatch.setattr(stage, "require_prepared", lambda *_: marker)
    monkeypatch.setattr(train_stage, "_names", lambda _: ["majority", "logistic"])

    with caplog.at_level(logging.INFO):
        digests = train(context).facts["candidates"]
        evaluate(context)

    left = {row["_split"]: row["count"] for row in rows_left(context).collect()}
    place = candidates.folder(context, marker)
    fitted = bundles.load(place.candidate("logistic"), digests["logistic"])
    assert fitted.transform.num_rows == left["train"] == 400
    logistic = place.judgement()["models"]["logistic"]
    assert {part: logistic[part]["rows"] for part in ("validate", "test")} == {
        part: left[part] for part in ("validate", "test")
    }
    reason = "its files may have deletion vectors"
    assert f"train of gold.tiny_dataset is copied for the workers: {reason}" in caplog.text
    assert f"gold.tiny_dataset is read through Spark: {reason}" in caplog.text
    assert not files.exists(place.checkpoint)


def rows_left(context):
    return tables.read(context, DATASET).groupBy("_split").count()


def test_each_epoch_is_logged_with_all_it_measured_and_with_what_is_left(context_for, caplog):
    told = []
    progress = SimpleNamespace(step=lambda _stage, message, **_count: told.append(message))
    context = context_for(CASE, AS_OF, progress=progress, spark=None)
    # Of an epoch that was resumed ten rows took these seconds, the others some before.
    entry = {
        "epoch": 1, "validation_loss": 0.5, "validation_auc": 0.7, "rows": 100, "seconds": 2.0,
        "rows_by_rank": [4, 6],
    }  # fmt: skip

    with caplog.at_level("INFO"):
        train_stage._tell(context, entry)
        train_stage._tell(context, {**entry, "rows_by_rank": [0, 0]})

    assert told == [
        "epoch 1: validation loss 0.5000, auc 0.7000, 5 rows/s, 2 s, 20 s left at most",
        "epoch 1: validation loss 0.5000, auc 0.7000",
    ]
    assert json.loads(caplog.messages[0].partition(": ")[2]) == entry

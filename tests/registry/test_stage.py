from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lepton_spark.errors import ConflictError, DataError, ModelError, TrainingError
from lepton_spark.lake import files, tables
from lepton_spark.lake.tables import TableId
from lepton_spark.registry import store
from lepton_spark.registry.stage import register
from lepton_spark.train import bundle as bundles
from lepton_spark.train import candidates
from tests.conftest import environment_at
from tests.faults.bad_data import demand
from tests.score.conftest import CASE, clinic_bundle

pytestmark = [pytest.mark.spark, pytest.mark.mlflow]

DATASET = TableId("gold", "clinic_dataset")


@pytest.fixture
def clinic(context_for, database, tmp_path):
    """A maker of contexts on a lake with an empty dataset."""
    (tmp_path / "lake").mkdir()
    shutil.copy(database, tmp_path / "lake" / "mlflow.db")

    def make(**changes):
        return context_for(CASE, "2024-02-29", **changes)

    context = make()
    rows = context.spark.createDataFrame([], "site string")
    tables.publish(context, rows, tables.Publication(DATASET, "dataset", "2024-02-29", "f"))
    return make


def interval(value):
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def judged(verdict, auc, *, coefficient, reasons=()):
    below = [f"auc {auc:.4f} is below the floor 0.6"]
    gate = {
        "verdict": verdict,
        "reasons": [] if verdict == "pass" else list(reasons) or below,
        "metric": "auc",
        "value": auc,
        "wanted": "at least 0.6 and at most 0.99",
        "better_than": "majority",
    }
    measured = {
        "metrics": {"auc": interval(auc), "pr_auc": {"value": None, "low": None, "high": None}}
    }
    return clinic_bundle(
        coefficient,
        gate=gate,
        evaluation={"threshold": 0.4, "validate": measured, "test": measured},
        training={"history": [{"epoch": 1, "loss": 0.6}, {"epoch": 2, "loss": 0.5}]},
    )


def judge(context, found):
    """Write judged bundles, best first, as the stage `evaluate` does."""
    marker = tables.find(context, DATASET, "dataset", "2024-02-29")
    place = candidates.folder(context, marker)
    models = {name: {"digest": bundles.write(place.judged(name), b)} for name, b in found.items()}
    document = {"ranking": list(found), "models": models}
    files.write_atomically(place.evaluation, bundles.to_json(document))
    return place


def mlflow_runs(context):
    client = store._client(context.environment.mlflow.tracking_uri)
    experiment = client.get_experiment_by_name("clinic").experiment_id
    return client, {run.info.run_name: run for run in client.search_runs([experiment])}


def test_the_best_candidate_that_passed_becomes_champion(clinic):
    first = judged("fail", 0.55, coefficient=3.0)
    second, third = judged("pass", 0.7, coefficient=2.0), judged("pass", 0.8, coefficient=1.0)
    judge(clinic(), {"table_mlp": first, "boosted_trees": second, "logistic": third})

    result = register(clinic())

    assert result.facts["promoted"] == "boosted_trees"
    champion = store.champion(clinic())
    assert champion.digest == second.digest == bundles.load(champion.uri, champion.digest).digest
    client, runs = mlflow_runs(clinic())
    assert set(runs) == {"table_mlp", "boosted_trees", "logistic"}
    assert client.get_model_version_by_alias("clinic", "candidate").tags["lepton.gate"] == "fail"


def test_a_run_shows_settings_metrics_with_intervals_and_curves(clinic):
    judge(clinic(), {"table_mlp": judged("pass", 0.7, coefficient=1.0)})

    register(clinic())

    client, runs = mlflow_runs(clinic())
    data = runs["table_mlp"].data
    assert data.params["model.hidden"] == "[256, 128]"
    assert data.metrics["test_auc_low"] == pytest.approx(0.69)
    assert "test_pr_auc" not in data.metrics
    curve = client.get_metric_history(runs["table_mlp"].info.run_id, "loss")
    assert [(point.step, point.value) for point in curve] == [(1, 0.6), (2, 0.5)]


def test_a_rerun_changes_nothing(clinic):
    judge(clinic(), {"table_mlp": judged("pass", 0.7, coefficient=1.0)})
    first, second = register(clinic()), register(clinic())

    assert (first.facts["is_new"], second.facts["is_new"]) == (True, False)
    assert second.facts["model_version"] == "1"
    assert len(mlflow_runs(clinic())[0].search_model_versions("name = 'clinic'")) == 1


def test_where_none_passed_nothing_is_promoted_and_the_numbers_are_told(clinic):
    judge(clinic(), {"table_mlp": judged("fail", 0.55, coefficient=1.0)})

    with pytest.raises(ModelError, match=r"table_mlp: auc 0\.5500, fail .*floor 0\.6") as raised:
        register(clinic())

    assert raised.value.code == "LS-3037"
    assert "at least 0.6" in raised.value.why
    with pytest.raises(ModelError):
        store.champion(clinic())


def test_b9_where_one_candidate_must_know_the_label_no_other_is_promoted(clinic):
    reasons = ["suspected leak: auc 0.9999 is above 0.99", "the feature that tells most is minutes"]
    leaking = judged("fail", 0.9999, coefficient=3.0, reasons=reasons)
    judge(clinic(), {"boosted_trees": leaking, "logistic": judged("pass", 0.98, coefficient=2.0)})

    with pytest.raises(TrainingError) as raised:
        register(clinic())

    words = ["boosted_trees", "0.9999", "tells most is minutes", "gate.suspicious_above"]
    demand(raised.value, "LS-6009", *words, "no model was promoted", exit_code=60)
    with pytest.raises(ModelError):
        store.champion(clinic())


def test_f12_of_two_promotions_at_once_one_wins_and_the_other_is_told_to_wait(clinic, monkeypatch):
    judge(clinic(), {"table_mlp": judged("pass", 0.7, coefficient=1.0)})
    log, has_begun, may_go = store.log, threading.Event(), threading.Event()

    def log_and_wait(context, trial):
        if context.run_id == "r-first":
            has_begun.set()
            assert may_go.wait(60)
        return log(context, trial)

    monkeypatch.setattr(store, "log", log_and_wait)
    hasty = environment_at(clinic().environment.lakehouse, lock_wait_seconds=0.2)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(register, clinic(run_id="r-first"))
        assert has_begun.wait(60)
        try:
            with pytest.raises(ConflictError) as raised:
                register(clinic(environment=hasty))
        finally:
            may_go.set()
        won = first.result()

    words = ["run r-first is writing models.clinic", "wait until it ends"]
    demand(raised.value, "LS-4007", *words, exit_code=40)
    assert won.facts["is_new"]
    assert store.champion(clinic()).version == won.facts["model_version"]


def test_a_verdict_that_was_edited_is_refused(clinic, tmp_path):
    place = judge(clinic(), {"table_mlp": judged("fail", 0.55, coefficient=1.0)})
    gate = tmp_path / place.judged("table_mlp") / "gate.json"
    gate.write_text(gate.read_text().replace('"fail"', '"pass"'))

    with pytest.raises(ModelError) as raised:
        register(clinic())
    assert raised.value.code == "LS-3001"


def test_a_failed_version_under_the_alias_champion_is_still_refused(clinic):
    from lepton_spark.score.fitness import require_passed

    judge(clinic(), {"table_mlp": judged("fail", 0.55, coefficient=1.0)})
    with pytest.raises(ModelError):
        register(clinic())
    mlflow_runs(clinic())[0].set_registered_model_alias("clinic", "champion", "1")

    champion = store.champion(clinic())

    with pytest.raises(ModelError, match="did not pass its gate"):
        require_passed(bundles.load(champion.uri, champion.digest), champion.version)


def test_candidates_that_were_not_judged_are_refused(clinic):
    with pytest.raises(ModelError) as raised:
        register(clinic())
    assert raised.value.code == "LS-3036"


def test_without_a_dataset_there_is_nothing_to_register(context_for):
    with pytest.raises(DataError) as raised:
        register(context_for(CASE, "2024-02-29"))
    assert raised.value.code == "LS-2072"

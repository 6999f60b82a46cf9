from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lepton_spark.config.environment import MlflowSettings
from lepton_spark.errors import ConflictError, EnvironmentFault, ModelError
from lepton_spark.lake import locks
from lepton_spark.lake.catalog import TableId
from lepton_spark.registry import store
from lepton_spark.registry.store import Trial

pytestmark = pytest.mark.mlflow

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def context(context_for, database, tmp_path):
    (tmp_path / "lake").mkdir()
    shutil.copy(database, tmp_path / "lake" / "mlflow.db")
    return context_for(spark=None)


def registered(context, digest):
    run = store.log(context, Trial("network", digest))
    return store.register(context, digest, run=run, tags={})


def rolled_back(context):
    return store.roll_back(context.environment, context.case.case, "r-1")


def runs_of(context):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=context.environment.mlflow.tracking_uri)
    experiment = client.get_experiment_by_name(context.case.case)
    return client, client.search_runs([experiment.experiment_id])


def test_a_run_shows_parameters_metrics_curves_and_files(context):
    trial = Trial(
        "network",
        ONE,
        params={"model.hidden": "256, 128"},
        metrics={"test_auc": 0.7, "test_auc_low": 0.68},
        curves={"validation_loss": [0.6, 0.5, 0.4]},
        files={"spec.json": b"{}"},
    )

    run = store.log(context, trial)

    client, runs = runs_of(context)
    assert [found.info.run_id for found in runs] == [run]
    assert runs[0].data.params == {"model.hidden": "256, 128"}
    assert runs[0].data.metrics["test_auc_low"] == 0.68
    curve = client.get_metric_history(run, "validation_loss")
    assert [(point.step, point.value) for point in curve] == [(1, 0.6), (2, 0.5), (3, 0.4)]
    assert [file.path for file in client.list_artifacts(run, "bundle")] == ["bundle/spec.json"]


def test_the_same_candidate_is_written_down_once(context):
    assert store.log(context, Trial("a", ONE)) == store.log(context, Trial("a", ONE))
    assert len(runs_of(context)[1]) == 1


def test_a_run_that_was_cut_off_is_written_again(context, monkeypatch):
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(store, "_write", _interrupted)
        store.log(context, Trial("a", ONE))

    run = store.log(context, Trial("a", ONE))

    finished = [found for found in runs_of(context)[1] if found.info.status == "FINISHED"]
    assert [found.info.run_id for found in finished] == [run]


def _interrupted(*_given):
    raise KeyboardInterrupt


def test_a_bundle_becomes_one_version_however_often_it_is_registered(context):
    assert registered(context, ONE) == registered(context, ONE) == "1"
    assert registered(context, TWO) == "2"


def test_without_a_promotion_there_is_no_champion(context):
    registered(context, ONE)

    with pytest.raises(ModelError) as raised:
        store.champion(context)
    assert raised.value.code == "LS-3030"


def test_the_champion_is_the_version_promoted_last(context):
    for digest in (ONE, TWO):
        store.promote(context, registered(context, digest))

    champion = store.champion(context)

    assert (champion.version, champion.digest) == ("2", TWO)
    assert champion.uri == store.bundle_uri(context, TWO)


def test_a_rerun_of_an_older_promotion_does_not_bring_the_older_model_back(context):
    for digest in (ONE, TWO):
        store.promote(context, registered(context, digest))

    assert store.promote(context, registered(context, ONE)) is False
    assert store.champion(context).digest == TWO


def test_an_edited_digest_is_refused(context, tmp_path):
    store.promote(context, registered(context, ONE))
    with sqlite3.connect(tmp_path / "lake" / "mlflow.db") as database:
        database.execute(
            "update model_version_tags set value = '../../elsewhere' where key like '%digest'"
        )

    with pytest.raises(ModelError) as raised:
        store.champion(context)
    assert raised.value.code == "LS-3031"


def test_a_database_that_cannot_be_opened_is_a_fault_of_the_environment(context, tmp_path):
    settings = MlflowSettings(tracking_uri=f"sqlite:///{tmp_path}/no.db")
    (tmp_path / "no.db").mkdir()
    environment = context.environment.model_copy(update={"mlflow": settings})

    with pytest.raises(EnvironmentFault) as raised:
        store.champion(replace(context, environment=environment))
    assert raised.value.code == "LS-5042"


def test_rolling_back_lets_the_version_before_score_again(context):
    one, two = registered(context, ONE), registered(context, TWO)
    store.promote(context, one)
    store.promote(context, two)

    assert rolled_back(context) == (two, one)

    assert store.champion(context).version == one
    assert not store.promote(context, two)
    with pytest.raises(ModelError, match="promoted before") as refused:
        rolled_back(context)
    assert refused.value.code == "LS-3039"
    assert store.champion(context).version == one


def test_a_version_that_was_never_promoted_is_not_rolled_back_to(context):
    registered(context, ONE)
    store.promote(context, registered(context, TWO))

    with pytest.raises(ModelError, match="promoted before"):
        rolled_back(context)


def test_a_version_that_was_rolled_away_from_does_not_come_back(context):
    for digest in (ONE, TWO):
        store.promote(context, registered(context, digest))
    assert rolled_back(context) == ("2", "1")
    store.promote(context, registered(context, "3" * 64))

    assert rolled_back(context) == ("3", "1")

    with pytest.raises(ModelError, match="promoted before"):
        rolled_back(context)


def test_while_models_are_registered_nothing_is_rolled_back(context):
    for digest in (ONE, TWO):
        store.promote(context, registered(context, digest))
    environment = context.environment.model_copy(update={"lock_wait_seconds": 0.1})
    table = TableId("models", context.case.case)

    # In another thread, as the lock may be taken twice by one.
    with locks.hold_without_spark(environment, table, "r-2"), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(store.roll_back, environment, context.case.case, "r-1")
        with pytest.raises(ConflictError, match="LS-4007"):
            asked.result()

    assert store.champion(context).version == "2"


def test_rolling_back_goes_by_when_versions_were_promoted_and_not_by_their_numbers(context):
    one, late, two = (registered(context, digest * 64) for digest in "123")
    for version in (one, two, late):
        store.promote(context, version)

    assert rolled_back(context) == (late, two)
    assert rolled_back(context) == (two, one)


def test_a_version_that_was_left_is_not_promoted_although_a_kill_hid_that_it_was(context):
    store.promote(context, registered(context, ONE))
    two = registered(context, TWO)
    store.promote(context, two)
    client = store._client(context.environment.mlflow.tracking_uri)
    client.delete_model_version_tag(context.case.case, two, store._PROMOTED_TAG)
    rolled_back(context)

    assert not store.promote(context, two)
    assert store.champion(context).version == "1"

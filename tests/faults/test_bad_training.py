"""The bad inputs B7 to B14 and F12 to F16 of the promises: labels, ranks, checkpoints, scores.

F12, two promotions at once, is tried where there is a registry: tests/registry/test_stage.py.
"""

from __future__ import annotations

import resource
from pathlib import Path
from types import SimpleNamespace

import pytest

from lepton_spark.config.evaluate import GateSettings
from lepton_spark.config.task import Task
from lepton_spark.config.train import TrainSettings
from lepton_spark.dataset.audit import audit_dataset
from lepton_spark.dataset.label_count import LabelCount
from lepton_spark.dataset.shards import Piece, deal, whole
from lepton_spark.dataset.sufficiency import require_enough
from lepton_spark.errors import (
    ConfigError,
    DataError,
    EnvironmentFault,
    TrainingError,
    TryAgainError,
)
from lepton_spark.evaluate.gate import judge as judge_model
from lepton_spark.registry.stage import _refuse_leak
from lepton_spark.score.audit import audit
from lepton_spark.train import loop
from lepton_spark.train.board import Status
from lepton_spark.train.bundle import Bundle, to_json
from lepton_spark.train.judge import Limits, error_of, judge
from lepton_spark.train.launch import num_ranks
from lepton_spark.train.local import LocalBackend
from lepton_spark.train.network import Work, fit_network, require_batch
from tests.faults.bad_data import demand
from tests.promises.rings import disturbed, job

pytestmark = [pytest.mark.fault]

KEPT = "the checkpoint holds the last good"


def counted(rows, positives):
    return LabelCount(rows, (rows - positives, positives))


def enough_for(train, *, unlabelled=0, label="is_late"):
    """Whether rows and positives of the training part are enough, beside good other parts."""
    good = counted(100, 50)
    parts = {"train": counted(*train), "validate": good, "test": good}
    require_enough(parts, Task(), label=label, unlabelled=unlabelled)


@pytest.mark.parametrize(("rows", "positives"), [(300, 0), (300, 300)])
def test_b7_a_label_of_one_class_is_told_with_its_counts(rows, positives):
    part = counted(rows, positives)

    with pytest.raises(TrainingError) as raised:
        require_enough({"train": part}, Task(), label="is_late", unlabelled=0)

    counts = f"{positives} positives, {rows - positives} negatives"
    demand(raised.value, "LS-6007", "is_late has one class", counts, exit_code=60)


def test_b8_too_few_of_a_class_in_a_part_are_told_with_what_is_needed():
    with pytest.raises(TrainingError) as raised:
        enough_for((400, 9))

    words = ["part train has 9 positives and 391 negatives", "10 of each are needed"]
    demand(raised.value, "LS-6008", *words, exit_code=60)


def measured(auc):
    return {
        "rows": 1_000, "positives": 400, "units": 30, "resampled": [auc] * 20,
        "metrics": {"auc": {"value": auc, "low": auc, "high": auc}},
    }  # fmt: skip


def judged(auc, gate):
    """Bundles of a model and of its baseline, judged."""
    tested = {"logistic": measured(auc), "majority": measured(0.5)}
    verdicts = {name: judge_model(name, tested, gate, suspect="arrival_delay") for name in tested}
    return {
        name: Bundle({"gate.json": to_json(verdict.to_dict())})
        for name, verdict in verdicts.items()
    }


def test_b9_a_feature_that_knows_the_label_is_named_with_the_setting_that_allows_it():
    gate = GateSettings(at_least=0.6)

    with pytest.raises(TrainingError) as raised:
        _refuse_leak(judged(1.0, gate))

    words = ["suspected leak", "arrival_delay", "gate.suspicious_above", "no model was promoted"]
    demand(raised.value, "LS-6009", *words, exit_code=60)
    _refuse_leak(judged(0.985, gate))


@pytest.mark.spark
def test_b10_a_row_in_two_parts_is_counted_and_nothing_is_published(spark):
    rows = spark.createDataFrame(
        [(1, "train", 1.0), (1, "test", 1.0), (2, "train", 0.0)],
        "id int, _split string, _label double",
    )

    with pytest.raises(TrainingError) as raised:
        audit_dataset(rows, ["id"], Task(), num_rows=3)
    demand(raised.value, "LS-6010", "1 keys occur more than once", exit_code=60)

    with pytest.raises(DataError) as lost:
        audit_dataset(rows.filter("id = 2"), ["id"], Task(), num_rows=2)
    demand(lost.value, "LS-2071", "1 rows where 2 have a label", exit_code=20)


def test_b11_labels_that_have_not_arrived_may_come_later():
    with pytest.raises(TryAgainError) as raised:
        require_enough({}, Task(), label="is_late", unlabelled=1_200)

    words = ["none of 1200 rows", "a later --as-of"]
    demand(raised.value, "LS-7511", *words, exit_code=75)


def test_b12_a_rank_without_a_row_takes_as_many_steps_as_the_others():
    dealt = deal([whole("part.parquet", 0, 2)], 3, 1)

    assert sorted(shard.rows for shard in dealt.shards) == [0, 1, 1]
    assert dealt.steps == 1


def test_b13_there_are_no_more_ranks_than_rows(caplog):
    train = TrainSettings(workers=64)
    context = SimpleNamespace(case=SimpleNamespace(train=train))

    assert num_ranks(context, 40) == 40
    assert "40 rows are dealt to as many workers, not to 64" in caplog.text
    assert num_ranks(context, 64) == 64


def test_b13_of_no_rows_the_numbers_are_told():
    with pytest.raises(TrainingError) as raised:
        deal([Piece("part.parquet", 0, 0, 0, 0)], 4, 8)

    demand(raised.value, "LS-6001", "0 rows", "1 row groups", exit_code=60)


def test_b14_a_batch_of_more_rows_than_there_are_is_named():
    with pytest.raises(ConfigError) as raised:
        require_batch(TrainSettings(batch_size=1024), 300, 2)

    words = ["train.batch_size is 1024", "has 300 rows", "set train.batch_size to 18"]
    demand(raised.value, "LS-1061", *words, exit_code=10)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status("failed", "epoch 2, step 8", exit_code=-9), ["killed by SIGKILL", "memory"]),
        (Status("failed", "epoch 2, step 8", exit_code=137), ["exit code 137", "memory"]),
        (Status("running", "epoch 2, step 8", 130.0, "T"), ["stopped by a signal", "for 130 s"]),
        (Status("running", "epoch 2, step 8", 130.0, "S"), ["hangs", "for 130 s"]),
    ],
    ids=["killed", "left", "stopped", "hanging"],
)
def test_f14_a_lost_rank_is_named_with_the_command_that_goes_on(status, words):
    verdict = judge({0: (Status("running", "epoch 2, step 9"), 0), 1: (status, 0)}, Limits(120))

    error = error_of(verdict, Work("a:b").resume)

    told = ["rank 1", "epoch 2, step 8", "run the same command again", KEPT]
    demand(error, "LS-7521", *words, *told, exit_code=75)


def test_f14_a_rank_without_memory_is_not_told_to_be_wrong_code():
    status = Status(
        "failed", "epoch 2, step 8", exit_code=1,
        error={"kind": "crashed", "type": "ResourceExhaustedError", "detail": "in steps.py"},
    )  # fmt: skip

    error = error_of(judge({1: (status, 0)}, Limits(120)), Work("a:b").resume)

    demand(error, "LS-5044", "rank 1", "out of memory", "train.batch_size", KEPT, exit_code=50)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The weights of a training that nothing happened to."""
    return train(job(tmp_path_factory.mktemp("undisturbed"))).weights


def train(made):
    return fit_network(LocalBackend(), made, 1)


def failed(made, action, place):
    with pytest.raises((EnvironmentFault, TrainingError)) as raised:
        train(disturbed(made, 0, action, place))
    return raised.value


def states(made):
    return sorted(Path(made.checkpoint).glob("epoch-*"))


@pytest.mark.tensorflow
def test_f13_a_loss_that_is_no_number_is_told_with_step_rank_and_last_good_epoch(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(loop, "load", loop.load)  # which the rank, this process, spoils
    error = failed(job(tmp_path), "spoil", "epoch 2, step 2")

    words = ["of epoch 2", "on rank 0", "the last good epoch is 1", KEPT]
    demand(error, "LS-6013", *words, exit_code=60)


@pytest.mark.tensorflow
def test_f15_a_checkpoint_that_is_half_written_is_passed_over_with_a_warning(
    tmp_path, undisturbed, caplog
):
    made = job(tmp_path)
    failed(made, "raise", "epoch 3, step 0")
    older, newest = states(made)
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])

    found = train(made)

    assert f"checkpoint {newest.name} is not usable" in caplog.text
    assert older.name not in caplog.text
    assert found.weights == undisturbed


@pytest.mark.tensorflow
def test_f15_a_disk_that_is_full_is_named_and_the_state_before_goes_on(tmp_path, undisturbed):
    made = job(tmp_path)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    try:
        error = failed(made, "fill", "epoch 2, step 0")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    words = ["after 1 epochs", "EFBIG", made.checkpoint, "free space", KEPT]
    demand(error, "LS-5043", *words, exit_code=50)
    assert not list(Path(made.checkpoint).glob(".*"))
    assert train(made).weights == undisturbed


SCORES = {
    "NaN": (["double('NaN')", "0.5"], "LS-2081", "1 of 2 scores are NaN or outside 0 and 1"),
    "above": (["1.5", "0.5"], "LS-2081", "1 of 2 scores"),
    "below": (["-0.1", "0.5"], "LS-2081", "1 of 2 scores"),
    "null": (["cast(null as double)", "0.5"], "LS-2081", "1 of 2 scores"),
    "constant": (["0.5"] * 101, "LS-2082", "all 101 scores are equal"),
}


@pytest.mark.spark
@pytest.mark.parametrize("name", SCORES)
def test_f16_scores_that_cannot_be_right_are_not_published(spark, name):
    scores, code, words = SCORES[name]
    rows = spark.range(1).selectExpr(f"posexplode(array({', '.join(scores)})) as (_row, score)")
    staged = rows.selectExpr(
        "'f' as _file", "_row", "cast(score as double) as score", "'scored' as status",
        "cast(null as string) as reason", "score > 0.5 as decision",
    )  # fmt: skip

    with pytest.raises(DataError) as raised:
        audit(staged, len(scores), Task())

    state = "the predictions of the day were not published"
    demand(raised.value, code, words, state, exit_code=20)

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyspark import SparkFiles

from lepton_spark.errors import EnvironmentFault, TrainingError, TryAgainError
from lepton_spark.models.weights import unpack
from lepton_spark.train.backend import Work
from lepton_spark.train.barrier import BarrierBackend
from lepton_spark.train.checkpoint import ask_to_stop
from lepton_spark.train.horovod_stock import StockBackend
from lepton_spark.train.local import LocalBackend
from lepton_spark.train.network import fit_network
from lepton_spark.train.phases import repeatable
from tests.train.planted import graph_job_on, graphs_of, job_on, rows_of

pytestmark = [pytest.mark.spark, pytest.mark.horovod]
ROWS = rows_of(2000)
STALL_SECONDS = 10.0


def rank_processes():
    """Training processes of this session, which lie in a folder of its own."""
    folder, found = Path(SparkFiles.getRootDirectory()), []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if folder in path.readlink().parents:
                found.append(path.parent.name)
        except OSError:
            continue
    return found


@pytest.fixture(params=["horovod", "tensorflow"])
def backend(spark, request):
    yield BarrierBackend(spark, request.param)
    assert rank_processes() == []


@pytest.fixture(scope="module")
def undisturbed(spark, tmp_path_factory):
    """What two ranks of a ring make of the rows where nothing happens to them."""

    @cache
    def fitted_by(ring):
        job = job_on(ROWS, tmp_path_factory.mktemp("undisturbed"))
        return fit_network(BarrierBackend(spark, ring), job, 2)

    return fitted_by


def failing(job, fault):
    """The job, but with `RANK:ACTION:PLACE` something happens."""
    Path(job.checkpoint).with_name("fault").write_text(fault)
    return replace(job, entry="tests.train.rank_work:fail_and_fit")


def no_dropout(job, **train):
    model = job.model.model_copy(update={"dropout": 0.0})
    return replace(job, model=model, train=job.train.model_copy(update=train), is_shuffled=False)


def interleaved(rows, size):
    """The same rows, so that a batch of one rank holds the batches of two ranks."""
    halves = np.split(np.arange(rows.num_rows), 2)
    order = np.concatenate([np.split(half, half.size // size) for half in halves], axis=1)
    return rows.take(pa.array(order.ravel()))


def test_ranks_come_back_in_order_with_their_files(backend):
    results = backend.run(Work("tests.train.rank_work:add_ranks", {"echo": "hi"}), 2)

    assert [result.facts for result in results] == [
        {"total": [1.0, 2.0], "rank": 0},
        {"total": [1.0, 2.0], "rank": 1},
    ]
    assert [dict(result.files) for result in results] == [{"echo.bin": b"hi"}, {}]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two ranks share the only core here")
@pytest.mark.parametrize("ring", ["horovod", "tensorflow"])
def test_ranks_of_a_host_share_its_cores_and_what_waits_gives_way(spark, ring):
    results = BarrierBackend(spark, ring).run(Work("tests.train.rank_work:tell_cores"), 2)
    one, other = (result.facts for result in results)

    assert len(one["cores"]) == len(other["cores"]) == len(os.sched_getaffinity(0)) // 2
    assert not set(one["cores"]) & set(other["cores"])
    assert one["own"] == os.SCHED_OTHER
    assert (os.SCHED_BATCH in one["others"]) == (ring == "horovod")


def test_temporary_files_of_a_rank_go_with_it(backend):
    (result,) = backend.run(Work("tests.train.rank_work:leave_temporary_file", {}), 1)

    assert result.facts["was_there"]
    assert not Path(result.facts["left"]).exists()


@pytest.mark.parametrize("kind", ["table_mlp", "graph"])
def test_two_ranks_with_half_the_batch_equal_one_with_the_whole(backend, tmp_path, kind):
    job_of, rows = (job_on, ROWS) if kind == "table_mlp" else (graph_job_on, graphs_of(2000))
    train = rows.filter(np.array(rows["_split"]) == "train").slice(0, 1024)
    both = pa.concat_tables([train, rows.filter(np.array(rows["_split"]) == "validate")])
    dealt = no_dropout(job_of(both, tmp_path / "two"), batch_size=64)
    alone = no_dropout(job_of(interleaved(train, 64), tmp_path / "one"), batch_size=128)
    alone = replace(alone, validated=dealt.validated)

    two = fit_network(backend, dealt, 2)
    one = fit_network(LocalBackend(), alone, 1)

    assert (two.steps, one.steps) == (8, 8)
    for ours, theirs in zip(
        unpack(two.weights).values(), unpack(one.weights).values(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    for ours, theirs in zip(two.history, one.history, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
        assert ours["validation_loss"] == pytest.approx(theirs["validation_loss"], rel=1e-5)
        assert ours["rows"] == theirs["rows"] == 1024


@pytest.mark.fault
def test_a_killed_run_resumes_and_ends_with_the_same_weights(backend, undisturbed, tmp_path):
    job = job_on(ROWS, tmp_path)

    with pytest.raises(TryAgainError, match=r"LS-7521: rank 1 was killed by SIGKILL at epoch 3"):
        fit_network(backend, failing(job, "1:kill:epoch 3, step 0"), 2)
    assert (tmp_path / "checkpoint" / "epoch-00002-00000000.npz").exists()
    told = []
    resumed = fit_network(backend, job, 2, on_epoch=told.append)

    assert resumed.weights == undisturbed(backend._ring).weights
    assert [entry["epoch"] for entry in told] == [3]
    assert [entry["rows"] for entry in resumed.history] == [1500] * 3


@pytest.mark.fault
def test_a_run_killed_within_an_epoch_goes_on_there(backend, tmp_path):
    settings = {"checkpoint_minutes": 0, "weight_average": 0.9}
    whole, job = (
        replace(job_on(ROWS, tmp_path / name, **settings), most_block_rows=256)
        for name in ("whole", "killed")
    )
    undisturbed = fit_network(backend, whole, 2)

    with pytest.raises(TryAgainError, match=r"LS-7521: rank 0 was killed by SIGKILL at epoch 2"):
        fit_network(backend, failing(job, "0:kill:epoch 2, step 4"), 2)
    newest = max(path.name for path in (tmp_path / "killed" / "checkpoint").glob("epoch-*"))
    resumed = fit_network(backend, job, 2)

    assert newest == "epoch-00001-00000004.npz"
    assert resumed.weights == undisturbed.weights
    for ours, theirs in zip(resumed.history, undisturbed.history, strict=True):
        assert repeatable(ours) == repeatable(theirs)


@pytest.mark.fault
def test_a_stopped_rank_ends_the_job_within_its_deadline(backend, tmp_path):
    job = job_on(ROWS, tmp_path, stall_seconds=STALL_SECONDS, epochs=200, patience=200)
    seen = []

    with pytest.raises(TryAgainError, match=r"rank 1 was stopped by a signal .* epoch 2") as error:
        fit_network(
            backend,
            failing(job, "1:stop:epoch 2, step 0"),
            2,
            on_epoch=lambda entry: seen.append((entry["epoch"], time.monotonic())),
        )

    assert time.monotonic() - seen[0][1] < STALL_SECONDS + 15
    assert error.value.state.endswith("holds epoch 1")


@pytest.mark.fault
def test_a_stage_that_a_lost_supervisor_keeps_from_ending_is_cancelled(
    backend, tmp_path, monkeypatch
):
    monkeypatch.setattr("lepton_spark.train.judge.MIN_QUIET_SECONDS", STALL_SECONDS)
    monkeypatch.setattr("lepton_spark.train.barrier.ENDING_SECONDS", 3.0)
    job = job_on(ROWS, tmp_path, stall_seconds=STALL_SECONDS, epochs=10_000, patience=10_000)

    with pytest.raises(TryAgainError, match=r"the executor of rank 1 has not answered for 1\d s"):
        fit_network(backend, failing(job, "1:stop_supervisor:epoch 2, step 0"), 2)

    deadline = time.monotonic() + 30  # Spark kills it a moment later
    while rank_processes() and time.monotonic() < deadline:
        time.sleep(0.1)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("action", "kind", "message"),
    [
        ("spoil", TrainingError, r"LS-6013.*epoch 3, on rank 1; the last good epoch is 2"),
        ("raise", TrainingError, r"LS-6015: rank 1 failed at epoch 2, validation: KeyError in"),
        ("leave", TryAgainError, r"LS-7521: rank 1 ended with exit code 137 at epoch 2"),
    ],
)
def test_a_rank_that_fails_is_named(backend, tmp_path, action, kind, message):
    job = failing(job_on(ROWS, tmp_path), f"1:{action}:epoch 2, validation")

    with pytest.raises(kind, match=message) as error:
        fit_network(backend, job, 2)
    assert "cell value" not in str(error.value)


def test_ranks_whose_weights_drift_apart_are_told(backend, tmp_path):
    job = replace(job_on(ROWS, tmp_path, epochs=1), entry="tests.train.rank_work:drift_and_fit")

    with pytest.raises(TrainingError, match=r"LS-6014: the 2 ranks came to weights that differ"):
        fit_network(backend, job, 2)


@pytest.mark.parametrize("count", [4, 7, 350])
def test_uneven_and_empty_shards_neither_hang_nor_lose_rows(backend, tmp_path, count):
    rows = rows_of(count, seed=count)
    job = job_on(rows, tmp_path, batch_size=1 if count < 10 else 128, epochs=1)
    expected = sum(piece.rows for piece in job.fitted)

    fitted = fit_network(backend, job, 2)

    assert fitted.history[0]["rows"] == expected == sum(fitted.rows_by_rank)


def test_ranks_whose_blocks_differ_in_size_stay_together(backend, tmp_path):
    job = job_on(rows_of(1500), tmp_path, batch_size=50, epochs=3, row_group_size=37)
    job = replace(job, most_block_rows=150, fitted=job.fitted[:19])

    fitted = fit_network(backend, job, 2)

    assert [entry["rows"] for entry in fitted.history] == [sum(p.rows for p in job.fitted)] * 3
    assert len(set(fitted.rows_by_rank)) == 2
    assert "the devices of this process" not in fitted.devices  # each rank has chosen its own


def test_ranks_that_are_asked_to_stop_end_after_the_same_epoch(backend, tmp_path):
    job = job_on(ROWS, tmp_path, epochs=500, patience=500)

    fitted = fit_network(backend, job, 2, on_epoch=lambda _: ask_to_stop(job.checkpoint))

    assert 1 <= len(fitted.history) < 500
    assert [entry["rows"] for entry in fitted.history] == [1500] * len(fitted.history)


def test_more_ranks_than_slots_are_refused_at_once(backend):
    started_at = time.monotonic()

    with pytest.raises(TrainingError, match="LS-6022: 64 training processes were asked for"):
        backend.run(Work("tests.train.rank_work:add_ranks"), 64)
    assert time.monotonic() - started_at < 5


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"spark.driver.maxResultSize": "1m"}, "LS-5036"),
        (
            {"spark.dynamicAllocation.enabled": "true", "spark.dynamicAllocation.testing": "true"},
            "LS-5037",
        ),
    ],
    ids=["large results", "dynamic allocation"],
)
def test_a_setting_that_no_training_gets_by_with_is_not_to_be_tried_again(
    backend, spark, settings, code
):
    conf = spark.sparkContext._jsc.sc().conf()  # Spark reads these anew for each stage
    for name, setting in settings.items():
        conf.set(name, setting)
    try:
        with pytest.raises(EnvironmentFault, match=f"{code}.*") as error:
            backend.run(Work("tests.train.rank_work:give_file", {"bytes": 2 << 20}), 1)
    finally:
        for name in settings:
            conf.remove(name)

    assert next(iter(settings)) in error.value.fix
    assert "checkpoint" in error.value.state


@pytest.mark.slow
def test_every_launcher_gives_the_same_weights(spark, undisturbed, tmp_path):
    stock = fit_network(StockBackend(spark), job_on(ROWS, tmp_path), 2)

    assert stock.weights == undisturbed("horovod").weights == undisturbed("tensorflow").weights

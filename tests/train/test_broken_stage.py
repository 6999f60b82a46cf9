"""A stage or a launcher that ended, and no rank was seen to fail."""

from __future__ import annotations

import os
import signal

import pytest

from lepton_spark.errors import EnvironmentFault, TryAgainError
from lepton_spark.train.backend import Outcome, Work
from lepton_spark.train.barrier import broken_stage, results_of
from lepton_spark.train.horovod_stock import StockBackend
from lepton_spark.train.judge import STATE

WORK = Work("no.module:entry")


def die_on_the_second(worker, _payload):
    if worker.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome()


def fail_in(spark, work):
    """What Spark raises where a task does this."""

    def task(batches):
        for _ in batches:
            work()
        yield from ()

    with pytest.raises(Exception) as raised:  # whatever Spark makes of it
        spark.range(0, 1, 1, 1).mapInArrow(task, "id long", barrier=True).collect()
    return raised.value


@pytest.mark.spark
def test_a_package_that_executors_lack_is_named(spark):
    def use():
        import lepton_cluster_lacks_this.part  # noqa: F401

    found = broken_stage(fail_in(spark, use), WORK)

    assert isinstance(found, EnvironmentFault)
    assert (found.code, found.what) == (
        "LS-5041",
        "the executors cannot import lepton_cluster_lacks_this",
    )


@pytest.mark.spark
def test_a_task_that_is_gone_can_be_tried_again(spark):
    found = broken_stage(fail_in(spark, lambda: os.kill(os.getpid(), signal.SIGKILL)), WORK)

    assert isinstance(found, TryAgainError)
    assert "give the workers more memory" in found.fix
    assert found.state == STATE


def test_whatever_else_ended_a_stage_can_be_tried_again():
    found = broken_stage(RuntimeError("Job aborted"), WORK)

    assert (type(found), found.code, found.fix) == (TryAgainError, "LS-7523", WORK.resume)


def test_a_rank_that_brought_nothing_is_missed():
    rows = [{"rank": 0, "facts": "{}", "files": {}}, {"rank": 1, "facts": "", "files": {}}]

    with pytest.raises(TryAgainError, match=r"LS-7522: the ranks \[1\] gave no result"):
        results_of(rows, 2, WORK)
    assert [result.rank for result in results_of(rows, 1, WORK)] == [0]


@pytest.mark.spark
@pytest.mark.horovod
@pytest.mark.skipif(
    not os.environ.get("LEPTON_ALL_JOBS"),
    reason="Horovod tries for a minute: set LEPTON_ALL_JOBS=1",
)
def test_horovods_own_launcher_tells_how_to_see_which_rank_was_killed(spark):
    with pytest.raises(TryAgainError, match="LS-7524") as raised:
        StockBackend(spark).run(Work(f"{__name__}:die_on_the_second", stall_seconds=20), 2)

    assert "train.launcher to barrier" in raised.value.fix

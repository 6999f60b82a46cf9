"""One writer a table: who waits, who is told no, and who takes over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lepton_spark.errors import ConflictError, EnvironmentFault
from lepton_spark.lake import locks
from lepton_spark.lake.catalog import TableId, all_of

SCORES = TableId("gold", "scores")
HOLDER = """
import sys, time
from types import SimpleNamespace as S
from lepton_spark.lake import locks
from lepton_spark.lake.catalog import TableId, all_of
environment = S(lakehouse=sys.argv[1], lock_wait_seconds=5)
context = S(environment=environment, run_id="r-other", spark=S(sparkContext=S(_gateway=None)))
with locks.hold(context, TableId("gold", "scores")):
    print("held", flush=True)
    sys.stdin.readline()
"""


def context_at(lakehouse, wait=0.2, spark=None):
    return SimpleNamespace(
        environment=SimpleNamespace(lakehouse=str(lakehouse), lock_wait_seconds=wait),
        run_id="r-this",
        spark=spark or SimpleNamespace(sparkContext=SimpleNamespace(_gateway=None)),
    )


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock until its stdin ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(locks.__file__).parents[2],
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_lock_that_stays_held_is_a_conflict_that_names_the_holder(tmp_path, holder):
    with pytest.raises(ConflictError) as refused, locks.hold(context_at(tmp_path), SCORES):
        pass

    assert refused.value.exit_code == 40
    for named in ("r-other", str(holder.pid), os.uname().nodename, "seconds"):
        assert named in refused.value.what


def test_a_lock_that_is_released_in_time_is_had(tmp_path, holder):
    threading.Timer(0.3, holder.stdin.close).start()

    with locks.hold(context_at(tmp_path, wait=10), SCORES):
        assert json.loads(lock_file(tmp_path).read_text())["run_id"] == "r-this"


def test_the_lock_of_a_killed_run_is_taken_over(tmp_path, holder, caplog):
    holder.kill()
    holder.wait()

    with caplog.at_level("WARNING"), locks.hold(context_at(tmp_path), SCORES):
        pass

    assert "r-other" in caplog.text


def test_a_stopped_run_is_not_robbed(tmp_path, holder):
    holder.send_signal(signal.SIGSTOP)

    with pytest.raises(ConflictError), locks.hold(context_at(tmp_path), SCORES):
        pass


def test_who_takes_over_waits_until_the_dead_run_s_jvm_is_gone(tmp_path):
    with locks.hold(context_at(tmp_path), SCORES):
        pass
    with subprocess.Popen(["sleep", "0.6"]) as jvm:
        left = {"run_id": "r-dead", "jvm_pid": jvm.pid, "host": os.uname().nodename}
        lock_file(tmp_path).write_text(json.dumps(left))
        started = time.monotonic()

        with locks.hold(context_at(tmp_path), SCORES):
            waited = time.monotonic() - started

    assert waited > 0.3


def test_a_lock_may_be_nested_and_is_free_only_after_the_outer_block(tmp_path):
    context = context_at(tmp_path)

    with locks.hold(context, SCORES):
        with locks.hold(context, SCORES):
            pass
        assert tries_in_a_thread(context) == ["conflict"]
    assert tries_in_a_thread(context) == ["had"]


def test_a_lock_is_free_after_an_error(tmp_path):
    context = context_at(tmp_path)

    with pytest.raises(ValueError, match="inside"), locks.hold(context, SCORES):
        raise ValueError("inside")

    assert tries_in_a_thread(context) == ["had"]


def test_locks_of_two_tables_do_not_meet(tmp_path, holder):
    assert holder.poll() is None
    with locks.hold(context_at(tmp_path), TableId("gold", "others")):
        pass


def test_a_case_and_a_table_of_the_same_name_do_not_meet(tmp_path):
    table = TableId("silver", "taxi_zones")  # of the source `zones` in the case `taxi`

    with locks.hold(context_at(tmp_path), all_of("silver", "taxi_zones")):
        assert tries_in_a_thread(context_at(tmp_path), table) == ["had"]
        assert tries_in_a_thread(context_at(tmp_path), all_of("silver", "taxi_zones")) != ["had"]
    assert not all_of("silver", "taxi_zones").name.isidentifier()


@pytest.mark.parametrize(
    ("store", "is_refused"),
    [
        (None, True),
        ("io.delta.storage.S3SingleDriverLogStore", True),
        ("io.delta.storage.S3DynamoDBLogStore", False),
    ],
)
def test_several_drivers_on_s3_need_a_log_store_that_keeps_them_apart(store, is_refused):
    spark = SimpleNamespace(conf=SimpleNamespace(get=lambda _name, _default: store))
    context = context_at("s3://bucket/lake", spark=spark)

    if not is_refused:
        with locks.hold(context, SCORES):
            return
    with pytest.raises(EnvironmentFault, match="LS-5019"), locks.hold(context, SCORES):
        pass


def lock_file(lakehouse):
    return Path(lakehouse, "gold", "_locks", "scores.lock")


def tries_in_a_thread(context, table=SCORES):
    """What another thread of this process gets."""
    got = []

    def take():
        try:
            with locks.hold(context, table):
                got.append("had")
        except ConflictError:
            got.append("conflict")

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    return got

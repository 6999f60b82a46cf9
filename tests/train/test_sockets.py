"""What can be reached from elsewhere while ranks train on one machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from importlib import import_module
from types import SimpleNamespace

import psutil
import pytest

from lepton_spark.train.backend import Outcome, Work
from lepton_spark.train.barrier import BarrierBackend, board_for
from lepton_spark.train.board import Board
from lepton_spark.train.supervise import RankJob, environment_of

HERE = "127.0.0.1"
OWN = sorted(
    entry.address
    for entries in psutil.net_if_addrs().values()
    for entry in entries
    if entry.family == socket.AF_INET
)
JOIN = """
from pathlib import Path
from lepton_spark.train.worker import HorovodWorker
HorovodWorker(Path(), print)
"""


def listening(process):
    """Addresses at which a process listens."""
    return sorted(
        tuple(found.laddr)
        for found in psutil.Process(process).net_connections("tcp")
        if found.status == psutil.CONN_LISTEN
    )


def is_reached(host, port):
    try:
        socket.create_connection((host, port), 5).close()
    except OSError:
        return False
    return True


def tell_sockets(worker, payload):
    """Where this rank and the driver listen, and at which addresses the rank is reached."""
    own, driver = listening(os.getpid()), listening(payload["driver"])
    reached = [host for host in OWN for _, port in own if is_reached(host, port)]
    config = json.loads(os.environ.get("TF_CONFIG", "{}"))
    worker.sum(import_module("numpy").ones(1))  # none leaves while another one looks
    return Outcome({"own": own, "driver": driver, "reached": reached, "config": config})


def facts_of_two_ranks(spark, ring):
    others = listening(os.getpid())  # of tests that came before in this process
    work = Work(f"{__name__}:tell_sockets", {"driver": os.getpid()})
    found = [result.facts for result in BarrierBackend(spark, ring).run(work, 2)]
    opened = {tuple(address) for facts in found for address in facts["driver"]} - set(others)
    assert {host for host, _ in opened} == {HERE}
    return found


@pytest.mark.spark
@pytest.mark.horovod
def test_ranks_of_horovod_listen_no_more_when_the_ring_is_there(spark):
    assert [facts["own"] for facts in facts_of_two_ranks(spark, "horovod")] == [[], []]


@pytest.mark.spark
@pytest.mark.horovod
def test_ranks_of_tensorflow_are_reached_at_one_port_and_by_loopback_only(spark):
    found = facts_of_two_ranks(spark, "tensorflow")

    assert [facts["reached"] for facts in found] == [[HERE], [HERE]]
    ports = [f"{HERE}:{port}" for facts in found for _, port in facts["own"]]
    assert ports == found[0]["config"]["cluster"]["worker"]


@pytest.mark.horovod
def test_a_rank_of_horovod_that_waits_for_another_one_listens_on_loopback():
    with Board(HERE, 2) as board:
        job = RankJob({}, board.address, ["the host", "the host"])
        environment = {**os.environ, **environment_of(job, 0)}
        rank = subprocess.Popen([sys.executable, "-c", JOIN], env=environment)
        try:
            while not (found := listening(rank.pid)):
                assert rank.poll() is None
                time.sleep(0.05)
        finally:
            rank.kill()
            rank.wait()

    assert {host for host, _ in found} == {HERE}


@pytest.mark.parametrize(
    ("master", "host"),
    [("local[2]", HERE), ("local-cluster[2,1,1024]", HERE), ("yarn", "10.9.8.7")],
)
def test_the_board_of_one_machine_is_on_loopback_whatever_spark_calls_it(master, host):
    conf = {
        "spark.master": master,
        "spark.driver.host": "10.9.8.7",
        "spark.driver.bindAddress": HERE,
    }

    with board_for(SimpleNamespace(conf=conf), 2) as board:
        assert board.address.host == host

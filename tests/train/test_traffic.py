from __future__ import annotations

from types import SimpleNamespace

import pytest

from lepton_spark.errors import EnvironmentFault
from lepton_spark.train import horovod_stock
from lepton_spark.train.backend import Work
from lepton_spark.train.board import Board
from lepton_spark.train.horovod_stock import run_rank
from lepton_spark.train.judge import Limits, error_of, judge
from lepton_spark.train.launch import backend_of
from lepton_spark.train.supervise import RankJob, Report, supervise
from lepton_spark.train.traffic import missing_safeguards, refusal

ENCRYPTED = {"spark.authenticate": "true", "spark.network.crypto.enabled": "True"}
ALL = ["spark.authenticate", "spark.network.crypto.enabled", "security.network: isolated"]


def session(**conf):
    return SimpleNamespace(conf=conf)


def test_what_is_missing_is_told_by_name():
    assert missing_safeguards(session(), is_isolated=False) == ALL
    assert missing_safeguards(session(**ENCRYPTED), is_isolated=False) == ALL[2:]
    assert missing_safeguards(session(**ENCRYPTED), is_isolated=True) == []
    off = session(**ENCRYPTED | {"spark.authenticate": "false"})
    assert missing_safeguards(off, is_isolated=True) == ALL[:1]


def test_the_fix_names_all_that_has_to_be_set():
    error = refusal(ALL, is_one_host=False)

    assert (error.code, error.exit_code) == ("LS-5048", 50)
    for word in ("spark.authenticate=true", "spark.network.crypto.enabled=true", ALL[2]):
        assert word in error.fix


@pytest.mark.parametrize("ring", ["horovod", "tensorflow"])
def test_ranks_on_two_hosts_do_not_start_without_safeguards(tmp_path, ring):
    with Board("127.0.0.1", 2) as board:
        board.stop_all()  # what would start has to end
        job = RankJob({}, board.address, ["10.0.0.1", "10.0.0.2"], ring, ALL)

        reports = [supervise(job, rank, str(tmp_path)) for rank in (0, 1)]

        verdict = judge(board.statuses(), Limits(10.0))
    assert reports == [Report(0), Report(1)]
    with pytest.raises(EnvironmentFault, match=r"LS-5048.*several hosts"):
        raise error_of(verdict, "resume")


@pytest.mark.parametrize(("hosts", "missing"), [(["a", "a"], ALL), (["a"], ALL), (["a", "b"], [])])
def test_ranks_of_one_host_or_with_all_safeguards_go_on_to_meet(tmp_path, hosts, missing):
    with Board("127.0.0.1") as board:
        board.stop_all()  # so that they do not wait for each other
        job = RankJob({}, board.address, hosts, "tensorflow", missing)

        supervise(job, 0, str(tmp_path))

        (status, _) = board.statuses()[0]
    assert status.place == "starting, meeting the other ranks"


def test_horovods_own_launcher_is_refused_alike(monkeypatch):
    monkeypatch.setattr(horovod_stock, "HorovodWorker", None)  # would wait for the others
    monkeypatch.setenv("HOROVOD_SIZE", "3")
    monkeypatch.setenv("HOROVOD_LOCAL_SIZE", "2")

    answers = [run_rank("no.module:entry", {}, ALL)] * 3

    with pytest.raises(EnvironmentFault, match="LS-5048"):
        horovod_stock._results(answers, Work("no.module:entry"))


@pytest.mark.parametrize("launcher", ["barrier", "distribute", "stock"])
@pytest.mark.parametrize(("network", "missing"), [("isolated", []), ("shared", ALL[2:])])
def test_what_the_environment_declares_reaches_each_launcher(launcher, network, missing):
    context = SimpleNamespace(
        case=SimpleNamespace(train=SimpleNamespace(launcher=launcher)),
        environment=SimpleNamespace(security=SimpleNamespace(network=network)),
        spark=session(**ENCRYPTED),
    )

    assert backend_of(context)._missing == missing

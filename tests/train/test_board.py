from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lepton_spark.errors import EnvironmentFault, TryAgainError
from lepton_spark.train.board import Address, Board, Pen, Status
from lepton_spark.train.supervise import RankJob, Report, supervise


@pytest.fixture
def board():
    with Board("127.0.0.1") as started:
        yield started


def test_the_newest_status_of_each_rank_is_seen_with_its_age(board):
    pen = Pen(board.address)
    pen.write(1, Status("running", "epoch 1"))
    pen.write(0, Status("done", exit_code=0))
    board.statuses()
    time.sleep(0.05)
    pen.write(0, Status("done", exit_code=0))

    found = board.statuses()

    assert list(found) == [0, 1]
    assert found[1][0] == Status("running", "epoch 1")
    assert found[0][1] < 0.05 <= found[1][1]


def test_who_has_not_written_is_missed_from_the_first_that_did():
    with Board("127.0.0.1", 3) as board:
        assert board.statuses() == {}
        Pen(board.address).write(1, Status("running", "epoch 1"))
        board.statuses()
        time.sleep(0.05)

        found = {rank: status for rank, (status, _) in board.statuses().items()}

    assert [found[rank].state for rank in (0, 1, 2)] == ["absent", "running", "absent"]
    assert found[0].silent_seconds >= 0.05


def test_a_supervisor_that_waits_for_another_one_says_so(board, tmp_path):
    job = RankJob({}, board.address, ["127.0.0.1"] * 2, ring="tensorflow")

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(supervise, job, 0, str(tmp_path))
        deadline = time.monotonic() + 10
        while not _silence(board) and time.monotonic() < deadline:
            time.sleep(0.02)
        found = board.statuses()
        board.stop_all()

    assert found[0][0].place == "starting, meeting the other ranks"
    assert _silence(board) > 0
    assert waiting.result() == Report(0)


def _silence(board):
    return sum(status.silent_seconds for status, _ in board.statuses().values())


def test_a_rank_is_claimed_once(board):
    assert Pen(board.address).claim(0)
    assert not Pen(board.address).claim(0)
    assert Pen(board.address).claim(1)


def test_supervisors_learn_that_they_must_stop(board):
    pen = Pen(board.address)
    assert not pen.is_stopped()

    board.stop_all()

    assert pen.is_stopped()


def test_ranks_wait_for_each_other_and_learn_what_each_brings(board):
    with ThreadPoolExecutor() as pool:
        found = [
            pool.submit(Pen(board.address).meet, "port", rank, 3, f"p{rank}") for rank in range(3)
        ]

    assert [each.result() for each in found] == [["p0", "p1", "p2"]] * 3


def test_who_waits_is_told_that_the_driver_asked_to_stop(board):
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(Pen(board.address).meet, "port", 0, 2)
        time.sleep(0.2)
        assert not waiting.done()
        board.stop_all()

    assert waiting.result() is None


def test_another_key_sees_and_changes_nothing(board):
    stranger = Pen(replace(board.address, key="0" * 32))
    board.stop_all()

    stranger.write(0, Status("failed", exit_code=1))

    assert not stranger.is_stopped()
    assert board.statuses() == {}


def test_only_the_named_address_listens(board):
    other = next(
        (info[4][0] for info in socket.getaddrinfo(socket.gethostname(), 0, socket.AF_INET)
         if info[4][0] != "127.0.0.1"), "127.0.0.2",
    )  # fmt: skip

    with pytest.raises(OSError), socket.create_connection((other, board.address.port), 1):
        pass


def test_a_closed_board_is_gone(monkeypatch):
    monkeypatch.setattr("lepton_spark.train.board.RETRY_SECONDS", 0.5)
    with Board("127.0.0.1") as board:
        known, unknown = Pen(board.address), Pen(board.address)
        known.is_stopped()

    with pytest.raises(TryAgainError, match="LS-7525"):
        known.is_stopped()
    with pytest.raises(EnvironmentFault, match="LS-5046"):
        unknown.is_stopped()


def test_a_board_that_does_not_answer_for_a_moment_is_asked_again():
    with socket.create_server(("127.0.0.1", 0)) as deaf, ThreadPoolExecutor() as pool:
        pen = Pen(Address("127.0.0.1", deaf.getsockname()[1], "key"))
        asked = pool.submit(pen.is_stopped)
        for _ in range(2):
            deaf.accept()[0].close()
        connection, _ = deaf.accept()
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        connection.close()

        assert asked.result()


def test_an_address_that_the_machine_does_not_have_is_told():
    with pytest.raises(EnvironmentFault, match=r"LS-5046.*cannot listen"):
        Board("192.0.2.1")


def test_a_driver_in_a_container_listens_inside_and_is_reached_from_outside():
    with Board("outside.invalid", bind="127.0.0.1") as board:
        inside = replace(board.address, host="127.0.0.1")
        assert Pen(inside).claim(0)
    assert board.address.host == "outside.invalid"

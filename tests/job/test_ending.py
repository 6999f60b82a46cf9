from __future__ import annotations

import errno
import os

import pytest

from lepton_spark.errors import DataError, EnvironmentFault, ModelError
from lepton_spark.job.ending import ending_of
from lepton_spark.job.request import parse_day
from lepton_spark.job.stop import Stopped

CANARY = "DE89 3704 0044 0532 0130 00"


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_an_error_of_ours_keeps_its_code_and_words():
    ending = ending_of(DataError("LS-2001", "no files.", "a rule.", "do this."))

    assert (ending.status, ending.exit_code, ending.code) == ("failed", 20, "LS-2001")
    assert "Fix: do this." in ending.message


def test_an_unexpected_error_shows_its_type_and_our_lines_but_not_its_message():
    ending = ending_of(raised(ValueError(f"could not parse {CANARY}")))

    assert (ending.exit_code, ending.code) == (70, "LS-7001")
    assert "ValueError" in ending.message
    assert CANARY not in ending.message


def test_an_unexpected_error_names_the_place_in_the_package():
    with pytest.raises(TypeError) as caught:
        parse_day(3, "--as-of")

    assert "lepton_spark/job/request.py" in ending_of(caught.value).message


def test_an_error_of_ours_below_another_one_counts():
    error = raised(ModelError("LS-3001", "a", "b", "c"))
    outer = RuntimeError(CANARY)
    outer.__cause__ = error

    assert ending_of(outer).code == "LS-3001"


@pytest.mark.parametrize("below", [True, False])
def test_where_the_driver_has_no_memory_that_is_told_and_not_called_a_fault_of_ours(below):
    error = raised(MemoryError(f"Unable to allocate {CANARY}"))
    if below:  # what failed after it, such as the thread that was to stop Spark
        after = RuntimeError("can't start new thread")
        after.__context__, error = error, after

    ending = ending_of(error)

    assert (ending.exit_code, ending.code) == (50, "LS-5035")
    assert CANARY not in ending.message


def test_an_error_that_spark_brought_from_a_worker_is_read_back_from_its_text():
    from pyspark.errors import PySparkException

    words = EnvironmentFault("LS-5009", "a file is gone.", "it was there.", "restore it.")
    text = f"Job aborted: row {CANARY}\n  lepton_spark.errors.EnvironmentFault: {words}\n\tat org.x"

    ending = ending_of(PySparkException(text))

    assert (ending.exit_code, ending.code) == (50, "LS-5009")
    assert "restore it." in ending.message
    assert CANARY not in ending.message


def test_an_error_of_spark_that_nobody_expects_is_told_without_its_message():
    from pyspark.errors import PySparkException

    ending = ending_of(PySparkException(f"[CAST_INVALID_INPUT] {CANARY}"))

    assert ending.exit_code == 70
    assert "CAST_INVALID_INPUT" in ending.message
    assert CANARY not in ending.message


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_full_or_forbidden_disk_is_the_environments_fault(number):
    assert ending_of(raised(OSError(number, os.strerror(number), "/lake/x"))).exit_code == 50


@pytest.mark.parametrize(("number", "name", "code"), [(2, "SIGINT", 130), (15, "SIGTERM", 143)])
def test_a_stop_says_how_to_go_on(number, name, code):
    ending = ending_of(Stopped(number))

    assert (ending.status, ending.exit_code) == ("stopped", code)
    assert name in ending.message
    assert "same command again" in ending.message

"""What the storage complains of, and what of it reaches a person."""

from __future__ import annotations

import errno
import os
import pickle

import pytest
from py4j.protocol import Py4JNetworkError
from pyspark.errors import AnalysisException, PySparkException

from lepton_spark.errors import (
    ConflictError,
    DataError,
    EnvironmentFault,
    InternalError,
    TryAgainError,
)
from lepton_spark.lake.troubles import explain, told_as


@pytest.mark.parametrize(
    ("message", "kind", "code", "holds"),
    [
        (
            "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file"
            " file:///lake/t/_delta_log/00000000000000000002.json.",
            EnvironmentFault, "LS-5013", "/lake/t/_delta_log/00000000000000000002.json",
        ),
        (
            "[DELTA_VERSIONS_NOT_CONTIGUOUS] Versions (0, 2) are not contiguous.",
            EnvironmentFault, "LS-5014", "(0, 2)",
        ),
        (
            "[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file"
            " file:/lake/t/part-0-c000.snappy.parquet. File does not exist.",
            EnvironmentFault, "LS-5016", "/lake/t/part-0-c000.snappy.parquet",
        ),
        (
            '[DELTA_UNSUPPORTED_FEATURES_FOR_READ] table "file:/lake/t" requires reader table'
            ' feature(s) that are unsupported by Delta Lake "4.4.0": timeMachine.',
            EnvironmentFault, "LS-5017", "timeMachine",
        ),
        (
            "[DELTA_TABLE_NOT_FOUND] Delta table `/lake/t` doesn't exist.",
            EnvironmentFault, "LS-5018", "no Delta table",
        ),
        ("java.io.IOException: No space left on device", EnvironmentFault, "LS-5008", "full"),
        ("ConcurrentAppendException", TryAgainError, "LS-7501", "same time"),
        ("Java heap space", EnvironmentFault, "LS-5030", "memory"),
        ("OutOfMemoryError", EnvironmentFault, "LS-5030", "memory"),
        (
            "[INVALID_DRIVER_MEMORY] System memory 134217728 must be at least 471859200.",
            EnvironmentFault, "LS-5033", "DRIVER",
        ),
        (
            "pyarrow.lib.ArrowMemoryError: malloc of size 1024 failed: canary",
            EnvironmentFault, "LS-5034", "Python process",
        ),
        ("terminate called: std::bad_alloc", EnvironmentFault, "LS-5034", "Python process"),
        ("Python worker exited unexpectedly (crashed)", TryAgainError, "LS-7531", "killed"),
        (
            "Job aborted due to stage failure: Total size of serialized results of 2 tasks (1.1"
            " GiB) is bigger than spark.driver.maxResultSize (1024.0 MiB)",
            EnvironmentFault, "LS-5036", "1024.0 MiB",
        ),
        (
            "[SPARK-24942]: Barrier execution mode does not support dynamic resource allocation",
            EnvironmentFault, "LS-5037", "barrier stage",
        ),
        (
            "[DELTA_REPLACE_WHERE_MISMATCH] violated by row with values: - v : canary",
            DataError, "LS-2020", "outside",
        ),
        (
            "[CAST_INVALID_INPUT] The value 'canary' of the type STRING cannot be cast",
            InternalError, "LS-7001", "CAST_INVALID_INPUT",
        ),
    ],
)  # fmt: skip
def test_a_complaint_is_told_by_its_code_and_without_cells(message, kind, code, holds):
    told = explain(AnalysisException(message), "gold.scores")

    assert (type(told), told.code) == (kind, code)
    assert holds in told.what
    assert "gold.scores" in told.what
    assert "canary" not in str(told)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "LS-5008"),
        (errno.EROFS, "LS-5011"),
        (errno.EACCES, "LS-5007"),
        (errno.EPERM, "LS-5007"),
        (errno.EIO, "LS-5012"),
    ],
)
def test_a_failed_system_call_is_an_environment_fault(number, code):
    with pytest.raises(EnvironmentFault) as told, told_as("gold.scores"):
        raise OSError(number, os.strerror(number), "/lake/gold/scores")

    assert told.value.code == code
    assert told.value.exit_code == 50


def test_an_error_of_ours_that_a_worker_raised_comes_back_whole():
    raised = DataError("LS-2044", "column x is wrong.", "a rule.", "mend it.", "t is unchanged")
    text = (
        "[PYTHON_EXCEPTION] An exception was thrown from the Python worker:\n"
        f"Traceback (most recent call last):\nlepton_spark.errors.DataError: {raised}\n"
    )

    told = explain(PySparkException(text))

    assert (type(told), told.args) == (DataError, raised.args)


def test_an_error_of_ours_passes_unchanged():
    raised = ConflictError("LS-4001", "a", "b", "c")

    with pytest.raises(ConflictError) as told, told_as("t"):
        raise raised

    assert told.value is raised


def test_the_original_text_is_not_shown_with_the_error():
    with pytest.raises(InternalError) as told, told_as("t"):
        raise AnalysisException("[CAST_INVALID_INPUT] 'canary'")

    assert told.value.__suppress_context__
    assert "canary" not in str(pickle.loads(pickle.dumps(told.value)))


def test_a_jvm_that_dies_with_its_exception_is_named():
    """The exception is an object of the JVM, which is asked for its cause in vain."""
    gone = Py4JNetworkError("Answer from Java side is empty")

    class Gone:
        _target_id = "o1"
        _gateway_client = None

        def getClass(self):  # noqa: N802  # of Java
            raise gone

    error = AnalysisException("")
    error._origin = Gone()

    assert explain(error).code == "LS-7532"

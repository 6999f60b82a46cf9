"""What Spark, Delta and the file system complain of, told as a LeptonError without any cell."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
from pyspark.errors import PySparkException

from lepton_spark import errors
from lepton_spark.errors import LeptonError
from lepton_spark.lake.complaints import COMPLAINTS, OTHER, Complaint

_DEEPEST = 12
# A path is the only part of a message that may be repeated; names of tables hold no cells.
_PLACE = re.compile(
    r"(?:s3a?:|gs:|abfss?:|hdfs:)?/[\w./=:%@+-]*(?:\.parquet|\.json|\.crc|_delta_log)\b"
)
_OURS = re.compile(
    r"lepton_spark\.errors\.(?P<kind>\w+): (?P<code>LS-\d{4}): (?P<what>.*?)\n  Why: (?P<why>.*?)"
    r"\n  State: (?P<state>.*?)\n  Fix: (?P<fix>.*?)(?:\n|$)"
)


@contextmanager
def told_as(subject: object) -> Iterator[None]:
    """Turn what Spark, Delta or the file system raises in the block into a LeptonError.

    Args:
        subject: The table or file that the block is about; named in the error.

    Raises:
        LeptonError: Instead of the original, whose text may hold cell values.
    """
    try:
        yield
    except (PySparkException, Py4JError, OSError) as error:
        raise explain(error, subject) from None


def explain(error: BaseException, subject: object = None) -> LeptonError:
    """What an exception of Spark, Delta or the file system means; a LeptonError is kept."""
    if isinstance(error, LeptonError):
        return error
    causes = _causes(error)
    told = "\n".join(f"{name}: {message}" for name, message in causes)
    ours = _OURS.search(told)
    if ours is not None:
        return _rebuilt(ours)
    for complaint in COMPLAINTS:
        sign = complaint.sign.search(told)
        if sign is not None:
            return _made(complaint, subject, told, next(filter(None, sign.groups()), ""))
    return _made(OTHER, subject, told, _condition(causes))


def _made(complaint: Complaint, subject: object, told: str, detail: str) -> LeptonError:
    path = _PLACE.search(told)
    place = f": {re.sub('^/+', '/', path[0])}" if path is not None else ""
    words = {"place": place, "detail": detail}
    about = f"{subject}: " if subject is not None else ""
    return complaint.kind(
        complaint.code,
        about + complaint.what.format(**words),
        complaint.why,
        complaint.fix.format(**words),
    )


def _rebuilt(match: re.Match[str]) -> LeptonError:
    """An error that one of our own functions raised in a Python worker."""
    kind = getattr(errors, match["kind"], errors.InternalError)
    made: LeptonError = kind(
        match["code"], match["what"], match["why"], match["fix"], match["state"]
    )
    return made


def _condition(causes: list[tuple[str, str]]) -> str:
    """The error class of the deepest cause that names one, such as CAST_INVALID_INPUT."""
    for _, message in reversed(causes):
        condition = re.match(r"\[([A-Z0-9_.]+)\]", message)
        if condition is not None:
            return condition[1]
    return causes[-1][0]


def _causes(error: BaseException) -> list[tuple[str, str]]:
    """Class and message of an exception and of all that caused it, outermost first."""
    if isinstance(error, OSError):
        number = errno.errorcode.get(error.errno or 0, "")
        return [(type(error).__name__, f"{number} {error}")]
    found = [(type(error).__name__, "" if isinstance(error, Py4JJavaError) else str(error))]
    cause = _java_exception(error)
    while cause is not None and len(found) < _DEEPEST:
        try:
            found.append((cause.getClass().getSimpleName(), cause.getMessage() or ""))
            cause = cause.getCause()
        except (Py4JError, OSError):
            # The JVM died with its exception.
            found.append((Py4JNetworkError.__name__, ""))
            break
    return found


def _java_exception(error: BaseException) -> Any:
    if isinstance(error, Py4JJavaError):
        return error.java_exception
    return getattr(error, "_origin", None)

"""How a command ended: status, exit code and words that are safe to show."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from lepton_spark import errors
from lepton_spark.errors import EnvironmentFault, InternalError, LeptonError
from lepton_spark.job.stop import Stopped

_OUR_FOLDER = Path(errors.__file__).parent
_MOST_FRAMES = 4
_MOST_CAUSES = 3
_TENSORFLOW_HAS_NONE = "ResourceExhaustedError"


@dataclass(frozen=True)
class Ending:
    """The end of a command.

    Args:
        status: done, failed or stopped.
        code: `LS-` and four digits where it failed.
        message: For people: what, why, state and fix.
    """

    status: str
    exit_code: int
    code: str | None = None
    message: str = ""


DONE = Ending("done", 0)


def ending_of(error: BaseException) -> Ending:
    """What an exception means for the caller of the command.

    Nothing but the words of our own errors, type names and our own line numbers is passed on: the
    message of any other exception may quote a cell.
    """
    if isinstance(error, (Stopped, KeyboardInterrupt)):
        return _stopped(error)
    known = _ours(error) or _of_memory(error) or _from_outside(error) or _bug(error)
    return Ending("failed", known.exit_code, known.code, str(known))


def _stopped(error: Stopped | KeyboardInterrupt) -> Ending:
    number, name = (error.number, error.name) if isinstance(error, Stopped) else (2, "SIGINT")
    return Ending(
        "stopped",
        128 + number,
        None,
        f"Stopped by {name}.\n  State: what was published stays, nothing half-done can be seen\n"
        "  Fix: give the same command again, it goes on with the first stage that is not done.",
    )


def _ours(error: BaseException) -> LeptonError | None:
    return next((cause for cause in _chain(error) if isinstance(cause, LeptonError)), None)


def _of_memory(error: BaseException) -> LeptonError | None:
    """Where the driver itself has none left; imports nothing, as that takes some."""
    if not any(
        isinstance(cause, MemoryError) or type(cause).__name__ == _TENSORFLOW_HAS_NONE
        for cause in _chain(error)
    ):
        return None
    return EnvironmentFault(
        "LS-5035",
        "the Python process of the driver ran out of memory.",
        f"the operating system gave it no more for {_our_lines(error)}.",
        "raise the limit of its memory (`ulimit -v`, or that of its container), or ask for less:"
        " fewer features, a smaller train.batch_size, train.launcher: barrier.",
        "what was published stays, nothing half-done can be seen",
    )


def _from_outside(error: BaseException) -> LeptonError | None:
    """What Spark, Delta or the file system complains of, if one of them does."""
    is_storage = isinstance(error, OSError) and error.errno is not None
    if not is_storage and not _is_from_spark(error):
        return None
    from lepton_spark.lake.troubles import explain

    return explain(error)


def _is_from_spark(error: BaseException) -> bool:
    if "pyspark" not in sys.modules:
        return False
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return isinstance(error, (Py4JError, PySparkException))


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    return chain


def _bug(error: BaseException) -> InternalError:
    names = " from ".join(type(cause).__name__ for cause in _chain(error)[:_MOST_CAUSES])
    return InternalError(
        "LS-7001",
        f"unexpected {names}.",
        f"this is a fault of lepton_spark: {_our_lines(error)}.",
        "report these lines; messages of other packages are left out, as they may quote data.",
        "what was published stays, nothing half-done can be seen",
    )


def _our_lines(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _OUR_FOLDER in Path(frame.filename).parents]
    places = [
        f"{Path(frame.filename).relative_to(_OUR_FOLDER.parent)}:{frame.lineno} {frame.name}"
        for frame in ours[-_MOST_FRAMES:]
    ]
    return ", ".join(places) or "outside of its own code"

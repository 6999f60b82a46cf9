"""How a command ended: status, exit code and words that are safe to show."""

from __future__ import annotations

import errno
import re
import traceback
from dataclasses import dataclass
from pathlib import Path

from lepton_spark import errors
from lepton_spark.errors import EnvironmentFault, InternalError, LeptonError, TryAgainError
from lepton_spark.job.stop import Stopped

_OUR_FOLDER = Path(errors.__file__).parent
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
# An error of ours that Spark brought back from a worker as text.
_FROM_WORKER = re.compile(
    r"lepton_spark\.errors\.(?P<kind>\w+): (?P<code>LS-\d{4}): (?P<what>[^\n]*)\n"
    r"  Why: (?P<why>[^\n]*)\n  State: (?P<state>[^\n]*)\n  Fix: (?P<fix>[^\n]*)"
)
_MEMORY = ("java.lang.OutOfMemoryError", "Cannot allocate memory")


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
    known = error if isinstance(error, LeptonError) else _recognise(error)
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


def _recognise(error: BaseException) -> LeptonError:
    for cause in _chain(error):
        if isinstance(cause, LeptonError):
            return cause
        if isinstance(cause, OSError) and cause.errno in _FULL | _FORBIDDEN:
            return _storage_fault(cause)
    return _in_words(error) or _bug(error)


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    return chain


def _in_words(error: BaseException) -> LeptonError | None:
    """Look for a known fault in the text of a Spark error; the text itself is not passed on."""
    text = str(error)
    if match := _FROM_WORKER.search(text):
        kind = getattr(errors, match["kind"], InternalError)
        return kind(*match.group("code", "what", "why", "fix", "state"))
    if "No space left on device" in text:
        return _storage_fault(OSError(errno.ENOSPC, "", "a disk that Spark writes to"))
    if any(word in text for word in _MEMORY):
        return TryAgainError(
            "LS-7502",
            "Java ran out of memory.",
            "the session has less memory than this work needs.",
            "raise spark.driver.memory or spark.executor.memory in conf/env, and try again.",
        )
    return None


def _storage_fault(error: OSError) -> EnvironmentFault:
    place = error.filename or "a file"
    if error.errno in _FULL:
        return EnvironmentFault(
            "LS-5010",
            f"no space left for {place}.",
            "a table is published only when all of it is written.",
            "free some space (lakehouse, spark.local.dir, /tmp) and give the same command again.",
        )
    return EnvironmentFault(
        "LS-5011",
        f"{place} may not be written.",
        "the lakehouse belongs to the user that runs the command.",
        "give this user write access, or name another lakehouse in conf/env.",
    )


def _bug(error: BaseException) -> InternalError:
    names = " from ".join(_name(cause) for cause in _chain(error)[:3])
    return InternalError(
        "LS-7001",
        f"unexpected {names}.",
        f"this is a fault of lepton_spark: {_our_lines(error)}.",
        "report these lines; messages of other packages are left out, as they may quote data.",
        "what was published stays, nothing half-done can be seen",
    )


def _name(error: BaseException) -> str:
    condition = getattr(error, "getCondition", lambda: None)
    try:
        known = condition()
    except Exception:  # noqa: BLE001  # some Spark errors fail while they say what they are
        known = None
    return f"{type(error).__name__}[{known}]" if known else type(error).__name__


def _our_lines(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _OUR_FOLDER in Path(frame.filename).parents]
    places = [
        f"{Path(frame.filename).relative_to(_OUR_FOLDER.parent)}:{frame.lineno} {frame.name}"
        for frame in ours[-4:]
    ]
    return ", ".join(places) or "outside of its own code"

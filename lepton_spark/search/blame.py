"""Whether settings are to blame where a training of them does not come to its end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeGuard

from lepton_spark.errors import InternalError, LeptonError, TrainingError, TryAgainError
from lepton_spark.job.ending import ending_of
from lepton_spark.job.stop import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)
# What follows from settings: a loss that is not finite, a network that cannot be stored, a batch
# larger than the rows, columns that say nothing.
_OF_SETTINGS = {"LS-6013", "LS-6016", "LS-1061", "LS-2063"}
# What may follow from them: a process of Spark, a driver or a rank that has too little memory, a
# rank whose code fails, and all that is lost, hangs, or is unexpected. The first time it ends the
# search, as all else does; the second time it is of the settings.
_SUSPECT = {"LS-5030", "LS-5034", "LS-5035", "LS-5036", "LS-5044", "LS-6015"}
_SUSPECT_KINDS = {TryAgainError.exit_code, InternalError.exit_code}
_JAVA_ENDED = "LS-7532"
_MOST_KILLS = 2


def attempt(name: str, train: Callable[[], object], kills: int, spare: Callable[[], object]) -> str:
    """Train with some settings, unless two runs have died of them.

    Args:
        name: Of what is trained, for the log.
        train: Trains.
        kills: How often a run has ended amid these settings, perhaps because of them.
        spare: Notes, before an error is raised, that the settings are not to blame for it.

    Returns:
        The code of the error that the settings are to blame for; empty where they were trained.

    Raises:
        BaseException: Whatever ended the training and is not, or not yet, of the settings.
    """
    if kills >= _MOST_KILLS:
        return _told(name, _left(kills))
    try:
        train()
    except BaseException as error:
        is_suspect = _is_suspect(error)
        # Where the driver itself fails the run ends, or the next settings would be to blame.
        if _is_of_ranks(error) and (error.code in _OF_SETTINGS or (kills and is_suspect)):
            return _told(name, error)
        if not is_suspect:
            spare()
        raise
    return ""


def _is_of_ranks(error: BaseException) -> TypeGuard[LeptonError]:
    return isinstance(error, LeptonError) and error.code != _JAVA_ENDED


def _is_suspect(error: BaseException) -> bool:
    """Whether an end may follow from the settings: not one that was asked for, nor of a disk."""
    if any(isinstance(each, (Stopped, KeyboardInterrupt)) for each in _chain(error)):
        return False
    ending = ending_of(error)
    is_of_its_kind = ending.exit_code in _SUSPECT_KINDS and not isinstance(error, OSError)
    return ending.code in _SUSPECT or is_of_its_kind


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """What an error came from: after a signal, cleaning up may fail with one of its own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _told(name: str, error: LeptonError) -> str:
    logger.warning("%s failed: %s", name, error.what)
    return error.code


def _left(kills: int) -> TrainingError:
    return TrainingError(
        "LS-6042",
        f"{kills} runs of the search have ended amid these settings",
        "what may be fatal to the driver or its workers is tried no third time",
        "narrow search.space, or give the driver more memory",
    )

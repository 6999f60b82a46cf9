"""What a command was asked to do, checked before anything starts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_spark.context import moment_of
from lepton_spark.errors import UsageError

if TYPE_CHECKING:
    from lepton_spark.config.case import Case

LONGEST_ARGUMENT = 10_000
_SHOWN = 60
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


@dataclass(frozen=True)
class Request:
    """One command on one case.

    Args:
        command: What was asked for, such as `nightly`.
        overrides: Settings as `a.b=c`, applied over the files.
        revision: Raised by hand to publish other content under a key already published.
        until: The last logical date of a command on several; null where there is one.
    """

    command: str
    case: str
    as_of: date
    environment: str = "local"
    conf_dir: Path = Path("conf")
    overrides: tuple[str, ...] = ()
    revision: int = 0
    allow_empty: bool = False
    allow_future: bool = False
    until: date | None = None


def check_arguments(argv: Sequence[str]) -> None:
    """Refuse arguments that no command can mean.

    Raises:
        UsageError: One is too long or is not text.
    """
    for position, argument in enumerate(argv, start=1):
        if len(argument) > LONGEST_ARGUMENT:
            raise UsageError(
                "LS-0205",
                f"argument {position} has {len(argument)} characters.",
                f"none may have more than {LONGEST_ARGUMENT}.",
                "put long settings into the case file.",
            )
        if not argument.isascii() and any("\ud800" <= sign <= "\udfff" for sign in argument):
            raise UsageError(
                "LS-0206",
                f"argument {position} is not valid UTF-8.",
                "arguments are read as UTF-8 text.",
                "write it with a UTF-8 terminal, or set LANG=C.UTF-8.",
            )


def parse_name(text: str, option: str) -> str:
    """The text where it can name a case or an environment.

    Raises:
        UsageError: It cannot.
    """
    if _NAME.fullmatch(text):
        return text
    raise UsageError(
        "LS-0207",
        f"{option} is {shown(text)}.",
        "a name has letters, digits and _, and starts with a letter.",
        "`lepton cases` lists the cases.",
    )


def parse_day(text: str | None, option: str) -> date:
    """Read a logical date.

    Raises:
        UsageError: It is missing, or not a date of the calendar written YYYY-MM-DD.
    """
    if text is None:
        raise UsageError(
            "LS-0202",
            f"{option} is missing.",
            "a result must not depend on the day on which it is computed, so no date is assumed.",
            f"add {option} YYYY-MM-DD.",
        )
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(
        "LS-0203",
        f"{option} is {shown(text)}.",
        "dates are written YYYY-MM-DD and must be in the calendar.",
        f"write {option} as in 2024-02-29.",
    )


def refuse_future(request: Request, case: Case, now: datetime) -> None:
    """Refuse dates whose moment has not come.

    Raises:
        UsageError: The last moment is after `now` and the request does not allow that.
    """
    last = max(filter(None, (request.as_of, request.until)))
    moment = moment_of(last, case.predict.at)
    if moment > now and not request.allow_future:
        raise UsageError(
            "LS-0204",
            f"{last} has its moment at {moment:%Y-%m-%d %H:%M} UTC, yet to come.",
            "what is known at a moment is complete only after it.",
            "choose an earlier date; to run a night before its moment, add --allow-future.",
        )


def shown(text: str) -> str:
    """An argument as an error may show it: short, quoted, without control characters."""
    return ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")

"""The parent of all settings, and the types that several of them share."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from typing_extensions import TypeAliasType

from lepton_spark.config.sql_functions import FUNCTIONS
from lepton_spark.config.zone import read_zone


class Settings(BaseModel):
    """Frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


MAX_HOURS = 48  # longer windows are named in days
_UNITS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


def parse_window(text: object) -> object:
    """Turn `24 hours`, `7 days` or `4 weeks` into a timedelta; leave the rest to pydantic."""
    if not isinstance(text, str):
        return text
    match = re.fullmatch(r"(\d{1,5}) (hour|day|week)s?", text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError("write a whole number of hours, days or weeks, such as '24 hours'")
    return int(match[1]) * _UNITS[match[2]]


MOST_ROWS = 100
_WRITE_WINDOW = (
    "write a whole number of hours, days or weeks, up to 100 rows, or all, such as '7 days'"
)


class LastRows(Settings):
    """The newest rows that are known of a key."""

    number: int = Field(ge=1, le=MOST_ROWS, description="How many, at most.")


EVERYTHING_KNOWN: Literal["all"] = "all"
AnyWindow = timedelta | LastRows | Literal["all"]


def parse_any_window(text: object) -> object:
    """Turn `10 rows` or `all` into a window too; the rest is for `parse_window`."""
    if isinstance(text, timedelta | LastRows | dict) or text == EVERYTHING_KNOWN:
        return text
    if not isinstance(text, str):
        raise ValueError(_WRITE_WINDOW)
    match = re.fullmatch(r"(\d{1,3}) rows?", text.strip())
    if match is not None and 1 <= int(match[1]) <= MOST_ROWS:
        return LastRows(number=int(match[1]))
    try:
        return parse_window(text)
    except ValueError:
        raise ValueError(_WRITE_WINDOW) from None


def is_longer(longer: AnyWindow, shorter: AnyWindow) -> bool:
    """Whether one window holds all that the other does, and may hold more."""
    if isinstance(longer, timedelta) and isinstance(shorter, timedelta):
        return longer > shorter
    if isinstance(longer, LastRows) and isinstance(shorter, LastRows):
        return longer.number > shorter.number
    return longer == EVERYTHING_KNOWN != shorter


def window_label(window: AnyWindow) -> str:
    """Name a window in a column name: `24h` up to two days, else `7d`; `10r` or `all`."""
    if isinstance(window, LastRows):
        return f"{window.number}r"
    if not isinstance(window, timedelta):
        return window
    hours = int(window.total_seconds() // 3600)
    return f"{hours // 24}d" if hours % 24 == 0 and hours > MAX_HOURS else f"{hours}h"


IDENTIFIER = r"^[A-Za-z][A-Za-z0-9_]{0,79}$"
Identifier = Annotated[str, Field(pattern=IDENTIFIER, description="Letters, digits and _.")]
ColumnName = Identifier
ColumnPattern = Annotated[
    str,
    Field(pattern=r"^[A-Za-z*][A-Za-z0-9_*]{0,79}$", description="A column; * matches any text."),
]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="HH:MM, 24 hours.")]
ZoneName = Annotated[str, AfterValidator(read_zone)]
Window = Annotated[
    timedelta,
    BeforeValidator(parse_window),
    # Otherwise editors ask for a duration of ISO 8601, such as P7D.
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,5} (hour|day|week)s?$"}),
]
HistoryWindow = Annotated[
    AnyWindow,
    BeforeValidator(parse_any_window),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(\d+ (hour|day|week|row)s?|all)$", "title": "Window"}
    ),
]
# An alias with a name, so that the schema describes expressions in one place, for all keys.
SqlExpression = TypeAliasType(
    "SqlExpression",
    Annotated[
        str,
        Field(
            min_length=1,
            max_length=2000,
            description="An expression of Spark's SQL over the columns of one row. Functions: "
            f"{', '.join(sorted(FUNCTIONS))}.",
        ),
    ],
)

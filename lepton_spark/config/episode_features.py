"""Settings of features over episodes: sessions, by the gap between events, and baskets, by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from lepton_spark.config.model import ColumnName, Settings, SqlExpression, Window, window_label

_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
SessionMeasure = Literal["number", "mean_length", "mean_minutes", "age_hours"]
BasketMeasure = Literal["number", "mean_size", "mean_items", "items", "repeat_rate"]
KeySets = Annotated[
    tuple[tuple[ColumnName, ...], ...],
    Field(min_length=1, description="Sets of columns that both sources have; [] is all rows."),
]
Windows = Annotated[
    tuple[Window, ...],
    Field(min_length=1, description="Windows that end at the moment, such as 28 days."),
]


def _parse_gap(text: object) -> object:
    if not isinstance(text, str):
        return text
    match = re.fullmatch(r"(\d{1,5}) (minute|hour|day)s?", text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError("write a whole number of minutes, hours or days, such as '30 minutes'")
    return int(match[1]) * _UNITS[match[2]]


Gap = Annotated[
    timedelta,
    BeforeValidator(_parse_gap),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,5} (minute|hour|day)s?$"}),
]


class Sessions(Settings):
    """Events of one key that follow each other closely, among those known at the moment."""

    by: KeySets
    at: ColumnName = Field(description="Timestamp of an event; those without are left out.")
    gap: Gap = Field(
        description="A longer time without an event ends a session, such as 30 minutes."
    )
    over: Windows
    measures: tuple[SessionMeasure, ...] = Field(
        min_length=1,
        description="number; mean_length in events; mean_minutes from first to last event;"
        " age_hours since the last event.",
    )

    @property
    def counted(self) -> tuple[str, ...]:
        """Measures of whole sessions."""
        return tuple(name for name in self.measures if name != "age_hours")


class Baskets(Settings):
    """Rows of one key with one name, such as the lines of an invoice."""

    by: KeySets
    basket: tuple[ColumnName, ...] = Field(
        min_length=1,
        description="Columns that name a basket; without, a row counts as an item of none.",
    )
    item: ColumnName | None = Field(None, description="What is bought; null is no item.")
    over: Windows
    measures: tuple[BasketMeasure, ...] = Field(
        (),
        description="number; mean_size in rows and mean_items in distinct items of a basket;"
        " items: distinct in the window; repeat_rate: share of them that two baskets have.",
    )
    share: dict[ColumnName, SqlExpression] = Field(
        default_factory=dict,
        description="Name: a condition; the share of baskets with a row for which it holds.",
    )

    @model_validator(mode="after")
    def _something(self) -> Baskets:
        if not self.measures and not self.share:
            raise ValueError("give measures, share or both")
        if self.item is None and {"mean_items", "items", "repeat_rate"} & {*self.measures}:
            raise ValueError("mean_items, items and repeat_rate need item")
        return self

    @property
    def of_baskets(self) -> tuple[str, ...]:
        """What is known of each basket."""
        asked = ("number", "mean_size", "mean_items")
        return (*(name for name in asked if name in self.measures), *self.share)

    @property
    def of_items(self) -> tuple[str, ...]:
        """What is known of each item."""
        return tuple(name for name in ("items", "repeat_rate") if name in self.measures)


def episode_names(source: str, settings: Sessions | Baskets) -> list[str]:
    """Names of the features of one section, in the order of the table."""
    return [name for name, *_ in _named(source, settings)]


def split_name(
    name: str, source: str, settings: Sessions | Baskets
) -> tuple[tuple[str, ...], timedelta, str]:
    """Key columns, window and measure of a feature of one section."""
    return next(
        (by, window, measure)
        for known, by, window, measure in _named(source, settings)
        if known == name
    )


def _named(
    source: str, settings: Sessions | Baskets
) -> Iterator[tuple[str, tuple[str, ...], timedelta, str]]:
    if isinstance(settings, Sessions):
        measures = (*settings.counted, *({"age_hours"} & {*settings.measures}))
    else:
        measures = (*settings.of_baskets, *settings.of_items)
    for by in settings.by:
        for window in settings.over:
            prefix = f"{source}_{kind_of(settings)}_by_{'_'.join(by) or 'all'}"
            for measure in measures:
                yield f"{prefix}_{window_label(window)}_{measure}", by, window, measure


def kind_of(settings: Sessions | Baskets) -> str:
    """The key of the case file, and part of each name."""
    return "sessions" if isinstance(settings, Sessions) else "baskets"

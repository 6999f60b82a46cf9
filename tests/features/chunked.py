"""The events of a world as Spark prepares them, and the finder over chunks of days, without it."""

from __future__ import annotations

import itertools
import random
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
)

from lepton_spark.config.features import History
from lepton_spark.config.model import window_label
from lepton_spark.context import moment_of
from lepton_spark.features.events import NEVER
from lepton_spark.features.history import HistoryFinder, HistoryPlan
from lepton_spark.features.measure import Value
from lepton_spark.features.measured import planned_measure
from lepton_spark.features.questions import Days
from tests.features.oracle import MEASURES, OVER, VALUES
from tests.features.world import KEY_SETS, Event, World

if TYPE_CHECKING:
    from lepton_spark.config.case import Moment

EPOCH = date(1970, 1, 1)
TYPES: Mapping[str, DataType] = {
    "real": DoubleType(),
    "whole": LongType(),
    "shop": StringType(),
    "size": IntegerType(),
    "whole > 5": BooleanType(),
    "real / 1000": DoubleType(),
}
HISTORY = History.model_validate({"by": KEY_SETS, "over": [*OVER.values()], "measures": MEASURES})


@dataclass(frozen=True)
class Cut:
    """How the work is cut.

    Args:
        num_days: Of each chunk.
        seed: Of a random order of the events, in random pieces; None is as they are.
    """

    num_days: int = 100
    seed: int | None = None


WHOLE = Cut()
_INSTANT = pa.timestamp("us", "UTC")
_ARROW = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "long": pa.int64(),
    "double": pa.float64(),
}


def plan_of(history: History) -> tuple[HistoryPlan, dict[str, str]]:
    """The plan, and for each column `_v0`, `_v1` and so on its expression."""
    texts = [measure.expression for measure in history.measures.values()]
    names = {text: f"_v{at}" for at, text in enumerate(dict.fromkeys(texts)) if text != "*"}
    measures = []
    for name, measure in history.measures.items():
        text = measure.expression
        field = StructField(names[text], TYPES[text]) if text in names else None
        measures.append(planned_measure(name, measure, field, where=name))
    windows = {window_label(window): window for window in history.over}
    plan = HistoryPlan("sales", tuple(history.by), windows, tuple(measures))
    return plan, {column: text for text, column in names.items()}


PLAN, TEXTS = plan_of(HISTORY)


def prepared(world: World, value_of: Mapping[str, Callable[[Event], Any]] = VALUES) -> pa.Table:
    """What `events.prepare` makes of the events, whatever plan it is for."""
    superseded = _superseded(world)
    first_day = _grid(world.at)
    columns: dict[str, pa.Array] = {
        "world": pa.array([event.world for event in world.events], pa.int32()),
        "shop": pa.array([event.shop for event in world.events], pa.string()),
        "size": pa.array([event.size for event in world.events], pa.int32()),
        "_declared_at": pa.array([event.declared for event in world.events], _INSTANT),
        "_arrived_at": pa.array([event.arrived for event in world.events], _INSTANT),
        "_file": pa.array([event.file for event in world.events], pa.string()),
        "_row": pa.array([event.row for event in world.events], pa.int64()),
    }
    for measure in PLAN.measures:
        value = measure.value
        if value is not None:
            of = value_of[TEXTS["_".join(value.column.split("_")[:2])]]
            columns[value.column] = _column(value, [of(event) for event in world.events])
    enters = [first_day(event.known) for event in world.events]
    columns["_enters"] = pa.array(enters, pa.int32())
    for name, span in PLAN.spans.items():
        left = [
            max(enter, _left(event, end, span, first_day))
            for enter, event, end in zip(enters, world.events, superseded, strict=True)
        ]
        columns[name] = pa.array(left, pa.int32())
    return pa.table(columns)


def found_features(
    world: World,
    rows: Sequence[Any],
    events: pa.Table,
    *,
    cut: Cut = WHOLE,
    only: str | None = None,
) -> list[dict[str, Any]]:
    """The features of each row, by name.

    Args:
        world: Where the moments are.
        rows: To predict.
        events: Prepared.
        cut: How the work is cut.
        only: The one measure to find; None is all.
    """
    plan = PLAN
    if only is not None:
        plan = replace(plan, measures=tuple(each for each in plan.measures if each.name == only))
    first = min((row.day for row in rows), default=EPOCH)
    found: dict[int, dict[str, Any]] = {}
    for chunk in sorted({(row.day - first).days // cut.num_days for row in rows}):
        days = Days((first - EPOCH).days + chunk * cut.num_days, cut.num_days)
        mine = [
            at for at, row in enumerate(rows) if (row.day - first).days // cut.num_days == chunk
        ]
        table = pa.table(
            {
                "world": pa.array([rows[at].world for at in mine], pa.int32()),
                "shop": pa.array([rows[at].shop for at in mine], pa.string()),
                "size": pa.array([rows[at].size for at in mine], pa.int32()),
                "_day": pa.array([(rows[at].day - EPOCH).days for at in mine], pa.int32()),
                "_moment": pa.array([world.moment(rows[at].day) for at in mine], _INSTANT),
            }
        )
        finder = HistoryFinder(plan, table, days)
        for piece in _pieces(_touching(events, days), cut.seed):
            finder.add(piece)
        for name, values, place in finder.answers():
            taken = values.take(pa.array(place)).to_pylist()
            for at, value in zip(mine, taken, strict=True):
                found.setdefault(at, {})[name] = value
    return [found[at] for at in range(len(rows))]


def _touching(events: pa.Table, days: Days) -> pa.Table:
    last = days.first + days.number - 1
    leaves = [events[name].to_pylist() for name in PLAN.spans]
    touches = [
        enters <= last and max(left) > days.first
        for enters, *left in zip(events["_enters"].to_pylist(), *leaves, strict=True)
    ]
    return events.filter(pa.array(touches, pa.bool_()))


def _pieces(events: pa.Table, seed: int | None) -> list[pa.RecordBatch]:
    if seed is None:
        return events.combine_chunks().to_batches()
    random_ = random.Random(seed)
    order = random_.sample(range(events.num_rows), events.num_rows)
    size = random_.randrange(1, 20)
    return events.take(pa.array(order, pa.int64())).combine_chunks().to_batches(size)


def _column(value: Any, given: Sequence[Any]) -> pa.Array:
    if isinstance(value, Value):
        if not value.is_summed:
            return pa.array([None if each is None else 1 for each in given], pa.int32())
        if value.is_whole:
            return pa.array([None if each is None else int(each) for each in given], pa.int64())
        return pa.array(given, pa.float64())
    type_ = _ARROW[getattr(value, "type_", "double")]
    if type_ == pa.float64():
        given = [None if each is None else float(each) for each in given]
    return pa.array(given, type_)


def _superseded(world: World) -> list[datetime | None]:
    """When a newer version of each event was known."""
    by_event: dict[tuple[int, int], list[Event]] = {}
    for event in sorted(world.events, key=lambda event: event.order):
        by_event.setdefault((event.world, event.event), []).append(event)
    after: dict[int, datetime] = {}
    for versions in by_event.values():
        for newer, older in itertools.pairwise(versions[::-1]):
            after[id(older)] = min(newer.known, after.get(id(newer), newer.known))
    return [after.get(id(event)) for event in world.events]


def _left(
    event: Event,
    superseded: datetime | None,
    span: timedelta | None,
    first_day: Callable[[datetime], int],
) -> int:
    ends = [superseded, None if span is None else event.declared + span]
    known = [end for end in ends if end is not None]
    return first_day(min(known)) if known else NEVER


@cache
def _grid(at: Moment) -> Callable[[datetime], int]:
    """The first day whose moment is not before an instant."""
    begin = (date(1985, 1, 1) - EPOCH).days
    days = range(begin, begin + 365 * 70)
    moments = [moment_of(EPOCH + timedelta(days=day), at) for day in days]
    # A skipped day has the moment of the next one: the first of equals is meant.
    return lambda instant: begin + bisect_left(moments, instant.astimezone(UTC))

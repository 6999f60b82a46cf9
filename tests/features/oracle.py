"""What each measure must give, from the rows of a window in plain Python: slow and by the words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.features.world import DAY, HOUR, KEY_SETS, Event, World, is_same

OVER: Mapping[str, str] = {
    "24h": "24 hours",
    "60h": "60 hours",
    "7d": "7 days",
    "1r": "1 row",
    "4r": "4 rows",
    "all": "all",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONG = 10_000 * DAY
_SPANS = {"24h": DAY, "60h": 60 * HOUR, "7d": 7 * DAY, "all": _LONG, "1r": _LONG, "4r": _LONG}
MEASURES: Mapping[str, Mapping[str, Any]] = {
    "events": {"count": "*"},
    "reals": {"count": "real"},
    "total": {"sum": "whole"},
    "mean": {"mean": "real"},
    "big": {"share": "whole > 5"},
    "spread": {"deviation": "real / 1000"},
    "low": {"min": "real"},
    "high": {"max": "whole"},
    "middle": {"quantile": {"value": "real"}},
    "much": {"quantile": {"value": "whole", "at": 0.9}},
    "oldest": {"first": "shop"},
    "newest": {"last": "real"},
    "was_big": {"last": "whole > 5"},
    "before": {"lag": {"value": "whole", "rows": 2}},
    "shops": {"distinct": "shop"},
    "sizes": {"distinct": "real"},
    "shop": {"top": "shop"},
    "size": {"top": "size"},
    "mix": {"entropy": "shop"},
    "trend": {"slope": "real / 1000"},
    "quiet": {"time_since": "whole > 5"},
    "usual": {"ratio": {"value": "whole"}},
    "recent": {"ratio": {"value": "whole", "to": "7 days"}},
}
# What the case says, in Python.
VALUES: Mapping[str, Callable[[Event], Any]] = {
    "real": lambda event: event.real,
    "whole": lambda event: event.whole,
    "shop": lambda event: event.shop,
    "size": lambda event: event.size,
    "whole > 5": lambda event: None if event.whole is None else event.whole > 5,
    "real / 1000": lambda event: None if event.real is None else event.real / 1000,
}
Answer = Callable[[Sequence[tuple[Event, Any]], datetime], Any]


def wanted_features(
    row: Any, known: Sequence[Event], moment: datetime, matches: Callable[..., bool]
) -> dict[str, Any]:
    """The history features of one row, by name.

    Args:
        row: To predict.
        known: All that was known of its world.
        moment: Of the row.
        matches: Whether an event has the key of the row.
    """
    features: dict[str, Any] = {}
    for key in KEY_SETS:
        mine = sorted((event for event in known if matches(row, event, key)), key=_age)
        for label, span in _SPANS.items():
            inside = [event for event in mine if event.declared > moment - span]
            if label.endswith("r"):
                inside = inside[-int(label[:-1]) :]
            week = [event for event in mine if event.declared > moment - 7 * DAY]
            for name, measure in MEASURES.items():
                longer = measure.get("ratio", {}).get("to", "all")
                if "ratio" in measure and OVER[label] == longer:
                    continue
                found = _measured(measure, inside, moment, mine if longer == "all" else week)
                features[f"sales_by_{'_'.join(key)}_{label}_{name}"] = found
    return features


def wrong(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The features that are not what they must be."""
    assert found.keys() == wanted.keys()
    return [
        (name, found[name], number)
        for name, number in wanted.items()
        if not _is_right(name, found[name], number)
    ]


def _is_right(name: str, found: Any, wanted: Any) -> bool:
    if isinstance(wanted, str | bool) or wanted is None or found is None:
        return type(found) is type(wanted) and bool(found == wanted)
    if name.endswith(("_spread", "_trend")):  # a float of 32 bits
        return math.isclose(found, wanted, rel_tol=2e-7, abs_tol=1e-12)
    return is_same(found, wanted)


def _age(event: Event) -> tuple[Any, ...]:
    return event.declared, event.arrived, event.file, event.row


def _measured(
    measure: Mapping[str, Any], inside: Sequence[Event], moment: datetime, past: Sequence[Event]
) -> Any:
    ((kind, settings),) = measure.items()
    if settings == "*":
        return len(inside)
    text = settings if isinstance(settings, str) else settings["value"]

    def values(events: Sequence[Event]) -> list[tuple[Event, Any]]:
        each = [(event, VALUES[text](event)) for event in events]
        return [(event, value) for event, value in each if value is not None]

    rows = values(inside)
    if kind == "ratio":
        return _ratio(_numbers(rows), _numbers(values(past)))
    if kind == "lag":
        back = settings["rows"]
        return _as_float(rows[-back][1]) if len(rows) >= back else None
    if kind == "quantile":
        numbers = sorted(_numbers(rows))
        share = Fraction(str(settings.get("at", 0.5)))
        return float(numbers[math.ceil(share * len(numbers)) - 1]) if numbers else None
    return _ANSWERS[kind](rows, moment)


def _numbers(rows: Sequence[tuple[Event, Any]]) -> list[Fraction]:
    return [Fraction(value) for _, value in rows]


def _as_float(value: Any) -> Any:
    return float(value) if isinstance(value, int | float) and value is not bool(value) else value


def _mean(numbers: Sequence[Fraction]) -> Fraction | None:
    return sum(numbers, Fraction(0)) / len(numbers) if numbers else None


def _ratio(numbers: Sequence[Fraction], past: Sequence[Fraction]) -> float | None:
    mean, usual = _mean(numbers), _mean(past)
    return float(mean / usual) if mean is not None and usual else None


def _deviation(rows: Sequence[tuple[Event, Any]]) -> float | None:
    numbers = [_to_step(number) for number in _numbers(rows)]
    if len(numbers) < 2:
        return None
    mean = sum(numbers) / len(numbers)
    return math.sqrt(sum((number - mean) ** 2 for number in numbers) / (len(numbers) - 1))


def _slope(rows: Sequence[tuple[Event, Any]]) -> float | None:
    points = [
        (Fraction((event.declared - _EPOCH) // timedelta(milliseconds=1), 86_400_000), value)
        for event, value in rows
    ]
    if len({time for time, _ in points}) < 2:
        return None
    middle = sum(time for time, _ in points) / len(points)
    along = sum((time - middle) ** 2 for time, _ in points)
    return float(sum((time - middle) * _to_step(value) for time, value in points) / along)


def _to_step(number: float) -> Fraction:
    """The nearest 2**-40, to which numbers are taken before they are summed."""
    return Fraction(round(Fraction(number) * 2**40), 2**40)


def _top(rows: Sequence[tuple[Event, Any]]) -> Any:
    counts = Counter(value for _, value in rows)
    return min(counts, key=lambda value: (-counts[value], value), default=None)


def _entropy(rows: Sequence[tuple[Event, Any]]) -> float | None:
    counts = Counter(value for _, value in rows)
    shares = [count / len(rows) for count in counts.values()]
    return -sum(share * math.log2(share) for share in shares) + 0.0 if rows else None


def _since(rows: Sequence[tuple[Event, Any]], moment: datetime) -> float | None:
    last = max((event.declared for event, value in rows if value), default=None)
    return None if last is None else (moment - last) / HOUR


_ANSWERS: Mapping[str, Answer] = {
    "count": lambda rows, _: len(rows),
    "sum": lambda rows, _: float(sum(_numbers(rows))) if rows else None,
    "mean": lambda rows, _: float(_mean(_numbers(rows))) if rows else None,
    "share": lambda rows, _: float(_mean(_numbers(rows))) if rows else None,
    "deviation": lambda rows, _: _deviation(rows),
    "min": lambda rows, _: float(min(_numbers(rows))) if rows else None,
    "max": lambda rows, _: float(max(_numbers(rows))) if rows else None,
    "first": lambda rows, _: _as_float(rows[0][1]) if rows else None,
    "last": lambda rows, _: _as_float(rows[-1][1]) if rows else None,
    "distinct": lambda rows, _: len({value for _, value in rows}),
    "top": lambda rows, _: _top(rows),
    "entropy": lambda rows, _: _entropy(rows),
    "slope": lambda rows, _: _slope(rows),
    "time_since": _since,
}


def worlds_rows(world: World) -> list[Any]:
    """The rows to predict that were known when their day was predicted."""
    found = []
    for row in world.rows:
        moment = world.moment(row.day)
        mine = [each for each in world.rows if (each.world, each.row) == (row.world, row.row)]
        known = [each for each in mine if each.arrived <= moment]
        if max(known, key=lambda each: each.order, default=None) is row:
            found.append(row)
    return found

"""Measured numbers held against what a contract promises of a table: no Spark, no clock."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from statistics import median
from typing import TYPE_CHECKING

from lepton_spark.config.table_rules import ROWS
from lepton_spark.quality.finding import Finding
from lepton_spark.quality.metrics import MOST_PARTS, days_of

if TYPE_CHECKING:
    from lepton_spark.config.table_rules import Compared, Counted, Filled, Fresh, TableRules
    from lepton_spark.quality.metrics import Metric

_NAMES = {"volume": ROWS, "null_rate": "null_rate", "median": "quantile_0.5", "share": "share"}
_CODES = {"volume": "LS-2100", "median": "LS-2101", "null_rate": "LS-2102", "share": "LS-2105"}
_PERCENT = 100
_SHOWN_LETTERS = 60
_SECONDS_A_DAY = 86_400
_HOURS_TOLD = 48
# What a changed unit does to every value.
_UNITS = {
    100: "cents",
    1000: "thousandths, such as milliseconds or grams",
    1_000_000: "millionths, such as microseconds",
}
_UNIT_SPAN = 0.15


@dataclass(frozen=True)
class _Series:
    """One measure over the days.

    Args:
        part: Which rows, such as `kind=new`; None for the whole day.
        category: Of a share.
        values: Of measured days only.
    """

    part: str | None
    category: str | None
    values: Mapping[date, float]

    @property
    def suffix(self) -> str:
        """Of which part or category it is, in words."""
        named = self.part if self.part is not None else self.category
        if named is None:
            return ""
        return f" for {_shown(named)}" if self.part is not None else f" of {_shown(named)}"


def findings_of(
    rules: TableRules, measured: Sequence[Metric], earlier: Iterable[Metric]
) -> list[Finding]:
    """The rules that the measured days break, a rule after the other.

    Args:
        rules: Of the table; those of freshness are not looked at.
        measured: Of the days to judge.
        earlier: Of days that were measured in other runs. The volume of a day that is among them
            is not judged again: what comes now is the rest of it.
    """
    told = list(earlier)
    days = {metric.day for metric in measured if metric.day is not None}
    again = days & {metric.day for metric in told}
    found: Iterator[Iterable[Finding]] = chain(
        (_counted(rule, measured, again) for rule in rules.counted),
        (_filled(rule, measured) for rule in rules.filled),
        (_compared(rule, measured, told, days - again) for rule in rules.compared),
    )
    return [finding for findings in found for finding in findings]


def stale(
    rules: Iterable[Fresh], newest: Mapping[str, float | None], moment: datetime
) -> list[Finding]:
    """The columns whose newest value is too old.

    Args:
        rules: What the contract promises.
        newest: Column to seconds since 1970, UTC; a column without any value is not fresh.
        moment: Of the run.
    """
    return [finding for rule in rules if (finding := _stale(rule, newest, moment)) is not None]


def _stale(rule: Fresh, newest: Mapping[str, float | None], moment: datetime) -> Finding | None:
    seconds = newest.get(rule.column)
    allowed = _age(rule.at_most)
    why = "late data look like quiet days"
    if seconds is None:
        what = f"{rule.column} has no value up to the moment of the run"
        return Finding("LS-2107", f"{what}; at most {allowed} old is promised.", why, rule)
    now = moment.timestamp()
    if rule.is_date:
        # A date is as old as the days since it: its own hours do not make it late.
        now = now // _SECONDS_A_DAY * _SECONDS_A_DAY
    age = timedelta(seconds=now - seconds)
    if age <= rule.at_most:
        return None
    what = f"the newest {rule.column} is {_age(age)} old at {moment:%Y-%m-%d %H:%M} UTC"
    return Finding(
        "LS-2107", f"{what}, at most {allowed} is promised.", why, rule, age / rule.at_most
    )


def _age(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours:,.1f} hours" if hours < _HOURS_TOLD else f"{hours / 24:,.1f} days"


def _counted(
    rule: Counted, measured: Sequence[Metric], again: Iterable[date | None]
) -> Iterator[Finding]:
    rows = _sizes(measured)
    name, _, column = rule.counts.partition(":")
    for metric in measured:
        if (metric.name, metric.column or "", metric.part) != (name, column, None):
            continue
        if metric.day is None or (name == ROWS and metric.day in again):
            continue
        number = metric.value or 0.0
        found = _PERCENT * number / rows[None, metric.day] if rule.in_percent else number
        if rule.limit.holds(found):
            continue
        told = f"{found:,.2f} % of rows" if rule.in_percent else f"{found:,.0f} rows"
        named = "" if name == ROWS else f" with {rule.counts}"
        what = f"{told}{named} on {metric.day}, expected {rule.limit}"
        yield Finding("LS-2106", f"{what}.", "a rule of the contract counts them", rule)


def _filled(rule: Filled, measured: Sequence[Metric]) -> Iterator[Finding]:
    rows = _sizes(measured)
    for metric in measured:
        if (metric.column, metric.part) != (rule.column, None) or metric.day is None:
            continue
        number = rows[None, metric.day]
        if number < rule.min_rows:
            continue
        of = f"in all {number:,.0f} rows of {metric.day}"
        if metric.name == "null_rate" and metric.value == 1:
            what = f"{rule.column} is null {of}."
            yield Finding("LS-2104", what, "a column without any value tells nothing", rule)
        elif rule.varies and metric.name == "varies" and metric.value == 0:
            what = f"{rule.column} is constant, the same {of}."
            yield Finding("LS-2103", what, "a column that never changes tells nothing", rule)


def _compared(
    rule: Compared, measured: Sequence[Metric], told: Sequence[Metric], new: set[date]
) -> Iterator[Finding]:
    sizes = _sizes([*told, *measured])
    judged = new if rule.measure == "volume" else set(days_of(measured))
    for series in _series(rule, measured, told):
        for day in sorted(judged & series.values.keys()):
            earlier = [day - timedelta(days=back) for back in range(1, rule.days + 1)]
            past = [series.values[each] for each in earlier if each in series.values]
            if len(past) < rule.min_days:
                continue
            expected, found = median(past), series.values[day]
            rows = expected if rule.measure == "volume" else sizes.get((series.part, day), 0.0)
            if rows >= rule.min_rows:
                yield from _difference(rule, series, day, (found, expected, len(past)))


def _difference(
    rule: Compared, series: _Series, day: date, numbers: tuple[float, float, int]
) -> Iterator[Finding]:
    """What is wrong with a number of a day, beside the median of so many days before."""
    found, expected, num_days = numbers
    code, before = _CODES[rule.measure], f"of the {num_days} days before"
    if rule.measure == "volume":
        excess = abs(found - expected) / (rule.within * expected) if expected else 0.0
        low, high = max(0.0, expected * (1 - rule.within)), expected * (1 + rule.within)
        what = f"{found:,.0f} rows{series.suffix} on {day}, expected {low:,.0f}-{high:,.0f}"
        why = f"the median {before} is {expected:,.0f}"
    elif rule.measure == "median":
        # Of nothing there is no multiple.
        ratio = found / expected if expected else 1.0
        multiple = max(ratio, 1 / ratio) if ratio > 0 else math.inf
        excess = (multiple - 1) / rule.within
        of = f"{rule.column}{series.suffix}"
        what = f"the median of {of} on {day} is {ratio:,.4g} times that {before}{_hint(ratio)}"
        why = f"it may be {1 + rule.within:g} times as much, or as little"
    else:
        rise = found - expected
        is_fall_allowed = rule.measure == "null_rate"
        excess = (rise if is_fall_allowed else abs(rise)) / rule.within
        name = "null rate" if is_fall_allowed else "share"
        of = f"{rule.column}{series.suffix}"
        what = f"the {name} of {of} on {day} is {found:.1%}, expected {_span(rule, expected)}"
        why = f"the median {before} is {expected:.1%}"
    if excess > 1:
        yield Finding(code, f"{what}.", why, rule, excess)


def _span(rule: Compared, expected: float) -> str:
    high = f"{min(1.0, expected + rule.within):.1%}"
    if rule.measure == "null_rate":
        return f"at most {high}"
    return f"{max(0.0, expected - rule.within):.1%}-{high}"


def _hint(ratio: float) -> str:
    """What a ratio looks like: a changed unit, if it is near that of one."""
    for factor, named in _UNITS.items():
        if abs(ratio / factor - 1) <= _UNIT_SPAN:
            return f"; it looks like {named}"
        if abs(ratio * factor - 1) <= _UNIT_SPAN:
            return f"; it looks as if it had been {named} before"
    return ""


def _series(
    rule: Compared, measured: Sequence[Metric], told: Sequence[Metric]
) -> Iterator[_Series]:
    """Each measure that a rule compares, over all days; what was measured now counts."""
    values: dict[tuple[str | None, str | None], dict[date, float]] = {}
    name = _NAMES[rule.measure]
    for metric in (*told, *measured):
        is_wanted = metric.part is None or _by(metric.part) in rule.by
        if (metric.name, metric.column) != (name, rule.column) or not is_wanted:
            continue
        if metric.day is not None and metric.value is not None:
            values.setdefault((metric.part, metric.text), {})[metric.day] = metric.value
    sizes = _sizes([*told, *measured])
    nothing = {by: _nothing(rule, by, sizes) for by in {_by(part) for part, _ in values}}
    for (part, category), found in values.items():
        yield _Series(part, category, {**nothing[_by(part)], **found})


def _by(part: str | None) -> str:
    """The column by whose values a day is divided; empty for the whole day."""
    return (part or "").partition("=")[0]


def _nothing(
    rule: Compared, by: str, sizes: Mapping[tuple[str | None, date], float]
) -> dict[date, float]:
    """Zero for each measured day: a category, or a part, that is not there has no rows of it."""
    days = {day for part, day in sizes if part is None}
    if rule.measure == "share":
        return dict.fromkeys(days, 0.0)
    if rule.measure != "volume" or not by:
        return {}
    # On a day with as many parts as are measured, another may only be too small to be among them.
    parts = Counter(day for part, day in sizes if _by(part) == by)
    return {day: 0.0 for day in days if parts[day] < MOST_PARTS}


def _sizes(metrics: Iterable[Metric]) -> dict[tuple[str | None, date], float]:
    return {
        (each.part, each.day): each.value or 0.0
        for each in metrics
        if each.name == ROWS and each.day is not None
    }


def _shown(name: str) -> str:
    """The name of a part for a message: one line, printable, short."""
    text = "".join(letter if letter.isprintable() else "?" for letter in name)
    return text[:_SHOWN_LETTERS]

"""What each feature of a case is: made of what, known when, over which window, null when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lepton_spark.config.episode_features import Baskets, Sessions, split_name
from lepton_spark.config.feature_name import named_features
from lepton_spark.config.lineage import Lineage
from lepton_spark.config.model import LastRows, window_label
from lepton_spark.config.row_feature import row_features
from lepton_spark.features.measure import WindowMeasure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lepton_spark.config.case import Case
    from lepton_spark.config.contract import Contract
    from lepton_spark.config.document import KeyPath
    from lepton_spark.config.measure import Measure
    from lepton_spark.config.model import AnyWindow

_HOURS_A_DAY = 24
_COUNTS = frozenset({"count", "distinct"})
_NEVER = "never: 0 where there are none"
# Of numbers that are far smaller nothing is left, and of those near it not every digit.
_NEAREST = {
    **dict.fromkeys(("sum", "mean", "ratio"), "2**-48, about 3.6e-15, of each number"),
    **dict.fromkeys(("deviation", "slope"), "2**-40, about 9.1e-13, of each number"),
}
_VALUES = frozenset({"first", "last", "lag", "top"})


@dataclass(frozen=True)
class Explanation:
    """One feature.

    Args:
        type: Kind of the column that it is, or Spark's name of the type that it has.
        measure: What its value is.
        reads: The raw columns, as `source.column`, that its value and key follow from.
        key: Columns that the row and what it is computed from have in common.
        window: How far back it looks.
        known: From when on a row of the source counts.
        null: What it means that it is null.
        nearest: What numbers are taken to the nearest of before they are summed; "" where none are.
        asked_by: Key path of the case file.
    """

    name: str
    type: str
    source: str
    measure: str
    reads: tuple[str, ...]
    key: tuple[str, ...]
    window: str
    known: str
    null: str
    asked_by: str
    nearest: str = ""

    def facts(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    def __str__(self) -> str:
        """One fact a line, under its name."""
        told = {
            "what": f"{self.measure}, {self.type}",
            "from": f"{self.source}: {', '.join(self.reads) or 'its rows'}",
            "by": ", ".join(self.key) or "all rows",
            "window": self.window,
            "counts": self.known,
            "null": self.null,
            **({"nearest": self.nearest} if self.nearest else {}),
            "asked by": self.asked_by,
        }
        return "".join(
            [f"{self.name}\n", *(f"  {what:<9} {text}\n" for what, text in told.items())]
        )


def explain(case: Case, contracts: Mapping[str, Contract]) -> dict[str, Explanation]:
    """Every feature of a case by name, in the order of its table; starts nothing."""
    explainer = _Explainer(case, Lineage(case, contracts))
    return {name: explainer.explain(name, path) for name, path in named_features(case)}


class _Explainer:
    """Explains features of one case."""

    def __init__(self, case: Case, lineage: Lineage) -> None:
        self._case = case
        self._lineage = lineage
        self._of_row = {feature.name: feature for feature in row_features(case.features)}

    def explain(self, name: str, path: KeyPath) -> Explanation:
        """What the feature at this place of the case is made of, and from when."""
        section = str(path[1])
        if section == "latest":
            return self._latest(name, path)
        if section == "history":
            return self._history(name, path)
        if section in {"sessions", "baskets"}:
            return self._episode(name, path)
        if section == "windows":
            return self._window(name, path)
        return self._row(name, path)

    def _row(self, name: str, path: KeyPath) -> Explanation:
        each = self._case.predict.each
        made = self._of_row.get(name)
        reads = made.reads if made is not None else (name,)
        return Explanation(
            name=name,
            type=made.type_ if made is not None else self._lineage.kind(each, name),
            source=each,
            measure=made.measure if made is not None else f"{name} of the row",
            reads=self._raw(each, reads),
            key=self._case.key_of(each),
            window="the row itself",
            known=self._known(each),
            null=made.null if made is not None else "the row has no value",
            asked_by=_dotted(path),
        )

    def _latest(self, name: str, path: KeyPath) -> Explanation:
        source = str(path[2])
        latest = self._case.features.latest[source]
        column = name.removeprefix(f"{source}_")
        is_age = path[-1] != "take"
        window = _spoken(latest.within)
        known_at = getattr(self._case.sources.get(source), "known_at", None) or "*"
        made_of = self._lineage.raw_of(source, known_at) if is_age else self._raw(source, [column])
        return Explanation(
            name=name,
            type="float" if is_age else self._lineage.kind(source, column),
            source=source,
            measure="hours since the last row" if is_age else f"{column} of the last row",
            reads=tuple(sorted({*self._raw(source, latest.on), *made_of})),
            key=latest.on,
            window=f"the last row, if of {window}",
            known=self._known(source),
            null=f"no row was known in {window}"
            + ("" if is_age else ", or the last one has no value"),
            asked_by=_dotted(path),
        )

    def _history(self, name: str, path: KeyPath) -> Explanation:
        source, measure_name = str(path[2]), str(path[-1])
        history = self._case.features.history[source]
        measure = history.measures[measure_name]
        by, window = next(
            (columns, window)
            for columns in history.by
            for window in history.over
            if name.startswith(f"{source}_by_{'_'.join(columns) or 'all'}_{window_label(window)}_")
        )
        told = _spoken(window)
        made_of = self._lineage.raw_of(source, measure.expression)
        is_count = measure.kind in _COUNTS
        is_a_value = measure.kind in _VALUES
        return Explanation(
            name=name,
            type="as its value" if is_a_value else WindowMeasure(name, measure.kind).type_,
            source=source,
            measure=_measured(measure),
            reads=tuple(sorted(made_of | {*self._raw(source, by)})),
            key=by,
            window=told,
            known=self._known(source),
            null=_NEVER if is_count else _null(measure, told),
            asked_by=_dotted(path),
            nearest=_NEAREST.get(measure.kind, ""),
        )

    def _episode(self, name: str, path: KeyPath) -> Explanation:
        section, source = str(path[1]), str(path[2])
        settings: Sessions | Baskets = getattr(self._case.features, section)[source]
        by, window, measure = split_name(name, source, settings)
        if isinstance(settings, Sessions):
            columns: tuple[str, ...] = (settings.at,)
            what = f"{measure} of sessions that end with a gap over {settings.gap}"
        else:
            columns = (*settings.basket, *([settings.item] if settings.item else []))
            what = f"{measure} of baskets by {', '.join(settings.basket)}"
        condition = settings.share.get(measure) if isinstance(settings, Baskets) else None
        if condition is not None:
            what = f"share of baskets with a row where {condition}"
        made_of = self._lineage.raw_of(source, condition or "*")
        told = _spoken(window)
        is_count = measure in {"number", "items"}
        return Explanation(
            name=name,
            type="integer" if is_count else "float",
            source=source,
            measure=what,
            reads=tuple(sorted(made_of | {*self._raw(source, [*by, *columns])})),
            key=by,
            window=told,
            known=self._known(source),
            null=_NEVER if is_count else f"there are none in {told}",
            asked_by=_dotted(path),
        )

    def _window(self, name: str, path: KeyPath) -> Explanation:
        source, measure_name = str(path[2]), str(path[-1])
        windows = self._case.features.windows[source]
        measure = windows.measures[measure_name]
        made_of = self._lineage.raw_of(source, measure.expression)
        if windows.happened_at is not None:
            made_of |= self._lineage.raw_of(source, windows.happened_at)
        told = f"{windows.steps} steps of {_spoken(windows.every).removeprefix('the last ')}"
        of = _measured(measure)
        kinds = {
            "_mask": ("array of byte", f"1 where there is a {of}"),
            "_gap": ("array of float", f"hours since a step with a {of}"),
            "": (f"array of {WindowMeasure(name, measure.kind).type_}", of),
        }
        type_, what = next(found for end, found in kinds.items() if name.endswith(end))
        is_value = what == of
        null = "an item: no value in its step" if is_value else "never"
        return Explanation(
            name=name,
            type=type_,
            source=source,
            measure=what,
            reads=tuple(sorted(made_of | {*self._raw(source, [*windows.by, *windows.for_each])})),
            key=windows.by,
            window=told,
            known=self._known(source),
            null=_NEVER if is_value and measure.kind in _COUNTS else null,
            asked_by=_dotted(path),
            nearest=_NEAREST.get(measure.kind, "") if is_value else "",
        )

    def _raw(self, source: str, columns: Sequence[str]) -> tuple[str, ...]:
        found = (self._lineage.raw(source, column) for column in columns)
        return tuple(sorted(frozenset().union(*found)))

    def _known(self, source: str) -> str:
        return ", ".join(_parts_of_knowledge(self._case, source))


def _parts_of_knowledge(case: Case, source: str) -> Iterator[str]:
    settings, at = case.sources.get(source), case.predict.at
    if settings is None:
        yield "from when its last member was known"
        yield f"for a moment at {at.time} {at.zone} of {case.predict.day} or later"
        return
    arrives = settings.arrives
    if settings.known_at is not None:
        yield f"from {settings.known_at}"
    if arrives is None:
        yield "always there" if settings.known_at is None else "whenever its file arrived"
    else:
        days = f"{arrives.days:+d} days" if arrives.days else "the same day"
        yield f"not before its file: {days} at {arrives.time} {arrives.zone}"
    yield f"for a moment at {at.time} {at.zone} of {case.predict.day} or later"


def _measured(measure: Measure) -> str:
    """What a measure of history is, in words."""
    if measure.lag is not None:
        return f"{measure.expression}, {measure.lag.rows} rows back"
    if measure.quantile is not None:
        return f"{measure.quantile.at:g} quantile of {measure.expression}"
    if measure.ratio is not None:
        return f"mean of {measure.expression} over that of {_spoken(measure.ratio.to)}"
    return f"{measure.kind} of {measure.expression}".replace("of *", "of rows")


def _null(measure: Measure, window: str) -> str:
    if measure.lag is not None:
        return f"fewer than {measure.lag.rows} values in {window}"
    if measure.kind == "deviation":
        return f"fewer than two values in {window}"
    if measure.kind == "slope":
        return f"fewer than two values in {window}, or all of the same millisecond"
    return f"no value in {window}" + (", or a mean of 0 to compare with" if measure.ratio else "")


def _spoken(window: AnyWindow) -> str:
    if isinstance(window, LastRows):
        return f"the newest {window.number} rows"
    if not isinstance(window, timedelta):
        return "all that was known"
    hours = window // timedelta(hours=1)
    days, rest = divmod(hours, _HOURS_A_DAY)
    return f"the last {hours} hours" if rest or days < 2 else f"the last {days} days"  # noqa: PLR2004  # one day is 24 hours


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)

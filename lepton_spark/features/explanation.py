"""What each feature of a case is: made of what, known when, over which window, null when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lepton_spark.config.feature_name import named_features
from lepton_spark.config.lineage import Lineage
from lepton_spark.config.model import window_label
from lepton_spark.config.row_feature import row_features
from lepton_spark.features.measure import WindowMeasure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lepton_spark.config.case import Case
    from lepton_spark.config.contract import Contract
    from lepton_spark.config.document import KeyPath

_HOURS_A_DAY = 24


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
        section = str(path[1])
        if section == "latest":
            return self._latest(name, path)
        if section == "history":
            return self._history(name, path)
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
            key=self._case.sources[each].key,
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
        window = _spoken(latest.within.total_seconds())
        known_at = self._case.sources[source].known_at or "*"
        made_of = self._lineage.raw_of(source, known_at) if is_age else self._raw(source, [column])
        return Explanation(
            name=name,
            type="float" if is_age else self._lineage.kind(source, column),
            source=source,
            measure="hours since the last row" if is_age else f"{column} of the last row",
            reads=tuple(sorted({*self._raw(source, latest.on), *made_of})),
            key=latest.on,
            window=f"the last row, if of the last {window}",
            known=self._known(source),
            null=f"no row was known in the last {window}"
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
        told = _spoken(window.total_seconds())
        made_of = self._lineage.raw_of(source, measure.expression)
        is_count = measure.kind == "count"
        return Explanation(
            name=name,
            type=WindowMeasure(measure_name, measure.kind).type_,
            source=source,
            measure=f"{measure.kind} of {measure.expression}".replace("of *", "of rows"),
            reads=tuple(sorted(made_of | {*self._raw(source, by)})),
            key=by,
            window=f"the last {told}",
            known=self._known(source),
            null="never: 0 where there are none" if is_count else f"no value in the last {told}",
            asked_by=_dotted(path),
        )

    def _raw(self, source: str, columns: Sequence[str]) -> tuple[str, ...]:
        found = (self._lineage.raw(source, column) for column in columns)
        return tuple(sorted(frozenset().union(*found)))

    def _known(self, source: str) -> str:
        return ", ".join(_parts_of_knowledge(self._case, source))


def _parts_of_knowledge(case: Case, source: str) -> Iterator[str]:
    settings, at = case.sources[source], case.predict.at
    arrives = settings.arrives
    if settings.known_at is not None:
        yield f"from {settings.known_at}"
    if arrives is None:
        yield "always there" if settings.known_at is None else "whenever its file arrived"
    else:
        days = f"{arrives.days:+d} days" if arrives.days else "the same day"
        yield f"not before its file: {days} at {arrives.time} {arrives.zone}"
    yield f"for a moment at {at.time} {at.zone} of {case.predict.day} or later"


def _spoken(seconds: float) -> str:
    hours = int(seconds // 3600)
    days, rest = divmod(hours, _HOURS_A_DAY)
    return f"{hours} hours" if rest or days == 0 else f"{days} day{'s' if days > 1 else ''}"


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)

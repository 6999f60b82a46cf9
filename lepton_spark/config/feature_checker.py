"""Hold the features of a case against the columns of its clean tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.column import NUMBERS
from lepton_spark.config.columns import dotted
from lepton_spark.config.feature_name import feature_names, named_features
from lepton_spark.config.model import is_longer, window_label
from lepton_spark.config.nearest import nearest
from lepton_spark.config.row_checker import FEATURE_KINDS, RowChecker
from lepton_spark.config.row_feature import row_features

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lepton_spark.config.columns import Columns
    from lepton_spark.config.document import KeyPath
    from lepton_spark.config.features import History, Latest
    from lepton_spark.config.measure import Measure, Ratio

_READ = "a column of the row that another feature reads"
_CATEGORY = frozenset({"string", "integer", "boolean"})
# What each measure can be of; anything can be counted.
MEASURED: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("sum", "mean", "deviation", "min", "max", "quantile"), NUMBERS),
    **dict.fromkeys(("slope", "ratio"), NUMBERS),
    **dict.fromkeys(("first", "last", "lag"), frozenset(FEATURE_KINDS)),
    **dict.fromkeys(("top", "entropy"), _CATEGORY),
    **dict.fromkeys(("share", "time_since"), frozenset({"boolean"})),
    "distinct": _CATEGORY | NUMBERS | {"date"},
}


class FeatureChecker(RowChecker):
    """Checks that features can be computed, may be, and have names of their own."""

    def check_own(self) -> None:
        """Features of the row: columns of the predicted source, none of which tells the label."""
        for index, name in enumerate(self.case.features.own):
            self.check_column(("features", "own", index), name, FEATURE_KINDS)
        self.check_images()
        self.check_graphs()
        self.check_row_features()

    def check_latest(self, source: str, latest: Latest) -> None:
        """Last known rows: both sources have the columns to join on."""
        path: KeyPath = ("features", "latest", source)
        columns = self._known_source(path, source)
        self._check_join((*path, "on"), latest.on, source, columns)
        for name in latest.take:
            self.silver.refuse_unknown((*path, "take"), name, columns, source)
            self._check_feature((*path, "take"), name, columns)

    def check_history(self, source: str, history: History) -> None:
        """Windows: both sources have the columns, and every measure is of what it can measure."""
        path: KeyPath = ("features", "history", source)
        columns = self._known_source(path, source)
        for index, by in enumerate(history.by):
            self._check_join((*path, "by", index), by, source, columns)
        self._check_measures(path, history.measures, columns)
        for name, measure in history.measures.items():
            if measure.ratio is not None:
                self._check_longer((*path, "measures", name, "ratio", "to"), history, measure.ratio)

    def _check_measures(
        self, path: KeyPath, measures: Mapping[str, Measure], columns: Columns
    ) -> None:
        for name, measure in measures.items():
            place = (*path, "measures", name, *measure.place)
            if measure.expression == "*":
                continue
            checked = self.parse(place, measure.expression, columns)
            for used in checked.exposed:
                self.refuse_personal(place, used, columns)
            if measure.kind in MEASURED:
                self.demand(place, checked.kind, set(MEASURED[measure.kind]))

    def check_names(self) -> None:
        """No feature has the name of another, of the label, or of a column that others read."""
        predict = self.case.predict
        key = self.case.key_of(predict.each)
        taken = {name.lower(): _READ for name in self._read_columns()}
        taken |= {name.lower(): "the key or day" for name in (*key, predict.day)}
        if self.case.predict.label is not None:
            taken[self.case.predict.label.name.lower()] = "the label"
        for name, path in named_features(self.case):
            other = taken.get(name.lower())
            is_itself = path[1] == "own" and other in ("the key or day", _READ)
            if other is not None and not is_itself:
                self.refuse(
                    path,
                    f"the feature {name} has the name of {other}",
                    "each column of the feature table has its own name",
                    "leave one out, or rename its source, measure or column",
                    "LS-1042",
                )
            taken[name.lower()] = "another feature"
        self._check_some()
        self._check_chosen(("features", "as_category"), self.case.features.as_category)
        slices = [name for name in self.case.evaluate.slices if name != "month"]
        self._check_chosen(("evaluate", "slices"), slices)

    def _check_some(self) -> None:
        if self.case.has_aim and not feature_names(self.case):
            self.refuse(
                ("features",),
                f"the case predicts {self.case.aim.label.name} from no feature at all",
                "a model learns from at least one",
                f"name columns of {self.case.predict.each} under features.own, or measures under"
                " features.history",
                "LS-1097",
            )

    def _read_columns(self) -> Iterator[str]:
        """Columns of the row that stand beside its features until all of them are made."""
        features = self.case.features
        for feature in row_features(features):
            yield from feature.reads
        for windows in features.windows.values():
            yield from windows.by

    def _check_longer(self, path: KeyPath, history: History, ratio: Ratio) -> None:
        """See that a ratio compares windows with one that holds more."""
        others = [window for window in history.over if window != ratio.to]
        for window in others or history.over:
            if not is_longer(ratio.to, window):
                self.refuse(
                    path,
                    f"{window_label(ratio.to)} is not longer than the window"
                    f" {window_label(window)}",
                    "a ratio compares the mean of a window with that of a longer one",
                    "write a longer window, or all, which is the key's own past",
                    "LS-1085",
                )

    def _check_feature(self, path: KeyPath, name: str, columns: Columns) -> None:
        self.demand(path, columns[name].kind, FEATURE_KINDS, name)
        self.refuse_personal(path, name, columns)

    def _check_join(
        self, path: KeyPath, names: Sequence[str], source: str, columns: Columns
    ) -> None:
        each = self.case.predict.each
        rows = self.silver.of(each)
        for name in names:
            self.silver.refuse_unknown(path, name, rows, each)
            self.silver.refuse_unknown(path, name, columns, source)
            self.demand(path, columns[name].kind, {rows[name].kind}, f"{name} of {source}")
            self.refuse_personal(path, name, rows)

    def _check_chosen(self, path: KeyPath, names: Sequence[str]) -> None:
        known = feature_names(self.case)
        for name in names:
            if name not in known:
                self.refuse(
                    path,
                    f"{dotted(path)} names {name}, which is no feature",
                    "it chooses among the features of the case",
                    nearest(name, known),
                    "LS-1018",
                )

    def _known_source(self, path: KeyPath, name: str) -> Columns:
        columns = self.source(path, name)
        source = self.case.sources.get(name)  # an entity is known when its last member is
        if source is not None and source.known_at is None and source.arrives is None:
            self.refuse(
                path,
                f"it is not said when rows of {name} become known",
                "a feature over time may use only what was known at the moment",
                f"give sources.{name} known_at or arrives; a table without time is a lookup",
                "LS-1044",
            )
        return columns

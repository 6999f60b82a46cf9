"""Hold what is fitted on training rows against the features of a case."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from lepton_spark.config.checker import Checker
from lepton_spark.config.column import NUMBERS, is_any
from lepton_spark.config.feature_name import named_features
from lepton_spark.config.nearest import nearest
from lepton_spark.config.row_feature import categories_of, row_features

if TYPE_CHECKING:
    from collections.abc import Collection

    from lepton_spark.config.document import KeyPath

_NUMBERS = {*NUMBERS, "boolean"}
_NAMES = {"string", "integer", "boolean"}
_COUNTS = {"count", "distinct"}
_TEXTS = {"string"}
_KINDS = {"string": "string", "boolean": "boolean", "integer": "integer"}
_VALUES = {"first", "last", "lag", "top"}


class TransformChecker(Checker):
    """Checks that outliers, encodings and texts are of features that can have them."""

    def check_transform(self) -> None:
        """Each name is a feature of a fitting kind, and what becomes of it is said once."""
        settings = self.case.transform
        kinds = self._kinds()
        encoding = settings.target_encoding
        encoded = encoding.columns if encoding is not None else ()
        path: KeyPath = ("transform", "target_encoding", "columns")
        for index, name in enumerate(encoded):
            self._demand_feature((*path, index), name, kinds, _NAMES)
        taken = dict.fromkeys(encoded, "target_encoding")
        for key, names in (("text", settings.text), ("tokens", settings.tokens)):
            for name in names:
                self._demand_feature(("transform", key, name), name, kinds, _TEXTS)
                if key == "tokens":
                    self.check_reader(("transform", key, name), "gru", "the words of a text")
                if name in taken:
                    self.refuse(
                        ("transform", key, name),
                        f"{name} is named by {key} and by {taken[name]}",
                        "a feature becomes one thing",
                        f"remove {name} from one of them",
                        "LS-1091",
                    )
                taken[name] = key
        for index, name in enumerate(self.case.features.as_category):
            if name in kinds:
                path = ("features", "as_category", index)
                self._demand_feature(path, name, kinds, {*_NAMES, "date"})
        others = {*taken, *categories_of(self.case.features)}
        numbers = [n for n, kind in kinds.items() if kind in _NUMBERS and n not in others]
        for pattern in settings.outliers:
            if not any(fnmatchcase(name, pattern) for name in numbers):
                self.refuse(
                    ("transform", "outliers", pattern),
                    f"{pattern} matches no feature that is a number",
                    "outliers are looked for among numbers, less those that name things",
                    nearest(pattern, numbers),
                    "LS-1090",
                )
        self._check_left_out(kinds, numbers)

    def _check_left_out(self, kinds: Collection[str], numbers: Collection[str]) -> None:
        """What the network is not given is there, leaves something, and refuses no row."""
        patterns = self.case.model.leave_out
        refusing = [
            name for name, rule in self.case.transform.outliers.items() if rule.then == "refuse"
        ]
        for index, pattern in enumerate(patterns):
            left_out = [name for name in kinds if fnmatchcase(name, pattern)]
            path: KeyPath = ("model", "leave_out", index)
            if not left_out:
                self.refuse(
                    path,
                    f"{pattern} matches no feature",
                    "a name without a feature has no effect",
                    nearest(pattern, kinds),
                    "LS-1090",
                )
            graphs = self.case.features.graph_columns
            both = [n for n in left_out if n in graphs or (n in numbers and is_any(n, refusing))]
            if both:
                what = "graph refuses" if both[0] in graphs else "outliers refuse"
                self.refuse(
                    path,
                    f"{pattern} leaves out {both[0]}, whose {what} rows",
                    "a row is refused by all models or by none, or they cannot be compared",
                    f"keep {both[0]}, or let its outliers be flagged or clipped",
                    "LS-1115",
                )
        if kinds and all(is_any(name, patterns) for name in kinds):
            self.refuse(
                ("model", "leave_out"),
                "every feature is left out",
                "a network learns from at least one",
                "leave fewer out",
                "LS-1115",
            )

    def _kinds(self) -> dict[str, str]:
        """Kind of each feature by name; ages, counts, sums, means and shares are numbers."""
        case = self.case
        own = self.silver.of(case.predict.each)
        kinds = {name: self._measured(path) for name, path in named_features(case)}
        kinds |= {
            feature.name: _KINDS.get(feature.type_, "number")
            for feature in row_features(case.features)
        }
        kinds |= {name: own[name].kind for name in case.features.own}
        kinds |= dict.fromkeys(case.features.images, "binary")
        kinds |= dict.fromkeys(case.features.graph_columns, "graph")
        for source, latest in case.features.latest.items():
            columns = self.silver.of(source)
            kinds |= {f"{source}_{name}": columns[name].kind for name in latest.take}
        return kinds

    def _measured(self, path: KeyPath) -> str:
        """Kind of a feature: of history's values that of its expression, else a number."""
        if path[1] != "history":
            return "number"
        measure = self.case.features.history[str(path[2])].measures[str(path[-1])]
        if measure.kind not in _VALUES:
            return "integer" if measure.kind in _COUNTS else "number"
        return self.parse(path, measure.expression, self.silver.of(str(path[2]))).kind or "number"

    def _demand_feature(
        self, path: KeyPath, name: str, kinds: dict[str, str], wanted: Collection[str]
    ) -> None:
        fitting = [feature for feature, kind in kinds.items() if kind in wanted]
        if name not in fitting:
            found = f"{name}, a {kinds[name]}" if name in kinds else f"{name}, which is no feature"
            self.refuse(
                path,
                f"the transform names {found}",
                f"it takes features that are {' or '.join(sorted(wanted))}",
                nearest(name, fitting),
                "LS-1090",
            )

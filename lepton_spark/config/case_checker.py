"""Hold what a case predicts and computes against the columns of its clean tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from lepton_spark.config.column import NUMBERS
from lepton_spark.config.columns import Columns, SilverColumns, Where, demand, dotted
from lepton_spark.config.document import KeyPath, refuse
from lepton_spark.config.expression import Checked, parse
from lepton_spark.config.feature_name import feature_names, named_features
from lepton_spark.config.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lepton_spark.config.case import Case, History, Latest

FEATURE_KINDS = {*NUMBERS, "string", "boolean"}


class CaseChecker:
    """Checks prediction, label and features against the columns of the clean tables."""

    def __init__(self, case: Case, silver: SilverColumns, where: Where) -> None:
        self.case = case
        self.silver = silver
        self.where = where

    def check_prediction(self) -> None:
        """The predicted source, its day, and the key that goes into every gold table."""
        predict = self.case.predict
        rows = self._source(("predict", "each"), predict.each)
        self.silver.refuse_unknown(("predict", "day"), predict.day, rows, predict.each)
        self._demand(("predict", "day"), rows[predict.day].kind, {"date"})
        self._refuse_personal(("predict", "day"), predict.day, rows)
        for name in self.case.sources[predict.each].key:
            self._refuse_personal(("sources", predict.each, "key"), name, rows)

    def check_label(self) -> None:
        """The label's source, key and expressions."""
        predict = self.case.predict
        label = self.case.aim.label
        path: KeyPath = ("predict", "label")
        outcomes = self._source((*path, "from"), label.source)
        rows = self.silver.of(predict.each)
        wanted = self.case.sources[predict.each].key
        if set(self.case.sources[label.source].key) != set(wanted):
            self._refuse(
                (*path, "from"),
                f"{label.source} and {predict.each} have different keys",
                "each predicted row has at most one outcome, found by its key",
                f"give both the key [{', '.join(wanted)}]",
                "LS-1045",
            )
        for name in wanted:
            self._demand((*path, "from"), outcomes[name].kind, {rows[name].kind})
        for key, text in (("is", label.is_), ("only_if", label.only_if)):
            if text is not None:
                checked = self._parse((*path, key), text, outcomes)
                self._demand((*path, key), checked.kind, {"boolean"})

    def check_own(self) -> None:
        """Own features: columns of the predicted source, none of which tells the label."""
        each = self.case.predict.each
        rows = self.silver.of(each)
        label = self.case.predict.label
        secret = self._label_columns() if label is not None else frozenset()
        for index, name in enumerate(self.case.features.own):
            path: KeyPath = ("features", "own", index)
            is_shared = label is not None and each == label.source
            reads = rows[name].reads if name in rows and is_shared else frozenset({name})
            if (is_shared or name not in rows) and reads & secret:
                self._refuse(
                    path,
                    f"{name} tells the label {self.case.aim.label.name}",
                    "what is predicted must not be among the features",
                    f"remove {name} from features.own",
                    "LS-1040",
                )
            self.silver.refuse_unknown(path, name, rows, each)
            self._check_feature(path, name, rows)

    def check_latest(self, source: str, latest: Latest) -> None:
        """Last known rows: both sources have the columns to join on."""
        path: KeyPath = ("features", "latest", source)
        columns = self._known_source(path, source)
        self._check_join((*path, "on"), latest.on, source, columns)
        for name in latest.take:
            self.silver.refuse_unknown((*path, "take"), name, columns, source)
            self._check_feature((*path, "take"), name, columns)

    def check_history(self, source: str, history: History) -> None:
        """Windows: both sources have the columns, and every measure is a number."""
        path: KeyPath = ("features", "history", source)
        columns = self._known_source(path, source)
        for index, by in enumerate(history.by):
            self._check_join((*path, "by", index), by, source, columns)
        for name, measure in history.measures.items():
            place = (*path, "measures", name, measure.kind)
            if measure.expression == "*":
                continue
            checked = self._parse(place, measure.expression, columns)
            for used in checked.exposed:
                self._refuse_personal(place, used, columns)
            if measure.kind != "count":
                self._demand(
                    place, checked.kind, {"boolean"} if measure.kind == "share" else set(NUMBERS)
                )

    def check_names(self) -> None:
        """No two features, nor a feature and the label, share a name."""
        each = self.case.sources[self.case.predict.each]
        taken = {name.lower(): "the key or day" for name in (*each.key, self.case.predict.day)}
        if self.case.predict.label is not None:
            taken[self.case.predict.label.name.lower()] = "the label"
        for name, path in named_features(self.case):
            other = taken.get(name.lower())
            is_key = path[1] == "own" and other == "the key or day"
            if other is not None and not is_key:
                self._refuse(
                    path,
                    f"the feature {name} has the name of {other}",
                    "each column of the feature table has its own name",
                    "leave one out, or rename its source, measure or column",
                    "LS-1042",
                )
            taken[name.lower()] = "another feature"
        self._check_chosen(("features", "as_category"), self.case.features.as_category)
        slices = [name for name in self.case.evaluate.slices if name != "month"]
        self._check_chosen(("evaluate", "slices"), slices)

    def check_models(self) -> None:
        """The gate can be passed, and compares with a model that is trained."""
        gate, train = self.case.aim.gate, self.case.train
        if gate.suspicious_above <= gate.at_least:
            self._refuse(
                ("gate", "suspicious_above"),
                "suspicious_above is not above at_least",
                "no model could pass: good enough would already count as a leak",
                f"raise suspicious_above above {gate.at_least}",
                "LS-1007",
            )
        if gate.better_than not in train.baselines:
            self._refuse(
                ("gate", "better_than"),
                f"the gate compares with {gate.better_than}, which is not trained",
                "the baseline is trained in the same run",
                f"add {gate.better_than} to train.baselines",
                "LS-1019",
            )
        if train.average and "boosted_trees" not in train.baselines:
            self._refuse(
                ("train", "average"),
                "the average is of the network and boosted trees, which are not trained",
                "its members are trained in the same run",
                "add boosted_trees to train.baselines",
                "LS-1019",
            )

    def _check_feature(self, path: KeyPath, name: str, columns: Columns) -> None:
        self._demand(path, columns[name].kind, FEATURE_KINDS, name)
        self._refuse_personal(path, name, columns)

    def _check_join(
        self, path: KeyPath, names: Sequence[str], source: str, columns: Columns
    ) -> None:
        each = self.case.predict.each
        rows = self.silver.of(each)
        for name in names:
            self.silver.refuse_unknown(path, name, rows, each)
            self.silver.refuse_unknown(path, name, columns, source)
            self._demand(path, columns[name].kind, {rows[name].kind}, f"{name} of {source}")
            self._refuse_personal(path, name, rows)

    def _check_chosen(self, path: KeyPath, names: Sequence[str]) -> None:
        known = feature_names(self.case)
        for name in names:
            if name not in known:
                self._refuse(
                    path,
                    f"{dotted(path)} names {name}, which is no feature",
                    "it chooses among the features of the case",
                    nearest(name, known),
                    "LS-1018",
                )

    def _label_columns(self) -> frozenset[str]:
        """The label's name, and what its value is made from, but for the row's key and day."""
        predict, label = self.case.predict, self.case.aim.label
        outcomes = self.silver.of(label.source)
        checked = self._parse(("predict", "label", "is"), label.is_, outcomes)
        made_from = frozenset().union(*(outcomes[name].reads for name in checked.columns))
        given = {*self.case.sources[predict.each].key, predict.day}
        return (made_from - given) | {label.name}

    def _source(self, path: KeyPath, name: str) -> Columns:
        if name not in self.case.sources:
            self._refuse(
                path,
                f"{dotted(path)} names {name}, which is no source",
                "it is one of the sources of the case",
                nearest(name, self.case.sources),
                "LS-1019",
            )
        return self.silver.of(name)

    def _known_source(self, path: KeyPath, name: str) -> Columns:
        columns = self._source(path, name)
        source = self.case.sources[name]
        if source.known_at is None and source.arrives is None:
            self._refuse(
                path,
                f"it is not said when rows of {name} become known",
                "a feature over time may use only what was known at the moment",
                f"give sources.{name} known_at or arrives; a table without time is a lookup",
                "LS-1044",
            )
        return columns

    def _refuse_personal(self, path: KeyPath, name: str, columns: Columns) -> None:
        if columns[name].is_personal:
            self._refuse(
                path,
                f"{name} holds personal or guarded values",
                "its contract classifies it so; no such value may reach a gold table or partition",
                "replace it upstream by a token without meaning, or use a coarse value of it, "
                "such as a year or a length",
                "LS-1041",
            )

    def _parse(self, path: KeyPath, text: str, columns: Columns) -> Checked:
        kinds = {name: column.kind for name, column in columns.items()}
        return parse(text, columns=kinds, where=f"{self.where(path)}: {dotted(path)}")

    def _demand(
        self, path: KeyPath, kind: str | None, wanted: set[str], what: str | None = None
    ) -> None:
        demand(self.where(path), what or dotted(path), kind, wanted)

    def _refuse(self, path: KeyPath, what: str, why: str, fix: str, code: str) -> NoReturn:
        refuse(self.where(path), what, why, fix, code=code)

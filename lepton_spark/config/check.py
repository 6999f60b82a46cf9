"""Hold a case against its contracts, and all of it against the environment: no Spark needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from lepton_spark.config.case import Case, History, Latest
from lepton_spark.config.columns import Columns, SilverColumns, Where, demand, dotted
from lepton_spark.config.contract import Contract, load_contract
from lepton_spark.config.document import KeyPath, refuse
from lepton_spark.config.environment import Environment
from lepton_spark.config.expression import Checked, parse
from lepton_spark.config.loader import case_document, load_case, load_environment
from lepton_spark.config.location import STORAGE_SCHEMES, check_inside
from lepton_spark.config.model import window_label
from lepton_spark.config.nearest import nearest

_FEATURE_KINDS = {"string", "integer", "number", "decimal", "boolean"}
_NUMBERS = {"integer", "number", "decimal"}


@dataclass(frozen=True)
class Loaded:
    """A case that fits its contracts, and the place to run it.

    Args:
        contracts: By name, those that the sources point to.
    """

    case: Case
    environment: Environment
    contracts: Mapping[str, Contract]


def load_all(
    conf_dir: Path, case_name: str, env_name: str, overrides: Sequence[str] = ()
) -> Loaded:
    """Load and check everything that a command needs; starts nothing.

    Raises:
        ConfigError: Something is wrong or does not fit; the first such thing is told.
    """
    conf_dir = Path(conf_dir)
    environment = load_environment(conf_dir, env_name, overrides)
    case = load_case(conf_dir, case_name, overrides)
    document = case_document(conf_dir, case_name, overrides)
    contracts = load_contracts(conf_dir, case, where=document.place_of)
    check_case(case, contracts, where=document.place_of)
    _check_place(case, environment, document.place_of)
    return Loaded(case, environment, contracts)


def load_contracts(conf_dir: Path, case: Case, *, where: Where = dotted) -> dict[str, Contract]:
    """The contracts of all sources of a case, by name.

    Raises:
        ConfigError: One is absent or wrong.
    """
    contracts: dict[str, Contract] = {}
    names = {path.name.removesuffix(".odcs.yml") for path in Path(conf_dir).glob("contracts/*")}
    for source, settings in case.sources.items():
        if settings.contract not in names:
            path: KeyPath = ("sources", source, "contract")
            refuse(
                where(path),
                f"there is no contract {settings.contract}",
                f"it would be {conf_dir}/contracts/{settings.contract}.odcs.yml",
                nearest(settings.contract, names),
                code="LS-1000",
            )
        contracts[settings.contract] = load_contract(conf_dir, settings.contract)
    return contracts


def check_case(case: Case, contracts: Mapping[str, Contract], *, where: Where = dotted) -> None:
    """See that everything a case names is there and fits.

    Args:
        contracts: By name.
        where: Says where in the files a key path was written.

    Raises:
        ConfigError: The first thing that does not.
    """
    silver = SilverColumns(case, contracts, where)
    for source in case.sources:
        silver.of(source)
    checker = _CaseChecker(case, silver, where)
    checker.check_prediction()
    checker.check_label()
    checker.check_own()
    for source, latest in case.features.latest.items():
        checker.check_latest(source, latest)
    for source, history in case.features.history.items():
        checker.check_history(source, history)
    checker.check_names()
    checker.check_models()


def feature_names(case: Case) -> tuple[str, ...]:
    """Names of all feature columns: own, latest, history, in the order written."""
    return tuple(name for name, _ in _named_features(case))


def _named_features(case: Case) -> list[tuple[str, KeyPath]]:
    features = case.features
    names: list[tuple[str, KeyPath]] = [
        (name, ("features", "own", index)) for index, name in enumerate(features.own)
    ]
    for source, latest in features.latest.items():
        path: KeyPath = ("features", "latest", source)
        names += [(f"{source}_{column}", (*path, "take")) for column in latest.take]
        names.append((f"{source}_age_hours", path))
    for source, history in features.history.items():
        path = ("features", "history", source)
        for columns in history.by:
            by = "_".join(columns) or "all"
            names += [
                (f"{source}_by_{by}_{window_label(window)}_{measure}", (*path, "measures", measure))
                for window in history.over
                for measure in history.measures
            ]
    return names


class _CaseChecker:
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
        label = predict.label
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
        secret = self._label_columns()
        for index, name in enumerate(self.case.features.own):
            path: KeyPath = ("features", "own", index)
            is_shared = each == self.case.predict.label.source
            reads = rows[name].reads if name in rows and is_shared else frozenset({name})
            if (is_shared or name not in rows) and reads & secret:
                self._refuse(
                    path,
                    f"{name} tells the label {self.case.predict.label.name}",
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
                self._demand(place, checked.kind, {"boolean"} if measure.kind == "share" else _NUMBERS)

    def check_names(self) -> None:
        """No two features, nor a feature and the label, share a name."""
        each = self.case.sources[self.case.predict.each]
        taken = {name.lower(): "the key or day" for name in (*each.key, self.case.predict.day)}
        taken[self.case.predict.label.name.lower()] = "the label"
        for name, path in _named_features(self.case):
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
        gate, train = self.case.gate, self.case.train
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
        if train.launcher == "local" and train.workers != 1:
            self._refuse(
                ("train", "workers"),
                f"the launcher local runs one process, not {train.workers}",
                "several ranks need Horovod",
                "set train.workers=1, or train.launcher=barrier",
                "LS-1007",
            )

    def _check_feature(self, path: KeyPath, name: str, columns: Columns) -> None:
        self._demand(path, columns[name].kind, _FEATURE_KINDS, name)
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
        predict = self.case.predict
        outcomes = self.silver.of(predict.label.source)
        checked = self._parse(("predict", "label", "is"), predict.label.is_, outcomes)
        made_from = frozenset().union(*(outcomes[name].reads for name in checked.columns))
        given = {*self.case.sources[predict.each].key, predict.day}
        return (made_from - given) | {predict.label.name}

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


def _check_place(case: Case, environment: Environment, where: Where) -> None:
    """See that the environment can hold the case."""
    most = environment.max_workers
    if most is not None and case.train.workers > most:
        refuse(
            where(("train", "workers")),
            f"{case.train.workers} training processes are asked for",
            f"the environment {environment.name} holds at most {most}",
            f"set train.workers={most}, or raise max_workers of the environment",
            code="LS-1007",
        )
    landing = environment.landing or f"{environment.lakehouse}/landing"
    if landing.split(":", 1)[0] in STORAGE_SCHEMES:
        return
    for name, source in case.sources.items():
        place = where(("sources", name, "path"))
        check_inside(Path(landing) / case.case, source.path, where=place)

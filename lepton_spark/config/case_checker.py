"""Hold what a case predicts against the columns of its clean tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.checker import Checker
from lepton_spark.config.column import NUMBERS
from lepton_spark.config.own_columns import with_own_columns
from lepton_spark.config.task import CHOICES, baselines_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from lepton_spark.config.document import KeyPath

_NAMES = {"string", "integer", "boolean"}
_LABELS = {"is": {"boolean"}, "class": _NAMES, "value": {*NUMBERS}}


class CaseChecker(Checker):
    """Checks prediction, label and models against the columns of the clean tables."""

    def check_prediction(self) -> None:
        """The predicted source, its day, and the key that goes into every gold table."""
        predict = self.case.predict
        rows = self.source(("predict", "each"), predict.each)
        self.silver.refuse_unknown(("predict", "day"), predict.day, rows, predict.each)
        self.demand(("predict", "day"), rows[predict.day].kind, {"date"})
        self.refuse_personal(("predict", "day"), predict.day, rows)
        if rows[predict.day].is_optional:
            self.refuse(
                ("predict", "day"),
                f"{predict.day} of {predict.each} may be without a value",
                "its contract does not require it, and a row without a day is on no day: it would"
                " never be predicted, and nobody would be told",
                "write required: true for the column in the contract",
                "LS-1094",
            )
        for name in self.case.key_of(predict.each):
            self.refuse_personal(("sources", predict.each, "key"), name, rows)
        source = self.case.sources.get(predict.each)
        if self.case.has_aim and source is not None and source.near_duplicates is not None:
            self.refuse(
                ("sources", predict.each, "near_duplicates"),
                f"{predict.each} is predicted, and its near-duplicates would have no prediction",
                "a row whose text is nearly that of another is set aside as a duplicate",
                "remove near_duplicates here, or make entities of the source and predict those",
                "LS-1092",
            )

    def check_label(self) -> None:
        """The label's source, key and expressions."""
        predict = self.case.predict
        label = self.case.aim.label
        path: KeyPath = ("predict", "label")
        outcomes = self.source((*path, "from"), label.source)
        rows = self.silver.of(predict.each)
        wanted = self.case.key_of(predict.each)
        if set(self.case.key_of(label.source)) != set(wanted):
            self.refuse(
                (*path, "from"),
                f"{label.source} and {predict.each} have different keys",
                "each predicted row has at most one outcome, found by its key",
                f"give both the key [{', '.join(wanted)}]",
                "LS-1045",
            )
        for name in wanted:
            self.demand((*path, "from"), outcomes[name].kind, {rows[name].kind})
        key, text = label.expression
        self.demand((*path, key), self.parse((*path, key), text, outcomes).kind, _LABELS[key])
        if label.only_if is not None:
            checked = self.parse((*path, "only_if"), label.only_if, outcomes)
            self.demand((*path, "only_if"), checked.kind, {"boolean"})
        self._check_groups()

    def _check_groups(self) -> None:
        """What rows are grouped by is in the feature table, and has values to be equal by."""
        predict = self.case.predict
        rows = self.silver.of(predict.each)
        own = with_own_columns(self.case, rows, self.where)[0].features.own
        known = {*self.case.key_of(predict.each), predict.day, *own}
        for index, name in enumerate(self.case.aim.split.by):
            path: KeyPath = ("predict", "split", "by", index)
            self.silver.refuse_unknown(path, name, rows, predict.each)
            if name not in known:
                self.refuse(
                    path,
                    f"{name} is in no key, day or own feature of {predict.each}",
                    "the dataset holds no other columns of the predicted rows",
                    f"add {name} to the key of {predict.each} and of the label's source, or to"
                    " features.own",
                    "LS-1019",
                )
            self.demand(path, rows[name].kind, {*_NAMES, "date"})

    def check_models(self) -> None:
        """The gate can be passed, compares with a model that is trained, and all fit the label."""
        gate, train = self.case.aim.gate, self.case.train
        low, high = gate.bounds
        if high <= low:
            name, floor = ("at_most", low) if gate.is_error else ("suspicious_above", low)
            self.refuse(
                ("gate", name),
                f"{name} is not above {'suspicious_below' if gate.is_error else 'at_least'}",
                "no model could pass: good enough would already count as a leak",
                f"raise {name} above {floor}",
                "LS-1007",
            )
        self._check_task()
        if gate.better_than not in train.baselines:
            self.refuse(
                ("gate", "better_than"),
                f"the gate compares with {gate.better_than}, which is not trained",
                "the baseline is trained in the same run",
                f"add {gate.better_than} to train.baselines",
                "LS-1019",
            )
        if gate.yardstick not in (None, *train.baselines):
            self.refuse(
                ("gate", "metric"),
                f"nothing says which {gate.metric} is too good to be true",
                f"it is a share of that of {gate.yardstick}, which is not trained",
                f"add {gate.yardstick} to train.baselines, or give gate.suspicious_below",
                "LS-1019",
            )
        if train.average and "boosted_trees" not in train.baselines:
            self.refuse(
                ("train", "average"),
                "the average is of the network and boosted trees, which are not trained",
                "its members are trained in the same run",
                "add boosted_trees to train.baselines",
                "LS-1019",
            )

    def _check_task(self) -> None:
        """Loss, metric, baselines and encodings are of the kind of the label."""
        label, train, gate = self.case.aim.label, self.case.train, self.case.aim.gate
        choices, what = CHOICES[label.kind], f"predict.label.{label.expression[0]}"
        self._demand_one(("train", "loss", "kind"), train.loss.kind, choices.losses, what)
        self._demand_one(("gate", "metric"), gate.metric, choices.metrics, what)
        known = baselines_of(label.kind, train.loss.kind)
        for index, name in enumerate(train.baselines):
            self._demand_one(("train", "baselines", index), name, known, what)
        if gate.metric == "pinball" and train.loss.kind != "quantile":
            self._demand_one(("gate", "metric"), gate.metric, ("rmse", "mae", "r2"), what)
        if label.kind != "binary" and self.case.transform.target_encoding is not None:
            self.refuse(
                ("transform", "target_encoding"),
                f"{what} has no positives",
                "a feature is encoded as the share of positives of each of its values",
                "remove transform.target_encoding",
                "LS-1099",
            )

    def _demand_one(self, path: KeyPath, name: str, known: Collection[str], what: str) -> None:
        if name not in known:
            self.refuse(
                path,
                f"{name} does not fit {what}",
                "losses, metrics and baselines are of positives, of classes or of amounts",
                f"choose one of {', '.join(known)}",
                "LS-1099",
            )

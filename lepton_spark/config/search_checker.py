"""See before a search that every setting of its space is one, and may have its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.document import refuse
from lepton_spark.config.searched import number_kind, with_settings
from lepton_spark.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lepton_spark.config.case import Case
    from lepton_spark.config.columns import Where
    from lepton_spark.config.search import Dimension, FoldSettings

_PLACE = "it says where and how a training runs, not how good it becomes"
_OTHERS = "a trial trains the network alone"
_REFUSED = {
    "train.launcher": _PLACE,
    "train.workers": _PLACE,
    "train.stall_seconds": _PLACE,
    "train.checkpoint_minutes": _PLACE,
    "train.baselines": _OTHERS,
    "train.average": _OTHERS,
    "train.seed": "a seed that is better on some rows is not on others",
    "train.loss": "losses of another kind cannot be compared, and trials are judged by them",
    "transform.outliers": "they may refuse rows, and trials are judged on the same ones",
    "transform.target_encoding.folds": "the dataset was prepared with it",
    "transform.target_encoding.seed": "the dataset was prepared with it",
}


class SearchChecker:
    """Tries the ends of each range, and each choice, on the case.

    Args:
        check: Raises `ConfigError` where a case does not fit its contracts.
    """

    def __init__(self, case: Case, where: Where, check: Callable[[Case], object]) -> None:
        self._case = case
        self._where = where
        self._check = check

    def check_search(self) -> None:
        """Each setting on its own, the others as the case has them.

        Raises:
            ConfigError: The first that does not fit.
        """
        if self._case.search is None:
            return
        self._check_folds(self._case.search.folds)
        for name, dimension in self._case.search.space.items():
            self._refuse_senseless(name)
            self._check_values(name, dimension)
            self._check_range(name, dimension)

    def _check_folds(self, folds: FoldSettings | None) -> None:
        label = self._case.predict.label
        if folds is None or folds.kind != "stratified" or label is None or label.kind != "amount":
            return
        refuse(
            self._where(("search", "folds", "kind")),
            f"stratified does not fit {label.name}, which is an amount",
            "each value of a label is dealt in equal shares, and an amount has too many",
            "choose time_ordered, or grouped by a column",
            code="LS-1135",
        )

    def _refuse_senseless(self, name: str) -> None:
        for refused, why in _REFUSED.items():
            if name == refused or name.startswith(f"{refused}."):
                refuse(
                    self._place(name),
                    f"{name[:80]} is not searched",
                    why,
                    f"remove {name[:80]} from search.space",
                    code="LS-1131",
                )

    def _check_range(self, name: str, dimension: Dimension) -> None:
        if dimension.choices is not None:
            return
        kind = number_kind(self._case, name)
        if kind is None:
            refuse(
                self._place(name),
                f"{name[:80]} is no number",
                "low and high are the ends of a range of numbers",
                "write its values: {choices: [...]}",
                code="LS-1132",
            )
        if kind == "whole" and isinstance(dimension.step, float):
            refuse(
                self._place(name),
                f"the step of {name[:80]} is no whole number",
                f"{name[:80]} is one",
                "write a whole number, or leave step out",
                code="LS-1132",
            )

    def _check_values(self, name: str, dimension: Dimension) -> None:
        place = self._place(name)
        for value in dimension.extremes:
            changed = with_settings(self._case, {name: value}, place=place)
            try:
                self._check(changed.model_copy(update={"search": None}))
            except ConfigError as error:
                refuse(
                    place,
                    f"{name[:80]} cannot have one of its values: {error.what}",
                    error.why,
                    error.fix,
                    code=error.code,
                )

    def _place(self, name: str) -> str:
        return self._where(("search", "space", name))

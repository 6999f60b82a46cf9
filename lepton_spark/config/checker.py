"""What every check of a case can do: find columns, and say what is wrong and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from lepton_spark.config.columns import Columns, SilverColumns, Where, demand, dotted
from lepton_spark.config.document import KeyPath, refuse
from lepton_spark.config.expression import Checked, parse
from lepton_spark.config.nearest import nearest

if TYPE_CHECKING:
    from lepton_spark.config.case import Case


class Checker:
    """A part of a case held against the columns of its clean tables."""

    def __init__(self, case: Case, silver: SilverColumns, where: Where) -> None:
        self.case = case
        self.silver = silver
        self.where = where

    def source(self, path: KeyPath, name: str) -> Columns:
        """The columns of a source or an entity that a key path names."""
        if name not in self.case.sources and name not in self.case.entities:
            self.refuse(
                path,
                f"{dotted(path)} names {name}, which is no source",
                "it is one of the sources of the case",
                nearest(name, [*self.case.sources, *self.case.entities]),
                "LS-1019",
            )
        return self.silver.of(name)

    def refuse_personal(self, path: KeyPath, name: str, columns: Columns) -> None:
        """See that a column may reach a gold table."""
        if columns[name].is_personal:
            self.refuse(
                path,
                f"{name} holds personal or guarded values",
                "its contract classifies it so; no such value may reach a gold table or partition",
                "replace it upstream by a token without meaning, or use a coarse value of it, "
                "such as a year or a length",
                "LS-1041",
            )

    def parse(self, path: KeyPath, text: str, columns: Columns) -> Checked:
        """A checked expression over some columns."""
        kinds = {name: column.kind for name, column in columns.items()}
        return parse(text, columns=kinds, where=f"{self.where(path)}: {dotted(path)}")

    def demand(
        self, path: KeyPath, kind: str | None, wanted: set[str], what: str | None = None
    ) -> None:
        """See that a value has one of some kinds."""
        demand(self.where(path), what or dotted(path), kind, wanted)

    def check_reader(self, path: KeyPath, kind: str, what: str) -> None:
        """See that the network reads what is no number and no category."""
        if self.case.has_aim and self.case.model.kind not in (kind, "multimodal"):
            self.refuse(
                path,
                f"the case predicts {self.case.aim.label.name} from {what}",
                f"a {self.case.model.kind} does not read them",
                f"set model.kind to {kind}, or to multimodal, which reads all of them,"
                " or take other features",
                "LS-1082",
            )

    def refuse(self, path: KeyPath, what: str, why: str, fix: str, code: str) -> NoReturn:
        """Raise what is wrong with a key path."""
        refuse(self.where(path), what, why, fix, code=code)

"""What a raw table promises: the Open Data Contract Standard, 3.1, as this project executes it.

A promise that nobody would check is refused rather than ignored: every property of a contract
is either executed, or documentation, or an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject
from pydantic import ValidationError

from lepton_spark.config.column import Bound, Column, Kind
from lepton_spark.config.column_reader import ColumnReader
from lepton_spark.config.document import Document, KeyPath, read_document, refuse
from lepton_spark.config.quality_reader import QualityReader
from lepton_spark.config.table_rule_reader import TableRuleReader
from lepton_spark.config.table_rules import Promise, RowSeverity, TableRules, gathered
from lepton_spark.config.validation import refuse_invalid

__all__ = ["SUFFIX", "Bound", "Column", "Contract", "Kind", "load_contract"]

SUFFIX = ".odcs.yml"


@dataclass(frozen=True)
class Contract:
    """The columns of one raw table, in the order of its file, and what it promises as a whole.

    Args:
        table: As `schema` calls it, and as relationships of other contracts do.
    """

    name: str
    columns: tuple[Column, ...]
    table: str = ""
    rules: TableRules = field(default_factory=TableRules)

    @property
    def kinds(self) -> dict[str, str]:
        """Column name to kind."""
        return {column.name: column.kind for column in self.columns}

    @property
    def row_severities(self) -> dict[str, RowSeverity]:
        """Reasons whose rows are not simply refused, such as `missing:email`."""
        cells = {
            f"{code}:{column.name}": severity
            for column in self.columns
            for code, severity in column.severities
        }
        unique = {rule.code: rule.row_severity for rule in self.rules.unique}
        found = {rule.code: rule.severity for rule in self.rules.relationships}
        return {
            code: severity
            for code, severity in (cells | unique | found).items()
            if severity != "error"
        }


def load_contract(conf_dir: Path, name: str) -> Contract:
    """Read `<conf_dir>/contracts/<name>.odcs.yml`.

    Raises:
        ConfigError: The file is no contract, or promises what would not be checked.
    """
    path = Path(conf_dir) / "contracts" / f"{name}{SUFFIX}"
    document = read_document(path, root=Path(conf_dir))
    standard = _parse(document)
    table = _only_table(standard, document)
    columns = _columns(document, table)
    if not columns:
        refuse(
            document.place_of(("schema", 0)),
            "the table has no properties",
            "a contract names every column",
            "list them under `properties`",
        )
    rules = TableRuleReader(document, columns)
    promises: list[Promise] = []
    for index, (column, item) in enumerate(
        zip(columns.values(), table.properties or [], strict=True)
    ):
        place = _property(index)
        rules.read_property(place, column.name)
        quality = QualityReader(document, place, column, columns)
        quality.read(item.quality or [])
        columns[column.name] = quality.column
        promises += quality.promises
    rules.read()
    return Contract(
        name, tuple(columns.values()), table.name or name, gathered([*rules.promises, *promises])
    )


def _property(index: int) -> KeyPath:
    return ("schema", 0, "properties", index)


def _columns(document: Document, table: SchemaObject) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for index, item in enumerate(table.properties or []):
        reader = ColumnReader(document, _property(index), item)
        column = reader.read(taken={name.lower() for name in columns})
        columns[column.name] = column
    return columns


def _parse(document: Document) -> OpenDataContractStandard:
    version = str(document.values.get("apiVersion", ""))
    if not re.fullmatch(r"v3\.[0-9]+\.[0-9]+", version):
        refuse(
            document.place_of(("apiVersion",)),
            "the contract is not written for version 3 of the standard",
            "apiVersion says which form a contract has; this release reads v3.x",
            "write `apiVersion: v3.1.0`, or upgrade lepton-spark",
            code="LS-1020",
        )
    try:
        return OpenDataContractStandard.model_validate(document.values)
    except ValidationError as error:
        refuse_invalid(error, document, OpenDataContractStandard)


def _only_table(standard: OpenDataContractStandard, document: Document) -> SchemaObject:
    tables = standard.schema_ or []
    if len(tables) != 1:
        refuse(
            document.place_of(("schema",)),
            f"the contract describes {len(tables)} tables",
            "one file here is the contract of one table",
            "write one entry under `schema`",
        )
    return tables[0]

"""What a raw table promises: the Open Data Contract Standard, 3.1, as this project executes it.

A promise that nobody would check is refused rather than ignored: every property of a contract
is either executed, or documentation, or an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject
from pydantic import ValidationError

from lepton_spark.config.column import Bound, Column, Kind
from lepton_spark.config.column_reader import ColumnReader
from lepton_spark.config.document import Document, read_document, refuse
from lepton_spark.config.validation import refuse_invalid

__all__ = ["SUFFIX", "Bound", "Column", "Contract", "Kind", "load_contract"]

SUFFIX = ".odcs.yml"


@dataclass(frozen=True)
class Contract:
    """The columns of one raw table, in the order of its file."""

    name: str
    columns: tuple[Column, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """Column name to kind."""
        return {column.name: column.kind for column in self.columns}


def load_contract(conf_dir: Path, name: str) -> Contract:
    """Read `<conf_dir>/contracts/<name>.odcs.yml`.

    Raises:
        ConfigError: The file is no contract, or promises what would not be checked.
    """
    path = Path(conf_dir) / "contracts" / f"{name}{SUFFIX}"
    document = read_document(path, root=Path(conf_dir))
    standard = _parse(document)
    table = _only_table(standard, document)
    columns: list[Column] = []
    for index, item in enumerate(table.properties or []):
        reader = ColumnReader(document, ("schema", 0, "properties", index), item)
        columns.append(reader.read(taken={column.name.lower() for column in columns}))
    if not columns:
        refuse(
            document.place_of(("schema", 0)),
            "the table has no properties",
            "a contract names every column",
            "list them under `properties`",
        )
    return Contract(name, tuple(columns))


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
    if tables[0].quality:
        refuse(
            document.place_of(("schema", 0, "quality")),
            "rules over a whole table are not executed",
            "a promise that nobody checks is refused",
            "write rules under a property; set min_rows and max_refused in the case",
        )
    return tables[0]

"""A contract as a file, for a person to complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from lepton_spark.config.scalar import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lepton_spark.config.column import Column

_HEAD = """\
# {name}: as one file seemed to be. Say what each column promises: required, unique, ranges,
# patterns, validValues, relationships, and `classification: personal` for what must not become a
# feature. What the table promises as a whole goes under `quality` and `slaProperties`.
"""


class _Writer(yaml.SafeDumper):
    """Quotes a text that `read_document` would not take for itself, as 08, y and 1e3."""


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if is_plain_text(text) and text.isprintable() else '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)


def contract_text(name: str, columns: Sequence[Column]) -> str:
    """The text of a data contract (ODCS 3.1) that `load_contract` reads as these columns."""
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name,
        "name": name,
        "version": "0.1.0",
        "status": "draft",
        "schema": [{"name": name, "properties": [_property(column) for column in columns]}],
    }
    written = yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=100)
    return _HEAD.format(name=name) + written


def _property(column: Column) -> dict[str, Any]:
    written: dict[str, Any] = {"name": column.name}
    if column.header is not None:
        written["physicalName"] = column.header
    written["logicalType"] = "string" if column.kind == "binary" else column.kind
    if column.kind == "binary":
        written["physicalType"] = "binary"
    if column.required:
        written["required"] = True
    if column.maximum is not None:
        written["logicalTypeOptions"] = {"maximum": column.maximum}
    return written

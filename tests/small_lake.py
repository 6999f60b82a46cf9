"""A case on a lake of its own whose raw files a test writes: the real stages, no model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_spark.bronze.stage import land
from lepton_spark.config.case import Case
from lepton_spark.lake import tables
from lepton_spark.lake.tables import TableId
from lepton_spark.silver.stage import refine
from tests.conftest import TINY_CASE, make_context

if TYPE_CHECKING:
    from lepton_spark.config.contract import Contract
    from lepton_spark.context import RunContext, StageResult

QUARANTINE = TableId("ops", "quarantine")


@dataclass
class SmallLake:
    """Raw files, tables and what became of rows.

    Args:
        spark: None where nothing is computed.
        folder: Holds the lake and its landing folder.
        document: The case, over the tiny one.
        contracts: By name.
    """

    spark: Any
    folder: Path
    document: Mapping[str, Any]
    contracts: Mapping[str, Contract]
    as_of: str = "2024-02-29"

    @property
    def name(self) -> str:
        return self.document["case"]

    def context(self, **changes: Any) -> RunContext:
        """A new run; `sources` are changes of sources by name."""
        sources = dict(self.document["sources"])
        for source, settings in changes.pop("sources", {}).items():
            sources[source] = {**sources[source], **settings}
        case = Case.model_validate({**TINY_CASE, **self.document, "sources": sources})
        as_of = changes.pop("as_of", self.as_of)
        given = {"contracts": self.contracts, **changes}
        return make_context(self.folder, self.spark, case, as_of, **given)

    def put(self, path: str, content: str | bytes) -> Path:
        """Land a raw file."""
        target = self.folder / "landing" / self.name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return target

    def ingest(self, **changes: Any) -> StageResult:
        """Land and refine; what refining gave."""
        context = self.context(**changes)
        land(context)
        return refine(context)

    def table(self, layer: str, source: str) -> TableId:
        return TableId(layer, f"{self.name}_{source}")

    def rows(self, source: str, *columns: str, layer: str = "silver") -> list[tuple[Any, ...]]:
        """Rows of a table in order."""
        found = tables.read(self.context(), self.table(layer, source)).select(*columns)
        return sorted(map(tuple, found.collect()), key=repr)

    def quarantined(self) -> list[tuple[Any, ...]]:
        """File, row, severity and reasons of all quarantined rows, in order."""
        if not tables.exists(self.context(), QUARANTINE):
            return []
        rows = tables.read(self.context(), QUARANTINE).collect()
        return sorted((r["file"], r["row"], r["severity"], *r["reasons"]) for r in rows)

    def state(self) -> dict[str, str]:
        """SHA-256 of every file of every table, log included."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            place = path.relative_to(self.folder)
            is_ours = place.parts[0] != "landing" and "_locks" not in place.parts
            if path.is_file() and is_ours:
                found[str(place)] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

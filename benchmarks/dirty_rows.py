"""Dirty rows and the rules that clean them: groups of five columns, a rule each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lepton_spark.config.clean import Clean
from lepton_spark.config.column import Column

if TYPE_CHECKING:
    import numpy.typing as npt

KINDS = ("note", "city", "day", "mass", "count")
SPELLING = {
    "Vienna": ("Wien", "vienna", "WIEN"),
    "Prague": ("Praha", "prague"),
    "Rome": ("Roma", "rome", "ROMA"),
}
CITIES = (*SPELLING, "Oslo")
UNITS = {"kg": 1.0, "g": 0.001}
SENTINELS = ("?", "-1")
MOST = 1000
FORMATS = ("dd.MM.yyyy", "yyyy-MM-dd")
CLEANING = {
    "note": Clean(blanks="collapse", case="lower"),
    "city": Clean(spelling=SPELLING),
    "day": Clean(formats=FORMATS),
    "mass": Clean.model_validate({"number": {"decimal": ",", "units": UNITS}}),
    "count": Clean(nulls=SENTINELS),
}
_ROW_GROUP = 131_072
_WORDS = ("Late", "DELIVERY", "door", "Closed", "second", "attempt", "Tuesday", "no", "answer")
_DISTINCT = 20_000
_FIRST = date(2000, 1, 1)


@dataclass(frozen=True)
class Dirty:
    """A file of dirty text columns.

    Args:
        groups: Of five columns each, one for each kind of rule.
    """

    path: Path
    rows: int
    groups: int

    @property
    def names(self) -> tuple[str, ...]:
        """Columns; the part before the underscore is the kind of rule."""
        return tuple(f"{kind}_{group}" for group in range(self.groups) for kind in KINDS)

    @property
    def columns(self) -> tuple[Column, ...]:
        """What a contract says of them."""
        return tuple(_promised(name) for name in self.names)

    @property
    def cleaning(self) -> dict[str, Clean]:
        """What is done to their cells."""
        return {name: CLEANING[kind_of(name)] for name in self.names}


def kind_of(name: str) -> str:
    """Which rule a column has."""
    return name.split("_", maxsplit=1)[0]


def _promised(name: str) -> Column:
    others: dict[str, dict[str, Any]] = {
        "note": {},
        "city": {"allowed": CITIES},
        "day": {},
        "mass": {},
        "count": {"minimum": 0, "maximum": MOST},
    }
    kinds = {"note": "string", "city": "string", "day": "date", "mass": "number"}
    return Column(name, kinds.get(kind_of(name), "integer"), **others[kind_of(name)])


def write_dirty(folder: Path, rows: int, groups: int) -> Dirty:
    """Write a Parquet file of dirty text, the same for the same size."""
    dirty = Dirty(folder / f"dirty-{rows}-{groups}.parquet", rows, groups)
    random = np.random.default_rng(7)
    cells = {kind: pa.array(list(_CELLS[kind](random))) for kind in KINDS}
    schema = pa.schema([("id", pa.int64()), *((name, pa.string()) for name in dirty.names)])
    with pq.ParquetWriter(dirty.path, schema) as writer:
        for first in range(0, rows, _ROW_GROUP):
            size = min(_ROW_GROUP, rows - first)
            columns = [pa.array(np.arange(first, first + size))]
            for name in dirty.names:
                pool = cells[kind_of(name)]
                columns.append(pool.take(pa.array(random.integers(0, len(pool), size))))
            writer.write_table(pa.table(columns, schema=schema))
    return dirty


def _chosen(random: np.random.Generator, values: list[str | None]) -> npt.NDArray[Any]:
    return random.choice(np.array(values, dtype=object), _DISTINCT)


def _notes(random: np.random.Generator) -> Iterator[str]:
    for _ in range(_DISTINCT):
        words = random.choice(_WORDS, random.integers(1, 6))
        yield " " * random.integers(0, 3) + (" " * random.integers(1, 3)).join(words) + "\t"


def _cities(random: np.random.Generator) -> Iterator[str | None]:
    variants = [text for texts in SPELLING.values() for text in texts]
    yield from _chosen(random, [*CITIES, *variants, "Atlantis", None])


def _days(random: np.random.Generator) -> Iterator[str | None]:
    for number in random.integers(0, 9000, _DISTINCT).tolist():
        day = _FIRST + timedelta(days=number)
        texts = [day.isoformat(), f"{day:%d.%m.%Y}", "31.02.2020", "unknown", None]
        yield texts[random.choice(5, p=[0.4, 0.5, 0.04, 0.03, 0.03])]


def _masses(random: np.random.Generator) -> Iterator[str | None]:
    for number in random.integers(1, 100_000, _DISTINCT).tolist():
        texts = [f"{number // 10},{number % 10} kg", f"{number} g", f"{number}", "3 lb", None]
        yield texts[random.choice(5, p=[0.5, 0.4, 0.04, 0.03, 0.03])]


def _counts(random: np.random.Generator) -> Iterator[str | None]:
    for number in random.integers(0, MOST, _DISTINCT).tolist():
        texts = [str(number), "?", "-1", "5000", "x12", None]
        yield texts[random.choice(6, p=[0.85, 0.03, 0.03, 0.03, 0.03, 0.03])]


_CELLS = {"note": _notes, "city": _cities, "day": _days, "mass": _masses, "count": _counts}

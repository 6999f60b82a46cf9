"""An invented chain of shops: case, contracts and raw files, clean or as dirty as files get.

Whoever writes a dirty file knows of each of its lines what must become of it: `Written` says so.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.journey.plant import contract, environment_document

CASE = "shop"
FIRST_DAY = date(2024, 2, 26)  # with a leap day, and the summer time of New York
STORES = ("s1", "s2", "s3", "s4")
GOOD, REFUSED, DUPLICATE = "good", "refused", "duplicate"
VISITS = "visit,store,day,minutes,amount"


@dataclass(frozen=True)
class Written:
    """What a file holds, by what must become of its lines."""

    path: str
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def num_lines(self) -> int:
        return sum(self.outcomes.values())


def case_document() -> dict[str, Any]:
    """The case: it ends with its features."""
    looked_up = [{"from": "stores", "on": {"store": "store"}, "take": {"zone": "zone"}}]
    return {
        "version": 1,
        "case": CASE,
        "sources": {
            "stores": {"path": "stores.csv", "contract": "stores", "key": ["store"]},
            "visits": {
                "path": "visits/{date}*.csv",
                "contract": "visits",
                "key": ["visit"],
                "arrives": {"time": "01:00", "zone": "America/New_York"},
                "lookup": looked_up,
                "derive": {"weekday": "dayofweek(day)"},
                "max_refused": 1.0,
            },
            "sales": {
                "path": "sales/{date}.csv",
                "contract": "sales",
                "key": ["sale"],
                "arrives": {"days": 1, "time": "03:00", "zone": "America/New_York"},
                "known_at": "sold_at + interval 1 hour",
                "lookup": looked_up,
                "times": {
                    "sold_at": {
                        "date": "sold_on",
                        "clock": "clock",
                        "zone": "zone",
                        "ambiguous": "later",
                    }
                },
                "derive": {"sold_hour": "hour(sold_at)"},
                "max_refused": 1.0,
            },
        },
        "predict": {
            "each": "visits",
            "day": "day",
            "at": {"time": "04:00", "zone": "America/New_York"},
        },
        "features": {
            "own": ["store", "minutes", "weekday"],
            "latest": {"sales": {"on": ["store"], "take": ["amount"], "within": "3 days"}},
            "history": {
                "sales": {
                    "by": [["store"], []],
                    "over": ["24 hours", "7 days"],
                    "measures": {
                        "number": {"count": "*"},
                        "mean": {"mean": "amount"},
                        "large": {"share": "amount > 50"},
                        "late": {"share": "sold_hour >= 18"},
                    },
                }
            },
        },
    }


def _column(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": kind, **more}


COLUMNS: Mapping[str, Sequence[dict[str, Any]]] = {
    "stores": [_column("store", "string", required=True), _column("zone", "string")],
    "visits": [
        _column("visit", "integer", required=True),
        _column("store", "string", required=True),
        _column("day", "date", required=True),
        _column("minutes", "integer", logicalTypeOptions={"minimum": 0, "maximum": 600}),
        _column("amount", "number"),
    ],
    "sales": [
        _column("sale", "integer", required=True),
        _column("store", "string", required=True),
        _column("sold_on", "date", required=True),
        _column("clock", "string", required=True),
        _column("amount", "number"),
    ],
}


def write_conf(folder: Path, lakehouse: Path) -> None:
    """Write case, contracts and the environment `local` below a folder."""
    documents = {
        f"cases/{CASE}.yml": case_document(),
        "env/local.yml": environment_document(lakehouse),
        **{
            f"contracts/{name}.odcs.yml": contract(name, columns)
            for name, columns in COLUMNS.items()
        },
    }
    for name, document in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def landing(lakehouse: Path) -> Path:
    """Where the raw files of the case lie."""
    return lakehouse / "landing" / CASE


def write_days(lakehouse: Path, seed: int, *, days: int, visits: int, sales: int) -> None:
    """Write clean files of some days, and the stores."""
    random_ = random.Random(seed)
    zones = ("America/New_York", "Asia/Kathmandu")
    stores = [f"{store},{zones[place % 2]}" for place, store in enumerate(STORES)]
    put(lakehouse, "stores.csv", ["store,zone", *stores])
    for number in range(days):
        day = FIRST_DAY + timedelta(days=number)
        first = number * 1_000_000
        lines = [_visit(random_, first + visit, day) for visit in range(visits)]
        put(lakehouse, f"visits/{day}.csv", [VISITS, *lines])
        sold = [_sale(random_, first + sale, day) for sale in range(sales)]
        put(lakehouse, f"sales/{day}.csv", ["sale,store,sold_on,clock,amount", *sold])


def _visit(random_: random.Random, number: int, day: date) -> str:
    store, minutes = random_.choice(STORES), random_.randrange(600)
    return f"{number},{store},{day},{minutes},{random_.uniform(0, 100):.2f}"


def _sale(random_: random.Random, number: int, day: date) -> str:
    clock = f"{random_.randrange(24):02d}{random_.randrange(60):02d}"
    store = random_.choice((*STORES, "unknown")[: 4 + (number % 50 == 0)])
    return f"{number},{store},{day},{clock},{random_.uniform(0, 100):.2f}"


def write_dirty(lakehouse: Path, seed: int, *, files: int, lines: int = 40) -> list[Written]:
    """Write files of visits with every kind of wrong line, and what must become of them."""
    random_ = random.Random(seed)
    write_days(lakehouse, seed, days=1, visits=0, sales=1)
    return [_write_dirty_file(lakehouse, random_, number, lines) for number in range(files)]


def _write_dirty_file(lakehouse: Path, random_: random.Random, number: int, lines: int) -> Written:
    day = FIRST_DAY + timedelta(days=1)
    written = Written(f"visits/{day}-{number:04d}.csv")
    content = [VISITS]
    good: list[str] = []
    for line in range(random_.randrange(lines)):
        fine = _visit(random_, number * 1_000_000 + line, day)
        spoil, outcome = random_.choice(_LINES)
        if outcome == DUPLICATE and not good:
            spoil, outcome = _LINES[0]
        content.append(random_.choice(good) if outcome == DUPLICATE else spoil(fine))
        if outcome == GOOD:
            good.append(content[-1])
        written.outcomes[outcome] += 1
    put(lakehouse, written.path, content, ending=random_.choice(("\n", "\r\n")))
    return written


def _with(place: int, cell: str) -> Any:
    def changed(line: str) -> str:
        cells = line.split(",")
        cells[place] = cell
        return ",".join(cells)

    return changed


_LINES = (
    (str, GOOD),
    (str, GOOD),
    (str, GOOD),
    (_with(4, ""), GOOD),
    (_with(1, '"s1"'), GOOD),
    (str, DUPLICATE),
    (_with(0, "x17"), REFUSED),
    (_with(0, ""), REFUSED),
    (_with(0, "99999999999999999999"), REFUSED),
    (_with(1, ""), REFUSED),
    (_with(2, "2023-02-29"), REFUSED),
    (_with(2, "10000-01-01"), REFUSED),
    (_with(3, "601"), REFUSED),
    (_with(3, "-1"), REFUSED),
    (_with(4, "1,5"), REFUSED),
    (_with(4, "NaN"), REFUSED),
    (_with(4, "1e400"), REFUSED),
    (lambda line: line.rsplit(",", 1)[0], REFUSED),
    (lambda line: line + ",7", REFUSED),
    (lambda _line: ",,,,", REFUSED),
    (lambda _line: "", REFUSED),
)


def put(lakehouse: Path, name: str, lines: Sequence[str], *, ending: str = "\n") -> Path:
    """Write a raw file."""
    path = landing(lakehouse) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ending.join(lines) + ending, encoding="utf-8", newline="")
    return path

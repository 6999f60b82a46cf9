"""P19: a file whose form has changed is told by name, or means the same; no table is harmed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lepton_spark.errors import DataError
from lepton_spark.lake.tables import TableId
from lepton_spark.silver import stage
from tests.promises.lab import day
from tests.promises.promise import Promise, without
from tests.promises.shop import VISITS, landing, write_days

if TYPE_CHECKING:
    from tests.promises.lab import Lab, Lake

_SAME = ""  # the file means what it meant
_LINES = tuple(f"{number},s{number % 4 + 1},{day(2)},{number},1.5" for number in range(1, 9))


@dataclass(frozen=True)
class _Drift:
    """One change.

    Args:
        lines: Of the file, with its header.
        code: Error that it gives; none where it means the same.
        names: What the error has to name.
    """

    lines: Sequence[str]
    code: str = _SAME
    names: str = ""
    encoding: str = "utf-8"


def _header(header: str) -> list[str]:
    return [header, *_LINES]


def _cells(change: Callable[[list[str]], Sequence[str]], header: str = VISITS) -> list[str]:
    return [header, *(",".join(change(line.split(","))) for line in _LINES)]


def _replaced(place: int, cell: str) -> list[str]:
    return _cells(lambda cells: [*cells[:place], cell, *cells[place + 1 :]])


_DRIFTS = {
    "number to text": _Drift(_replaced(3, "long"), "LS-2041", "not_int:minutes"),
    "dropped": _Drift(_cells(lambda c: c[:4], "visit,store,day,minutes"), "LS-2014", "amount"),
    "renamed": _Drift(_header(VISITS.replace("amount", "amount_eur")), "LS-2014", "amount"),
    "added": _Drift(_cells(lambda c: [*c, "x"], f"{VISITS},note"), "LS-20", "note"),
    "reordered": _Drift(_cells(lambda c: c[::-1], ",".join(VISITS.split(",")[::-1]))),
    "case of the names": _Drift(_header(VISITS.upper())),
    "a name twice": _Drift(_header(VISITS.replace("amount", "minutes")), "LS-20", "minutes"),
    "whole to fraction": _Drift(_replaced(3, "1.5"), "LS-2041", "not_int:minutes"),
    "wider than it holds": _Drift(_replaced(0, "3000000000"), "LS-2041", "visit"),
    "another date": _Drift(_replaced(2, "28.02.2024"), "LS-2041", "bad_date:day"),
    "required and null": _Drift(_replaced(1, ""), "LS-2041", "missing:store"),
    "another delimiter": _Drift([line.replace(",", ";") for line in _header(VISITS)], "LS-20", ""),
    "no header": _Drift(list(_LINES), "LS-20", ""),
    "decimal comma": _Drift(_replaced(4, '"1,5"'), "LS-2041", "not_number:amount"),
    "nested": _Drift(_replaced(4, '"{""eur"": 1.5}"'), "LS-2041", "not_number:amount"),
    "another encoding": _Drift(_replaced(1, "caf\u00e9"), "LS-2041", "bad_encoding", "latin-1"),
}


def trials(lab: Lab, number: int) -> list[str]:
    """One drift a trial, each from the same lake."""
    clean = lab.lake()
    write_days(clean.lakehouse, lab.seed, days=2, visits=8, sales=2)
    _strict(clean)
    clean.run("land", "refine", as_of=day(1))
    failures = []
    for name, drift in list(_DRIFTS.items())[:number]:
        lake = clean.copy(lab.place())
        _strict(lake)
        before = lake.digests()["silver.shop_visits"]
        path = landing(lake.lakehouse) / f"visits/{day(2)}.csv"
        path.write_text("\n".join(drift.lines) + "\n", encoding=drift.encoding)
        found = _error(lake)
        failures += [f"{name}: {each}" for each in _wrong(lake, drift, found, before)]
    return failures


def _strict(lake: Lake) -> None:
    """Half of the rows of a landing may be refused, not more."""
    path = lake.folder / "conf/cases/shop.yml"
    path.write_text(path.read_text().replace("max_refused: 1.0", "max_refused: 0.5"))


def _error(lake: Lake) -> DataError | None:
    try:
        lake.run("land", "refine", as_of=day(2))
    except DataError as error:
        return error
    return None


def _wrong(
    lake: Lake, drift: _Drift, found: DataError | None, before: tuple[int, str]
) -> list[str]:
    rows, now = lake.rows(TableId("silver", "shop_visits")), lake.digests()["silver.shop_visits"]
    if drift.code == _SAME:
        new = sorted(
            row[0] for row in rows.filter(f"day = date'{day(2)}'").select("minutes").collect()
        )
        return [] if found is None and new == list(range(1, 9)) else [f"{found}, {new}"]
    if found is None or not found.code.startswith(drift.code) or drift.names not in str(found):
        return [str(found)]
    return [] if now == before else ["silver is another"]


def control(lab: Lab) -> list[str]:
    """However many rows are refused, the others are published."""
    with without((stage, "require_few_refused", lambda *_: None)):
        return trials(lab, 1)


PROMISE = Promise(
    "P19",
    "a changed form is told by name or means the same",
    trials,
    short=2,
    full=len(_DRIFTS),
    control=control,
)

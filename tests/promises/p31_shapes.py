"""P31: tables of extreme shape finish in the stated memory, or are refused with the limit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from benchmarks.rounds import peak_of_workers
from lepton_spark.errors import DataError
from lepton_spark.features import stage as features
from lepton_spark.lake.tables import TableId
from tests.promises.lab import day
from tests.promises.promise import Promise, without
from tests.promises.shop import CASE, STORES, VISITS, put, write_days

if TYPE_CHECKING:
    from tests.promises.lab import Lab, Lake

logger = logging.getLogger("promises")
_FEATURES = TableId("gold", f"{CASE}_features")
# Of the two Python workers together; the JVM has its spark.driver.memory.
_WORKERS_LIMIT = 2 * 2**30
_SALES = "sale,store,sold_on,clock,amount"


def _one_row(lake: Lake) -> int:
    write_days(lake.lakehouse, 1, days=1, visits=1, sales=1)
    return 1


def _no_row(lake: Lake) -> str:
    write_days(lake.lakehouse, 1, days=1, visits=0, sales=1)
    return "LS-2090"


def _no_sales(lake: Lake) -> int:
    write_days(lake.lakehouse, 1, days=1, visits=5, sales=0)
    return 5


def _one_store(lake: Lake) -> int:
    """Nine sales of ten, and all visits, are of one store."""
    write_days(lake.lakehouse, 1, days=1, visits=0, sales=0)
    sales = [f"{n},{STORES[n % 4] if n % 10 == 0 else 's1'},{day(0)},1200,5" for n in range(50_000)]
    put(lake.lakehouse, f"sales/{day(0)}.csv", [_SALES, *sales])
    visits = [f"{n},s1,{day(2)},5,1" for n in range(20_000)]
    put(lake.lakehouse, f"visits/{day(2)}.csv", [VISITS, *visits])
    return 20_000


def _many_stores(lake: Lake) -> int:
    """A million stores, each seen once."""
    write_days(lake.lakehouse, 1, days=1, visits=0, sales=0)
    put(lake.lakehouse, "stores.csv", ["store,zone", *(f"t{n},UTC" for n in range(1_000_000))])
    sales = [f"{n},t{n},{day(0)},1200,5" for n in range(1_000_000)]
    put(lake.lakehouse, f"sales/{day(0)}.csv", [_SALES, *sales])
    visits = [f"{n},t{n},{day(2)},5,1" for n in range(0, 1_000_000, 10)]
    put(lake.lakehouse, f"visits/{day(2)}.csv", [VISITS, *visits])
    return 100_000


def _many_columns(lake: Lake) -> str:
    write_days(lake.lakehouse, 1, days=1, visits=0, sales=1)
    names = ",".join(f"c{n}" for n in range(10_000))
    cells = ",".join(["1"] * 10_000)
    put(lake.lakehouse, f"visits/{day(0)}.csv", [f"{VISITS},{names}", f"1,s1,{day(0)},5,1,{cells}"])
    return "LS-2"


def _many_files(lake: Lake) -> int:
    write_days(lake.lakehouse, 1, days=1, visits=0, sales=1)
    for number in range(2_000):
        line = f"{number},s1,{day(1)},5,1"
        put(lake.lakehouse, f"visits/{day(1)}-{number:04d}.csv", [VISITS, line])
    return 2_000


def _one_long_cell(lake: Lake) -> int:
    """A cell of eight megabytes is refused, the row beside it is not."""
    write_days(lake.lakehouse, 1, days=1, visits=0, sales=1)
    lines = [f"1,{'s' * 8_000_000},{day(1)},5,1", f"2,s1,{day(1)},5,1"]
    put(lake.lakehouse, f"visits/{day(1)}.csv", [VISITS, *lines])
    return 1


# What becomes of it: so many rows of features, or the code that it is refused with.
_SHAPES: Mapping[str, Callable[[Lake], int | str]] = {
    "one row": _one_row,
    "no row": _no_row,
    "no events": _no_sales,
    "one long cell": _one_long_cell,
    "10,000 columns": _many_columns,
    "one store": _one_store,
    "2,000 files": _many_files,
    "a million stores": _many_stores,
}


def trials(lab: Lab, number: int) -> list[str]:
    """One shape a trial."""
    failures = []
    for name, write in list(_SHAPES.items())[:number]:
        lake = lab.lake()
        wanted = write(lake)
        started = time.monotonic()
        with peak_of_workers() as peak:
            found = _result(lake)
        took, held = time.monotonic() - started, peak.held / 2**20
        logger.info("P31 %s: %s in %d s, Python workers %d MiB", name, found, took, held)
        is_wanted = found == wanted or (isinstance(wanted, str) and str(found).startswith(wanted))
        failures += [] if is_wanted else [f"{name}: {found}"]
        failures += [] if peak.held <= _WORKERS_LIMIT else [f"{name}: workers held {held:.0f} MiB"]
    return failures


def _result(lake: Lake) -> int | str:
    try:
        lake.run("land", "refine", "features", as_of=day(3))
    except DataError as error:
        return error.code
    return lake.rows(_FEATURES).count()


def control(lab: Lab) -> list[str]:
    """Nobody looks whether there is anything to predict."""
    with without((features, "refuse_no_rows", lambda *_: None)):
        return trials(lab, 2)


PROMISE = Promise(
    "P31",
    "tables of extreme shape finish or are refused with the limit",
    trials,
    short=2,
    full=len(_SHAPES),
    control=control,
    is_long=True,
)

"""P30: where a driver, executor, worker or rank lacks memory or is lost, the cause has a name.

What a run may come back from is given again afterwards, and has to succeed.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lepton_spark.bronze import stage as landing
from lepton_spark.config.train import TransformSettings
from lepton_spark.dataset import scan
from lepton_spark.dataset.fit import Columns, fit_transform
from lepton_spark.evaluate import predictions
from lepton_spark.job.ending import ending_of
from lepton_spark.lake import troubles
from lepton_spark.statistics import scan as statistics
from lepton_spark.statistics.stage import measure
from tests.faults.runs import Runs
from tests.promises.dying import LeavingScorer, leave, starve
from tests.promises.lab import day
from tests.promises.marked import Marked, running
from tests.promises.promise import Promise, without
from tests.promises.rings import disturbed, fit, job
from tests.promises.shop import write_days
from tests.score.conftest import clinic_bundle
from tests.train.planted import rows_of, write_part

if TYPE_CHECKING:
    from tests.promises.lab import Lab, Lake

logger = logging.getLogger("promises")
_DONE = "done"
_MOST_SECONDS = 600.0
_CHILD = Path(__file__).with_name("child.py")
# Of Spark's smallest heap, 450 MiB, and of one that holds few rows.
_TOO_SMALL, _SMALL = "128m", "640m"
# A JVM without heap may end before it has told of it.
_HEAP = "LS-5030|LS-7532"


def trials(lab: Lab, number: int) -> list[str]:
    """One lack or loss a trial; what came of it, and of the same again, has to be as told."""
    failures = []
    for name, (case, wanted) in list(_CASES.items())[:number]:
        found = tuple(case(lab))
        logger.info("P30 %s: %s", name, ", then ".join(found))
        is_wanted = [one in any_of.split("|") for one, any_of in zip(found, wanted, strict=True)]
        failures += [] if all(is_wanted) else [f"{name}: {', then '.join(found)}"]
    return failures


def _end_of(run: Callable[[], object]) -> str:
    """The code that a run ends with."""
    try:
        run()
    except Exception as error:  # noqa: BLE001  # whatever it is, a person would be told so
        return str(ending_of(error).code)
    return _DONE


def _twice(run: Callable[[], object], owner: Any, name: str, broken: Any) -> list[str]:
    """How a run ends with a function that is broken, and then as it is."""
    with without((owner, name, broken)):
        first = _end_of(run)
    return [first, _end_of(run)]


def _lake(lab: Lab) -> Lake:
    lake = lab.lake()
    write_days(lake.lakehouse, lab.seed, days=1, visits=5, sales=5)
    return lake


def _landing(dying: Callable[..., object], lab: Lab) -> list[str]:
    lake = _lake(lab)
    return _twice(lambda: lake.run("land", as_of=day(1)), landing, "read_files", dying)


def _statistics(lab: Lab) -> list[str]:
    lake = _lake(lab)
    lake.run("land", "refine", as_of=day(1))
    profile = partial(measure, lake.context(day(1)), ["visits"])
    return _twice(profile, statistics, "measured", leave)


def _transform(lab: Lab) -> list[str]:
    pieces = write_part(rows_of(400), lab.place(), 100, "train")
    columns, settings = Columns(("x", "y"), ("word",)), TransformSettings()
    run = partial(fit_transform, lab.spark, pieces, columns, settings)
    return _twice(run, scan, "_kept", leave)


def _scoring(lab: Lab) -> list[str]:
    rows = lab.spark.range(10).selectExpr("id", "cast(id as int) as minutes")

    def run() -> None:
        predictions.predict(rows, {"score": clinic_bundle()}, keep=["id"]).collect()

    return _twice(run, predictions, "_Scorer", LeavingScorer)


def _rank(action: str, lab: Lab) -> list[str]:
    made = job(lab.place(), epochs=2)
    dying = disturbed(made, 1, action, "epoch 2, step 0")
    return [_end_of(partial(fit, lab, each, "horovod")) for each in (dying, made)]


def _pressed(
    how: str,
    lab: Lab,
    *,
    heap: str | None = None,
    before: tuple[str, ...] = (),
    meanwhile: Callable[[Marked], object] = lambda _: None,
) -> list[str]:
    """The code that a job in a process of its own ends with."""
    lake = lab.lake()
    if heap is not None:
        path = lake.folder / "conf" / "env" / "local.yml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        document["spark"]["conf"]["spark.driver.memory"] = heap
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
    command = [*before, sys.executable, "-m", "tests.promises.pressed", how]
    asked = ["--case", "shop", "--as-of", day(1), "--env", "local"]
    with running([*command, *asked, "--conf-dir", lake.folder / "conf"], lake.folder / "x") as run:
        meanwhile(run)
        run.process.wait(_MOST_SECONDS)
        return [str(run.summary.get("code", f"nothing, {run.last_words}"))]


def _kill_java(run: Marked) -> None:
    assert run.has_said("the driver waits"), run.last_words
    for process, command in run.alive().items():
        if "SparkSubmit" in command or Path(command.split(" ")[0]).name == "java":
            os.kill(process, signal.SIGKILL)


def _killed_driver(lab: Lab) -> list[str]:
    """It works on the JVM of the laboratory, which survives it."""
    lake = _lake(lab)
    command = [sys.executable, _CHILD, lake.folder, "land", day(1)]
    with running(command, lake.folder / "x", **Runs(lab.spark).environment) as run:
        assert run.has_said("ready", "out"), run.last_words
        run.signal(signal.SIGKILL, is_group=False)
        run.process.wait()
    return [_end_of(lambda: lake.run("land", as_of=day(1)))]


def _killed_executor(lab: Lab) -> list[str]:
    """A second one takes over; Spark starts another."""
    command = [sys.executable, "-m", "tests.promises.troubled", lab.place(), lab.seed]
    with running([*command, "an executor is killed"], lab.place()) as run:
        code = run.process.wait(_MOST_SECONDS)
        is_done = code == 0 and run.summary.get("troubles")
        return [_DONE if is_done else f"exit code {code}, {run.last_words}"]


_CASES: Mapping[str, tuple[Callable[[Lab], list[str]], tuple[str, ...]]] = {
    "a worker is lost while it scores": (_scoring, ("LS-7531", _DONE)),
    "a worker has no memory": (partial(_landing, starve), ("LS-5034", _DONE)),
    "a worker is lost while it lands": (partial(_landing, leave), ("LS-7531", _DONE)),
    "a worker is lost while it fits the transform": (_transform, ("LS-7531", _DONE)),
    "a worker is lost while it profiles": (_statistics, ("LS-7531", _DONE)),
    "a rank is lost": (partial(_rank, "leave"), ("LS-7521", _DONE)),
    "a rank has no memory": (partial(_rank, "starve"), ("LS-5044", _DONE)),
    "the driver has no memory": (partial(_pressed, "fill_driver"), ("LS-5035",)),
    "the driver has none for Java": (
        partial(_pressed, "wait", before=("prlimit", f"--as={1 << 31}")), ("LS-5002",)
    ),
    "the heap is too small": (partial(_pressed, "wait", heap=_TOO_SMALL), ("LS-5033",)),
    "the heap is full": (partial(_pressed, "fill_heap", heap=_SMALL), (_HEAP,)),
    "Java is killed": (partial(_pressed, "wait", meanwhile=_kill_java), ("LS-7532",)),
    "the driver is killed": (_killed_driver, (_DONE,)),
    "an executor is killed": (_killed_executor, (_DONE,)),
}  # fmt: skip


def control(lab: Lab) -> list[str]:
    """Nobody knows what Spark complains of."""
    with without((troubles, "COMPLAINTS", ())):
        return trials(lab, 1)


PROMISE = Promise(
    "P30",
    "lost processes and want of memory end in success or in a named cause",
    trials,
    short=2,
    full=len(_CASES),
    control=control,
)

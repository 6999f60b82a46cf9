"""P2: a job killed at any moment and given again loses nothing and doubles nothing.

A job runs in a process of its own on the JVM of the laboratory: its death leaves the JVM alive,
which may still commit what was asked of it while the job that is given again runs already.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_spark.errors import LeptonError
from lepton_spark.features import stage
from lepton_spark.lake import commit
from lepton_spark.lake.publication import Publication
from tests.faults.runs import Runs
from tests.promises.lab import STAGES, day
from tests.promises.promise import Promise, without
from tests.promises.shop import write_days, write_dirty

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.promises.lab import Lab, Lake

_CHILD = Path(__file__).with_name("child.py")
_AS_OF = 4
_MOST_SECONDS = 600
_TRIES = 5


def trials(lab: Lab, number: int) -> list[str]:
    """Each job is killed so many times, at a random moment of the time that it takes."""
    random_ = random.Random(lab.seed)
    failures = []
    before = _files(lab)
    for name in STAGES:
        after = before.copy(lab.place())
        took = _run_in_child(after, name)
        wanted = after.digests()
        for _ in range(-(-number // len(STAGES))):
            lake = before.copy(lab.place())
            _run_in_child(lake, name, kill_after=random_.uniform(0.1, 1.05) * took)
            _run_again(lake, name)
            found = lake.digests()
            failures += [] if found == wanted else [f"{name}: {found}"]
        before = after
    return failures


def _files(lab: Lab) -> Lake:
    lake = lab.lake()
    write_days(lake.lakehouse, lab.seed, days=_AS_OF, visits=40, sales=40)
    write_dirty(lake.lakehouse, lab.seed, files=2)
    return lake


def _run_in_child(lake: Lake, name: str, kill_after: float | None = None) -> float:
    """Seconds that the job took, from when it was connected; or had until it was killed."""
    first = _newest_object(lake.spark)
    child = subprocess.Popen(
        [sys.executable, str(_CHILD), str(lake.folder), name, str(day(_AS_OF))],
        env=Runs(lake.spark).environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    started = time.monotonic()
    try:
        child.wait(timeout=_MOST_SECONDS if kill_after is None else kill_after)
    except subprocess.TimeoutExpired:
        child.kill()
    child.communicate()
    took = time.monotonic() - started
    _forget(lake.spark, first)
    return took


def _newest_object(spark: SparkSession) -> int:
    """Number of the newest object that the JVM keeps for a Python process."""
    return int(spark._jvm.java.lang.Object()._target_id.removeprefix("o"))


def _forget(spark: SparkSession, first: int) -> None:
    """Let the JVM forget what it kept for a child: all plans, or a hundred children fill it."""
    client = spark.sparkContext._gateway._gateway_client
    for number in range(first + 1, _newest_object(spark)):
        client.garbage_collect_object(f"o{number}")


def _run_again(lake: Lake, name: str) -> None:
    """As a scheduler does: where the run before is still committing, once more."""
    for left in reversed(range(_TRIES)):
        try:
            lake.run(name, as_of=day(_AS_OF))
            return
        except LeptonError as error:
            if not left or error.exit_code != 75:  # try again
                raise


def control(lab: Lab) -> list[str]:
    """A publication knows neither its transaction nor what it replaces."""
    lake = _files(lab)
    lake.run(*STAGES, as_of=day(_AS_OF))
    wanted = lake.digests()

    def forgetful(**given):
        return Publication(**{**given, "replace": None})

    def publication(*given, **named):
        names = ("table", "job", "key", "fingerprint")
        return forgetful(**dict(zip(names, given, strict=False)), **named)

    transaction = property(lambda _: str(time.monotonic()))
    with without(
        (commit, "already", lambda *_: None),
        (Publication, "transaction", transaction),
        (stage, "Publication", publication),
    ):
        lake.run("features", as_of=day(_AS_OF))
    return [] if lake.digests() == wanted else ["features: rows are there twice"]


PROMISE = Promise(
    "P2",
    "a job killed at any moment and given again gives the undisturbed tables",
    trials,
    short=3,
    full=120,
    control=control,
    is_long=True,
)

"""P38: a journey that its scheduler stops ends in time, frees its locks, and goes on when rerun.

One journey is stopped again and again, each time at a random moment of the stage that is next:
with SIGTERM to its process alone, as Kubernetes does, or to its group, as a terminal does.
"""

from __future__ import annotations

import fcntl
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from lepton_spark import journey
from tests.journey.lepton import PROGRAM
from tests.journey.plant import CASE, Plant, make_plant
from tests.promises.lab import Lake, digest
from tests.promises.marked import running
from tests.promises.promise import Promise

if TYPE_CHECKING:
    from tests.promises.lab import Lab
    from tests.promises.marked import Marked

_MOST_SECONDS = 10.0
_EXIT = 128 + signal.SIGTERM
# How often each stage is stopped, of twenty times; training takes longest and has most processes.
_STOPS = {
    "spark": 1, "land": 3, "refine": 3, "features": 2, "dataset": 2, "train": 5, "evaluate": 2,
    "register": 1, "score": 1,
}  # fmt: skip
_FULL = sum(_STOPS.values())
_STAGES = tuple(name for name in journey.STAGES if name != "resolve")
_ENDED = "it had ended before"
_TRIES = 5
_SPARK_SECONDS = 5.0  # in which a session is started, at least
_DEAF = f"import lepton_spark.job.stop as stop; stop.SIGNALS = (); {PROGRAM}"


def trials(lab: Lab, number: int) -> list[str]:
    """Stop a journey so often, then let it end: it has to have made what it makes undisturbed."""
    random_ = random.Random(lab.seed)
    planned = [name for name, count in _STOPS.items() for _ in range(count)]
    stages = planned if number >= _FULL else planned[1 : number + 1]
    wanted, stopped = _Journey.new(lab), _Journey.new(lab)
    took = wanted.finish(until=stages[-1])
    failures = []
    for trial, name in enumerate(stages):
        wait = random_.uniform(0, took.get(name, _SPARK_SECONDS))
        found = stopped.stop_in_time(name, wait, is_group=trial % 2 == 1)
        wrong = [*found, *stopped.halves(wanted)]
        failures += [f"{name} after at most {wait:.1f} s: {told}" for told in wrong]
    stopped.finish(until=stages[-1])
    differing = dict(stopped.state().items() ^ wanted.state().items())
    return failures + [f"another {name} in the end" for name in sorted(differing)]


@dataclass(frozen=True)
class _Journey:
    """One plant and its lake."""

    lake: Lake
    plant: Plant

    @classmethod
    def new(cls, lab: Lab) -> _Journey:
        plant = make_plant(lab.place(), machines=20, days=24)
        case = plant.conf_dir / "cases" / f"{CASE}.yml"
        text = case.read_text(encoding="utf-8").replace("  - boosted_trees\n", "")
        case.write_text(text, encoding="utf-8")
        return cls(Lake(lab.spark, plant.conf_dir.parent, CASE), plant)

    def stop_in_time(self, stage: str, wait: float, *, is_group: bool) -> list[str]:
        """As `stop`; where it was quicker than undisturbed, again from before and sooner."""
        before = self.lake.folder / "before"
        found = [_ENDED]
        for _ in range(_TRIES):
            shutil.copytree(self.plant.lakehouse, before)
            found = self.stop(stage, wait, is_group=is_group)
            if found != [_ENDED]:
                shutil.rmtree(before)
                break
            shutil.rmtree(self.plant.lakehouse)
            before.rename(self.plant.lakehouse)
            wait /= 2
        return found

    def stop(self, stage: str, wait: float, *, is_group: bool, program: str = PROGRAM) -> list[str]:
        """Run it from its beginning, stop it so many seconds after a stage began.

        Returns:
            What was wrong with the way it ended.
        """
        command = [sys.executable, "-c", program, "run", CASE, "--conf-dir", self.plant.conf_dir]
        days = ["--as-of", self.plant.as_of, "--score-date", self.plant.last_day]
        with running([*command, *days], self.lake.folder / "said") as run:
            if not run.has_said("starting Spark" if stage == "spark" else f'"started {stage}"'):
                return [f"it did not come so far: {run.last_words}"]
            with suppress(subprocess.TimeoutExpired):
                run.process.wait(wait)
                return [_ENDED if run.process.returncode == 0 else run.last_words]
            run.signal(signal.SIGTERM, is_group=is_group)
            return _wrong_with(run)

    def finish(self, *, until: str) -> dict[str, float]:
        """Run the stages up to one in this process; the seconds that each took."""
        took = {}
        for name in _STAGES[: _STAGES.index(until) + 1]:
            started = time.monotonic()
            day = self.plant.last_day if name == "score" else self.plant.as_of
            journey.STAGES[name](self.lake.context(day))
            took[name] = time.monotonic() - started
        return took

    def tables(self) -> Iterator[Path]:
        """The tables of the case that are there: one whose first commit was stopped is not."""
        commits = self.plant.lakehouse.glob(f"*/{CASE}_*/_delta_log/*.json")
        yield from sorted({commit.parent.parent for commit in commits})

    def halves(self, wanted: _Journey) -> list[str]:
        """Tables that are there and not whole, read without a JVM, and locks that are held."""
        whole = {path.name: _rows_of(path) for path in wanted.tables()}
        found = {path.name: _rows_of(path) for path in self.tables()}
        return [
            *(f"{name} has {rows} rows" for name, rows in found.items() if rows != whole[name]),
            *(f"{path.name} is held" for path in self._locks() if _is_held(path)),
        ]

    def _locks(self) -> list[Path]:
        return sorted(self.plant.lakehouse.rglob("_locks/*.lock"))

    def state(self) -> Mapping[str, object]:
        """Digests of all tables and models: of neither times nor the names of runs."""
        read = self.lake.spark.read.format("delta")
        found: dict[str, object] = {
            f"{path.parent.name}.{path.name}": digest(read.load(str(path)))
            for path in self.tables()
        }
        models = self.plant.lakehouse / "models"
        for path in sorted(models.rglob("manifest.json")):
            found[str(path.relative_to(models))] = path.read_text(encoding="utf-8")
        return found


def _wrong_with(run: Marked) -> list[str]:
    gone_after = run.gone_after(_MOST_SECONDS)
    left, code = run.alive(), run.process.poll()
    return [
        *(f"{command} is left" for command in left.values()),
        *([f"it took more than {_MOST_SECONDS:.0f} s"] if gone_after is None else []),
        *([f"exit code {code}"] if code != _EXIT else []),
        *([f"it said {run.summary}"] if run.summary.get("status") != "stopped" else []),
    ]


def _rows_of(table: Path) -> int:
    actions = DeltaTable(table).get_add_actions(flatten=True)
    return sum(actions.column("num_records").to_pylist())


def _is_held(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def control(lab: Lab) -> list[str]:
    """Nobody listens to signals."""
    made = _Journey.new(lab)
    return made.stop("land", 1.0, is_group=False, program=_DEAF)


PROMISE = Promise(
    "P38",
    "a journey stopped by SIGTERM ends in 10 s with 143, whole tables, free locks, and goes on",
    trials,
    short=1,
    full=_FULL,
    control=control,
    is_long=True,
)

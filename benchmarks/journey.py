"""The demo as a user runs it: a year of flights, one scored night, then more nights.

`make bench NAME=journey`. Writes `results/bench/journey.json` with the times,
`results/quality/flight_delay.json` with how good the models are, and `results/demo.txt`, what the
demo said at its end.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.result import RESULTS, Check, write

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[1]
PROGRAM = "import sys; from lepton_spark.cli import main; sys.exit(main())"
CASE = "flight_delay"
NETWORK = "table_mlp"
TARGETS = {NETWORK: ">= 0.69", "best": ">= 0.695", "leak": "<= 0.715"}


@dataclass(frozen=True)
class Done:
    """One command that ended well: what it said, its summary, and how long it took."""

    text: str
    summary: Mapping[str, Any]
    seconds: float


def lepton(folder: Path, *arguments: str) -> Done:
    """Run one command on a lake of its own.

    Raises:
        RuntimeError: It did not end well.
    """
    options = ["--set", f"lakehouse={folder}"]
    if arguments[0] != "demo-data":
        options += ["--set", f"mlflow.tracking_uri=sqlite:///{folder}/mlflow.db"]
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    logger.info("%s: %.1f s", " ".join(arguments), seconds)
    *lines, last = done.stdout.splitlines()
    # As the demo says it, on the lake of the project.
    text = "\n".join(lines).replace(f" {' '.join(options)}", "")
    return Done(text.replace(str(folder), "lakehouse"), json.loads(last), seconds)


def night_seconds(summary: Mapping[str, Any], day: str) -> float:
    """What the stages of one night took together."""
    stages = [stage for stage in summary["stages"] if stage["as_of"] == day]
    return sum(stage["facts"]["took_seconds"] for stage in stages)


def quality(models: Sequence[Mapping[str, Any]], best: str) -> list[Check]:
    """How good each model is on test rows, and whether that is as wanted."""
    checks = [
        Check(f"{model['model']}: AUC on test days", model["auc"]["value"], "",
              TARGETS[NETWORK] if model["model"] == NETWORK else "", model["auc"]["low"],
              model["auc"]["high"])
        for model in models
    ]  # fmt: skip
    promoted = next(model for model in models if model["model"] == best)["auc"]
    highest = max(model["auc"]["value"] for model in models)
    return [
        *checks,
        Check(f"promoted ({best}): AUC on test days", promoted["value"], "", TARGETS["best"],
              promoted["low"], promoted["high"]),
        Check("highest AUC of any model, a leak if above", highest, "", TARGETS["leak"]),
    ]  # fmt: skip


def stage_of(summary: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The facts of one stage."""
    return dict(next(stage["facts"] for stage in summary["stages"] if stage["stage"] == name))


def main() -> None:
    """Measure once: the journey is long, and its parts repeat."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as work:
        lake = Path(work) / "lakehouse"
        data = lepton(lake, "demo-data", CASE)
        demo = lepton(lake, "run", CASE, "--as-of", "2014-01-02", "--score-date", "2013-12-15")
        night = lepton(lake, "nightly", CASE, "--as-of", "2013-12-16")
        nights = lepton(lake, "nightly", CASE, "--as-of", "2013-12-17", "--until", "2013-12-18")
    write(
        "bench/journey",
        [
            Check("demo: a year of flights to one scored night", data.seconds + demo.seconds, "s",
                  "<= 360"),
            Check("one more night, with the start of Spark", night.seconds, "s", "<= 60"),
            Check("a second night in the same process",
                  night_seconds(nights.summary, "2013-12-18"), "s", "<= 10"),
        ],
    )  # fmt: skip
    best = stage_of(demo.summary, "register")["promoted"]
    write("quality/flight_delay", quality(stage_of(demo.summary, "evaluate")["models"], best))
    (RESULTS / "demo.txt").write_text(demo.text.strip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""What the driver holds as rows grow: raw flights of a quarter, and of the year, to features.

`make bench NAME=memory`. Executors are processes of their own, so that the driver's memory is that
of the driver alone.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.journey import CASE, ROOT, lepton
from benchmarks.result import Check, write

logger = logging.getLogger(__name__)
DAYS = {"a quarter": "2013-04-02", "a year": "2014-01-02"}
STAGES = """
import json, resource, sys
from datetime import date
from pathlib import Path
from lepton_spark import journey
from lepton_spark.job.request import Request
from lepton_spark.job.run import open_context, run_stages

lake, conf, day = sys.argv[1:]
settings = (f"lakehouse={lake}", "spark.master=local-cluster[2,1,1536]")
request = Request("memory", "flight_delay", date.fromisoformat(day), conf_dir=Path(conf),
                  overrides=settings)
with open_context(request) as context:
    names = ("land", "refine", "features")
    found = run_stages(context, [(name, journey.STAGES[name]) for name in names])
    beans = context.spark.sparkContext._jvm.java.lang.management.ManagementFactory
    pools = beans.getMemoryPoolMXBeans()
    old = [pool for pool in pools if "Old" in pool.getName() or "Tenured" in pool.getName()]
    held = sum(pool.getPeakUsage().getUsed() for pool in old)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"python": peak, "jvm": held, "rows": found[-1].facts["rows"]}))
"""


def hold(lake: Path, day: str) -> dict[str, int]:
    """Bytes that the driver's Python process and its JVM held at most, and rows of features.

    Raises:
        RuntimeError: A stage did not end well.
    """
    done = subprocess.run(
        [sys.executable, "-c", STAGES, str(lake), str(ROOT / "conf"), day],
        cwd=ROOT,
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    logger.info("%s: %s", day, found)
    return found


def main() -> None:
    """Measure and write results/bench/memory.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    found = {}
    for what, day in DAYS.items():
        with tempfile.TemporaryDirectory() as work:
            lake = Path(work) / "lakehouse"
            lepton(lake, "demo-data", CASE)
            found[what] = hold(lake, day)
    few, many = found.values()
    write(
        "bench/memory",
        [
            Check("rows of a year against those of a quarter", many["rows"] / few["rows"], "x"),
            Check("memory of the driver's Python, the same", many["python"] / few["python"], "x",
                  "<= 1.1"),
            Check("objects kept by the driver's JVM, the same", many["jvm"] / few["jvm"], "x",
                  "<= 1.5"),
            Check("memory of the driver's Python, a year", many["python"] / 1e6, "MB"),
            Check("objects kept by the driver's JVM, a year", many["jvm"] / 1e6, "MB"),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()

"""One run on two executors of their own that are in trouble: prints the digests of its tables.

python -m tests.promises.troubled FOLDER SEED TROUBLE
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from lepton_spark.lake import session
from tests.conftest import SPARK_CONF, environment_at
from tests.promises.lab import Lab, day
from tests.promises.shop import write_days, write_dirty

_MOST = 3
_PAUSE = 8.0  # seconds in which a lost executor comes back
_EAGER = {
    "spark.speculation": "true",
    "spark.speculation.interval": "10ms",
    "spark.speculation.multiplier": "1.0",
    "spark.speculation.quantile": "0.01",
    "spark.speculation.minTaskRuntime": "0ms",
}


def kill_executor(_local: Path) -> int:
    """End one executor as the kernel does that lacks memory."""
    for process in psutil.Process().children(recursive=True):
        # Python workers come and go while they are looked through.
        with suppress(psutil.NoSuchProcess):
            if "CoarseGrainedExecutorBackend" in " ".join(process.cmdline()):
                process.kill()
                return 1
    return 0


def delete_shuffles(local: Path) -> int:
    """Take away what stages have written for those after them."""
    found = list(local.rglob("shuffle_*.data"))
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


TROUBLES: Mapping[str, Callable[[Path], int]] = {
    "an executor is killed": kill_executor,
    "shuffle files are deleted": delete_shuffles,
    "tasks run twice": lambda _local: 1,
}


def main(folder: str, seed: str, trouble: str) -> None:
    """Run the stages once, and make trouble some times."""
    place, local = Path(folder), Path(folder, "local")
    conf = {
        **SPARK_CONF,
        "spark.driver.memory": "1g",
        "spark.local.dir": str(local),
        "spark.task.maxFailures": "10",
        "spark.stage.maxConsecutiveAttempts": "10",
        **(_EAGER if trouble == "tasks run twice" else {}),
    }
    cluster = {"master": "local-cluster[2,1,1024]", "conf": conf}
    spark = session.start(environment_at(folder, spark=cluster), app_name="promises")
    lake = Lab(spark, place).lake()
    write_days(lake.lakehouse, int(seed), days=8, visits=60, sales=60)
    write_dirty(lake.lakehouse, int(seed), files=3)
    made: list[int] = []
    ended = threading.Event()

    def trouble_them() -> None:
        while len(made) < _MOST and not ended.wait(0.2):
            number = TROUBLES[trouble](local) if list(local.rglob("shuffle_*.data")) else 0
            if number:
                made.append(number)
                ended.wait(_PAUSE)

    thread = threading.Thread(target=trouble_them)
    thread.start()
    try:
        lake.run("land", "refine", "features", as_of=day(8))
    finally:
        ended.set()
        thread.join()
    digests = lake.digests()
    spark.stop()
    sys.stdout.write(json.dumps({"digests": digests, "troubles": sum(made)}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Makes all trials of all promises and writes them down: `make promises NAME=P17`."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.result import write
from lepton_spark.lake import session
from tests.conftest import SPARK_CONF, environment_at
from tests.promises.catalogue import PROMISES
from tests.promises.lab import Lab
from tests.promises.promise import checks

logger = logging.getLogger("promises")


def main() -> int:
    """Exit code 1 where a promise is broken, or a control sees nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="all", help="such as P17; all without")
    name = parser.parse_args().name
    chosen = [promise for promise in PROMISES if name in ("all", promise.name)]
    slots = max(promise.slots for promise in chosen)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logger.setLevel(logging.INFO)
    is_kept = True
    with tempfile.TemporaryDirectory() as folder:
        master = {"master": f"local[{slots}]", "conf": SPARK_CONF}
        environment = environment_at(Path(folder, "lake"), spark=master)
        spark = session.start(environment, app_name="promises")
        for promise in chosen:
            started = time.monotonic()
            found = checks(promise, Lab(spark, Path(folder)), promise.full)
            write(f"promises/{promise.name}", found, command=f"make promises NAME={promise.name}")
            is_kept &= all(check.holds is not False for check in found)
            took = time.monotonic() - started
            logger.info("%s in %d s: %s", promise.name, took, [check.value for check in found])
        spark.stop()
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())

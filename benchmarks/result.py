"""The one form of every measured claim: a JSON file below `results/`, kept as it came out."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parents[1] / "results"
PACKAGES = ("lepton-spark", "pyspark", "delta-spark", "tensorflow", "tensorflow-cpu",
            "keras", "horovod",
            "xgboost-cpu", "mlflow", "pyarrow", "numpy")  # fmt: skip
_RESAMPLES = 2000


@dataclass(frozen=True)
class Check:
    """One claim.

    Args:
        what: In words, unique in its file.
        value: As measured, with the ends of its interval where there are several rounds.
        unit: Such as s, or x for a ratio.
        target: Such as `<= 1.3`; the value is held against it.
    """

    what: str
    value: float
    unit: str = ""
    target: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the value is as wanted; None where nothing is wanted."""
        if not self.target:
            return None
        sign, bound = self.target.split()
        return self.value <= float(bound) if sign == "<=" else self.value >= float(bound)


def write(path: str, checks: Sequence[Check], *, command: str | None = None) -> Path:
    """Write `results/<path>.json` over an older one.

    Args:
        path: Kind and name, such as `bench/launch`.
        checks: All of them, those that do not hold included.
        command: What measures them again; that of the benchmark where not given.

    Returns:
        The file.
    """
    target = RESULTS / f"{path}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "command": command or benchmark(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "checks": [{**asdict(check), "holds": check.holds} for check in checks],
    }
    target.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return target


def ratio(ours: Sequence[float], peer: Sequence[float]) -> tuple[float, float, float]:
    """Median of the ratios round by round, and a bootstrap interval of it.

    A side that is too slow for all rounds is held against the rounds that it took part in.
    """
    rounds = min(len(ours), len(peer))
    ratios = np.divide(ours[:rounds], peer[:rounds])
    random = np.random.default_rng(7)
    drawn = np.median(random.choice(ratios, (_RESAMPLES, rounds)), axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(np.median(ratios)), float(low), float(high)


def compared(what: str, these: Sequence[float], those: Sequence[float], target: str = "") -> Check:
    """How many times as long as those these took."""
    value, low, high = ratio(these, those)
    return Check(what, value, "x", target, low, high)


def benchmark() -> str:
    """The command that measures this benchmark again."""
    name = Path(sys.argv[0]).stem
    return shlex.join(["make", "bench", f"NAME={name}", *scale()])


def scale() -> list[str]:
    """The SCALE that was asked for, where it is not 1."""
    arguments = sys.argv[1:]
    asked = arguments[arguments.index("--scale") + 1] if "--scale" in arguments else "1"
    return [] if asked == "1" else [f"SCALE={asked}"]


def suffix() -> str:
    """What the file of another SCALE is called by, such as `_16`; nothing for 1."""
    return "".join(scale()).replace("SCALE=", "_")


def machine() -> str:
    """Processor, cores and memory, and the GPUs where there are any."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = {line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line}
    told = f"{', '.join(sorted(models)) or platform.machine()}, {cores} cores, {memory:.0f} GiB"
    return ", ".join([told, *_gpus()])


def _gpus() -> list[str]:
    """Such as `2 x NVIDIA H200`, as the driver's own program names them."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:  # there is the program, and no GPU
        return []
    names = Counter(line.strip() for line in done.stdout.splitlines() if line.strip())
    return [f"{count} x {name}" for name, count in sorted(names.items())]


def versions() -> dict[str, str]:
    """What was measured."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)

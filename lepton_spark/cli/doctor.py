"""Is this machine fit? Each check says what it found and, where that will not do, the fix."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_spark.errors import LeptonError
from lepton_spark.lake.java import FIX as JAVA_FIX
from lepton_spark.lake.java import WANTED, find_java

if TYPE_CHECKING:
    from lepton_spark.config.environment import Environment

GIB = 1 << 30
# Below these: an untested version, or a known hole.
FLOORS = {
    "pyspark": ("4.2", "Delta 4.4 is published for it"),
    "delta-spark": ("4.4", "its jars must fit Spark"),
    "pyarrow": ("18.0", "below 14.0.1 CVE-2023-47248 runs code from a file"),
    "pandas": ("2.2", "Spark 4 needs it"),
    "numpy": ("2.0", "TensorFlow 2.18 needs it"),
    "keras": ("3.15", "below 3.9 CVE-2025-1550 runs code from a model file"),
    "tensorflow-cpu": ("2.18", "Horovod 0.28 is built against it"),
    "mlflow": ("3.17", "the registry is tested with it"),
}
# Any of these serves for the first.
_TWINS = {"tensorflow-cpu": ("tensorflow",), "mlflow": ("mlflow-skinny",)}
_INSTALL = (
    "make setup, or pip install 'lepton-spark[spark,train,horovod]' (not [spark] on a cluster)"
)
_HOROVOD_SECONDS = 90
_HOROVOD = """
import horovod.tensorflow as hvd
print("version", __import__("horovod").__version__, "gloo", int(bool(hvd.gloo_built())),
      "nccl", int(bool(hvd.nccl_built())))
"""
_DISK_GIB = 2
_RANK_GIB = 1


@dataclass(frozen=True)
class Finding:
    """One check.

    Args:
        name: What was checked.
        found: What is there.
        fix: What to do; empty where it is fit.
    """

    name: str
    found: str
    fix: str = ""

    @property
    def is_fit(self) -> bool:
        """True where nothing has to be done."""
        return not self.fix

    def facts(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "is_fit": self.is_fit}

    def __str__(self) -> str:
        mark = "ok  " if self.is_fit else "FAIL"
        lines = f"{mark}  {self.name:<12} {self.found}"
        return lines if self.is_fit else f"{lines}\n      Fix: {self.fix}"


def examine(conf_dir: Path, env: str, overrides: tuple[str, ...] = ()) -> list[Finding]:
    """All checks, in an order in which fixing makes sense; writes nothing that stays.

    Horovod is loaded in a process of its own, which is the slow part: some seconds.
    """
    horovod = _start_horovod()
    findings = [check_python(), check_java(), *check_packages(), check_jars()]
    findings += _check_environment(conf_dir, env, overrides)
    found = check_horovod(horovod)
    return [*findings, found, check_launchers(found)]


def check_python() -> Finding:
    """Python 3.11 or 3.12."""
    found = ".".join(map(str, sys.version_info[:3]))
    is_fit = (3, 11) <= sys.version_info[:2] < (3, 13)
    fix = "" if is_fit else "use Python 3.11 or 3.12: rm -r .venv && make setup PYTHON=python3.11"
    return Finding("python", found, fix)


def check_java() -> Finding:
    """Java 17 or 21, where Spark will look for it."""
    wanted = " or ".join(map(str, WANTED))
    home = os.environ.get("JAVA_HOME", "not set")
    java = find_java()
    if java is None:
        return Finding("java", f"Java {wanted} not found; JAVA_HOME is {home}", JAVA_FIX)
    if java.release == 0:
        return Finding("java", f"{java.program} does not run; JAVA_HOME is {home}", JAVA_FIX)
    found = f"{java.release} at {java.program}"
    return Finding("java", found if java.is_fit else f"{found}; needed {wanted}", _java_fix(java))


def _java_fix(java: Any) -> str:
    return "" if java.is_fit else JAVA_FIX


def check_packages() -> Iterator[Finding]:
    """Versions that were tested, without known holes."""
    for name, (floor, why) in FLOORS.items():
        version = _version(name)
        if version is None:
            yield Finding(name, "not installed", _INSTALL)
        elif _numbers(version) < _numbers(floor):
            yield Finding(name, f"{version}, needed {floor}: {why}", _INSTALL)
        else:
            yield Finding(name, version)


def _version(name: str) -> str | None:
    for candidate in (name, *_TWINS.get(name, ())):
        try:
            return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def check_jars() -> Finding:
    """Delta's jars for the Spark that is installed."""
    from lepton_spark.lake import jars

    fix = "python -m lepton_spark.lake.jars, once, where a Maven repository can be reached"
    try:
        wanted, found = jars.coordinates(), jars.cached_jars()
    except LeptonError as error:
        return Finding("delta jars", error.what, error.fix)
    if not found:
        return Finding("delta jars", f"{wanted} not in {jars.cache_folder()}", fix)
    _, artifact, version = wanted.split(":")
    if not any(Path(jar).name.endswith(f"{artifact}-{version}.jar") for jar in found):
        names = ", ".join(sorted(Path(jar).name for jar in found))
        return Finding(
            "delta jars", f"{names} are not for {wanted}", f"empty that folder, then {fix}"
        )
    return Finding("delta jars", wanted)


def _check_environment(conf_dir: Path, env: str, overrides: tuple[str, ...]) -> list[Finding]:
    from lepton_spark.config.loader import load_environment

    try:
        environment = load_environment(conf_dir, env, overrides)
    except LeptonError as error:
        return [Finding("settings", error.what, error.fix)]
    return [
        Finding("settings", str(conf_dir / "env" / f"{env}.yml")),
        check_memory(environment),
        check_lakehouse(environment),
        check_disk("temp space", Path(tempfile.gettempdir())),
    ]


def check_memory(environment: Environment) -> Finding:
    """Enough for the driver and two training processes; only where Spark runs on this machine."""
    if not (environment.spark.master or "").startswith("local"):
        return Finding("memory", "Spark runs elsewhere")
    driver = _bytes(environment.spark.conf.get("spark.driver.memory", "1g"))
    needed = driver + 2 * _RANK_GIB * GIB
    there = memory_there()
    found = f"{there / GIB:.1f} GiB free, {needed / GIB:.1f} GiB needed"
    fix = "end other programs, or lower spark.driver.memory in conf/env"
    return Finding("memory", found, "" if there >= needed else fix)


def memory_there() -> int:
    """Free memory in bytes: what the machine has, or less where a container is limited."""
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    match = re.search(r"MemAvailable:\s+(\d+) kB", text)
    available = int(match[1]) * 1024 if match else 0
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and (allowed := limit.read_text().strip()).isdigit():
        available = min(available, int(allowed) - int(used.read_text()))
    return available


def _bytes(text: str) -> int:
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
    match = re.fullmatch(r"(\d+)([kmgt])b?", text.strip().lower())
    return int(match[1]) * units[match[2]] if match else GIB


def check_lakehouse(environment: Environment) -> Finding:
    """Write access to the lakehouse, and room in it."""
    from lepton_spark.lake.catalog import path_of, scheme_of

    place = path_of(environment)
    if scheme_of(place) != "file":
        return Finding("lakehouse", f"{place} is not on this machine; not checked")
    folder = Path(place)
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=parent):
            return check_disk("lakehouse", parent, shown_as=place)
    except OSError as error:
        found = f"{place}: {error.strerror} for user {os.getuid()}"
        return Finding("lakehouse", found, f"chown it, or --set lakehouse=DIR ({parent} is in use)")


def check_disk(name: str, folder: Path, *, shown_as: str | None = None) -> Finding:
    """Room for a year of a case and for Spark's own files."""
    free = shutil.disk_usage(folder).free
    found = f"{shown_as or folder}, {free / GIB:.1f} GiB free"
    return Finding(name, found, "" if free > _DISK_GIB * GIB else f"free {_DISK_GIB} GiB there")


def _start_horovod() -> subprocess.Popen[str] | None:
    if _version("horovod") is None:
        return None
    environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        [sys.executable, "-c", _HOROVOD],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environ,
    )


def check_horovod(probe: subprocess.Popen[str] | None) -> Finding:
    """Horovod built with TensorFlow and Gloo, able to load."""
    fix = "make setup rebuilds it; or train without: --set train.launcher=distribute"
    if probe is None:
        return Finding("horovod", "not installed", fix)
    try:
        said, _ = probe.communicate(timeout=_HOROVOD_SECONDS)
    except subprocess.TimeoutExpired:
        probe.kill()
        return Finding("horovod", f"did not load within {_HOROVOD_SECONDS} s", fix)
    match = re.search(r"version (\S+) gloo (\d) nccl (\d)", said)
    if match is None:
        return Finding("horovod", "does not load with this TensorFlow", fix)
    if match[2] == "0":
        return Finding("horovod", f"{match[1]} built without Gloo", fix)
    nccl = ", NCCL" if match[3] == "1" else "; without NCCL sums of GPUs go through the host"
    return Finding("horovod", f"{match[1]} with TensorFlow and Gloo{nccl}")


def check_launchers(horovod: Finding) -> Finding:
    """Which values of train.launcher can be used here, and why not the others."""
    if _version("tensorflow-cpu") is None and _version("tensorflow") is None:
        return Finding("launchers", "none: TensorFlow is not installed", _INSTALL)
    usable = ["distribute", "local"]
    if horovod.is_fit:
        return Finding("launchers", ", ".join(["barrier", "stock", *usable]))
    return Finding("launchers", f"{', '.join(usable)}; barrier and stock need Horovod")

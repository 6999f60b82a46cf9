"""Is this machine fit? Each check says what it found and, where that will not do, the fix."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
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
_LOAD_SECONDS = 90
# What a training process imports, in its order; of what fails the first line is told.
_LOAD = """
import sys
sys.excepthook = lambda kind, error, _: print(f"failed {kind.__name__}: {error}"[:200])
from lepton_spark.models.lean import tf
print("tensorflow", tf.__version__, flush=True)
import horovod.tensorflow as hvd
print("horovod", __import__("horovod").__version__, "gloo", int(bool(hvd.gloo_built())),
      "nccl", int(bool(hvd.nccl_built())))
"""
_NEED_HOROVOD = ("barrier", "stock")
_DISK_GIB = 2
_RANK_GIB = 1


@dataclass(frozen=True)
class Finding:
    """One check.

    Args:
        name: What was checked.
        found: What is there.
        fix: What to do; empty where it is fit.
        is_needed: Without it a command would fail here.
    """

    name: str
    found: str
    fix: str = ""
    is_needed: bool = True

    @property
    def is_fit(self) -> bool:
        """True where nothing has to be done."""
        return not self.fix or not self.is_needed

    def facts(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "is_fit": self.is_fit}

    def __str__(self) -> str:
        mark = "FAIL" if not self.is_fit else "--  " if self.fix else "ok  "
        lines = f"{mark}  {self.name:<12} {self.found}"
        return f"{lines}\n      Fix: {self.fix}" if self.fix else lines


def examine(conf_dir: Path, env: str, overrides: tuple[str, ...] = ()) -> list[Finding]:
    """All checks, in an order in which fixing makes sense; writes nothing that stays.

    TensorFlow and Horovod are loaded in a process of their own, the slow part: some seconds.
    """
    loading = start_loading()
    findings = [check_python(), check_java(), *check_packages(), check_jars()]
    findings += _check_environment(conf_dir, env, overrides)
    said = what_loaded(loading)
    return [*findings, *check_launchers(said, wanted_launchers(conf_dir, overrides))]


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


def start_loading() -> subprocess.Popen[str]:
    """A process that says which of TensorFlow and Horovod it could load."""
    return subprocess.Popen(
        [sys.executable, "-c", _LOAD],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def what_loaded(loading: subprocess.Popen[str]) -> str:
    """What such a process said to its end, or until it had taken too long."""
    try:
        return loading.communicate(timeout=_LOAD_SECONDS)[0]
    except subprocess.TimeoutExpired:
        loading.kill()
        return loading.communicate()[0] + f"failed to load within {_LOAD_SECONDS} s"


def wanted_launchers(conf_dir: Path, overrides: tuple[str, ...]) -> dict[str, str]:
    """A case by each launcher that cases of a folder train with; broken cases are left out."""
    from lepton_spark.config.loader import list_cases, load_case

    found: dict[str, str] = {}
    for name in list_cases(conf_dir):
        with contextlib.suppress(LeptonError):
            found[load_case(conf_dir, name, overrides).train.launcher] = name
    return found


def check_launchers(said: str, wanted: Mapping[str, str]) -> list[Finding]:
    """TensorFlow and Horovod as they load, and which launchers can be used.

    Args:
        said: By a process that loaded them.
        wanted: A case by each launcher that is asked for.
    """
    tensorflow, horovod = check_tensorflow(said), check_horovod(said, wanted)
    launchers = Finding("launchers", "none: TensorFlow does not load", _INSTALL)
    if tensorflow.is_fit:
        usable = [*([] if horovod.fix else _NEED_HOROVOD), "distribute", "local"]
        why = "; barrier and stock need Horovod" if horovod.fix else ""
        launchers = Finding("launchers", ", ".join(usable) + why)
    return [tensorflow, horovod, launchers]


def check_tensorflow(said: str) -> Finding:
    """TensorFlow able to load, which every launcher needs."""
    match = re.search(r"tensorflow (\S+)", said)
    if match is None:
        return Finding("tensorflow", f"does not load ({_failure(said)})", _INSTALL)
    return Finding("tensorflow", f"{match[1]} loads")


def check_horovod(said: str, wanted: Mapping[str, str]) -> Finding:
    """Horovod built with TensorFlow and Gloo, able to load; needed where a case trains with it."""
    fix = "make setup rebuilds it; or train without: --set train.launcher=distribute"
    case = next((wanted[launcher] for launcher in _NEED_HOROVOD if launcher in wanted), None)
    if case:
        fix = f"{case} trains with it: {fix}"
    match = re.search(r"horovod (\S+) gloo (\d) nccl (\d)", said)
    if match is None:
        return Finding("horovod", f"does not load ({_failure(said)})", fix, is_needed=bool(case))
    if match[2] == "0":
        return Finding("horovod", f"{match[1]} built without Gloo", fix, is_needed=bool(case))
    nccl = ", NCCL" if match[3] == "1" else "; without NCCL sums of GPUs go through the host"
    return Finding("horovod", f"{match[1]} with TensorFlow and Gloo{nccl}")


def _failure(said: str) -> str:
    match = re.search(r"^failed (.+)", said, re.MULTILINE)
    return match[1] if match else "its process ended without a word"

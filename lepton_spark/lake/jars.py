"""The Delta jars for this Spark: resolved once by Spark's own Ivy, then kept in a cache folder.

`python -m lepton_spark.lake.jars` resolves them and prints the list that `--jars` takes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake.java import use_java

SCALA = "2.13"
# Of what Ivy brings, Spark has the rest already.
NEEDED = (
    "delta-spark",
    "delta-storage",
    "delta-kernel-api",
    "delta-kernel-defaults",
    "delta-kernel-unitycatalog",
)
# What a session is told so that it uses them.
DELTA_SETTINGS: Mapping[str, str] = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
_DEADLINE_SECONDS = 600


def coordinates() -> str:
    """The Maven coordinates of Delta for the installed PySpark.

    Raises:
        EnvironmentFault: PySpark or delta-spark is not installed.
    """
    spark, delta = _version("pyspark"), _version("delta-spark")
    major_minor = ".".join(spark.split(".")[:2])
    return f"io.delta:delta-spark_{major_minor}_{SCALA}:{delta}"


def cache_folder() -> Path:
    """Where the jars of these versions are kept: below XDG_CACHE_HOME, else ~/.cache."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "lepton_spark" / f"jars-{_version('pyspark')}-{_version('delta-spark')}"


def cached_jars() -> list[str]:
    """The resolved jars, or an empty list where they are not all there."""
    folder = cache_folder()
    found = [sorted(folder.glob(f"*{name}[_-][0-9]*.jar")) for name in NEEDED]
    return [str(jars[0]) for jars in found] if all(found) else []


def resolve_jars() -> list[str]:
    """The Delta jars on this machine; fetched on the first call, which takes about 30 seconds.

    Raises:
        EnvironmentFault: They are not cached and cannot be fetched.
    """
    jars = cached_jars()
    if jars:
        return jars
    target = cache_folder()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".resolve-") as work:
        fetched = _fetch(Path(work))
        _keep(fetched, target, Path(work))
    return cached_jars()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError as error:
        raise EnvironmentFault(
            "LS-5001",
            f"the Python package {package} is not installed.",
            "tables are written through Spark and Delta.",
            "install lepton-spark with its extra `spark`.",
        ) from error


def _fetch(work: Path) -> list[Path]:
    """Let spark-submit resolve the coordinates; its program never runs."""
    command = [sys.executable, "-m", "lepton_spark.lake.jars", "--fetch", str(work)]
    try:
        finished = subprocess.run(  # our own interpreter and module
            command, capture_output=True, text=True, timeout=_DEADLINE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _missing(f" within {_DEADLINE_SECONDS} seconds") from None
    jars = [
        jar for name in NEEDED for jar in sorted((work / "jars").glob(f"*{name}[_-][0-9]*.jar"))
    ]
    if finished.returncode != 0 or len(jars) < len(NEEDED):
        raise _missing(f"; of {len(NEEDED)} needed there are {len(jars)}")
    return jars


def _missing(how: str) -> EnvironmentFault:
    return EnvironmentFault(
        "LS-5003",
        f"the jars of {coordinates()} could not be fetched{how}.",
        "Spark reads and writes Delta tables only with them, and they are not cached in"
        f" {cache_folder()}.",
        "connect to a Maven repository once (`python -m lepton_spark.lake.jars`), or copy the"
        " jars into that folder.",
    )


def _keep(jars: list[Path], target: Path, work: Path) -> None:
    """Move the jars to their place as a whole, so that no one sees half of them."""
    complete = work / "complete"
    complete.mkdir()
    for jar in jars:
        shutil.copy2(jar, complete / jar.name)
    if target.exists() and not cached_jars():
        shutil.rmtree(target, ignore_errors=True)
    try:
        complete.rename(target)
    except OSError:
        # Another process was first: its folder is as good as ours.
        if not cached_jars():
            raise


def _fetch_here(work: str) -> None:
    """Start and end a JVM that brings the jars to `work`; runs in a process of its own."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  # only this process needs it

    use_java()
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.Builder().master("local[1]").appName("lepton-jars")
    builder = builder.config("spark.ui.enabled", "false").config("spark.jars.ivy", work)
    builder.config("spark.jars.packages", coordinates()).getOrCreate().stop()


def main(arguments: list[str]) -> int:
    """Resolve and print the jars, comma-separated as `spark-submit --jars` takes them."""
    if arguments[:1] == ["--fetch"]:
        _fetch_here(arguments[1])
        return 0
    sys.stdout.write(",".join(resolve_jars()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

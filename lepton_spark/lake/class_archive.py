"""The classes of Spark and Delta, loaded and verified once: a JVM that maps them starts sooner.

Loading some fifteen thousand classes takes most of the first seconds of every run. The JVM can
write them down when it ends and map them later (class-data sharing, JEP 350); where the archive
does not fit the JVM or the jars it is left aside. `python -m lepton_spark.lake.class_archive`
writes it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_spark.lake.jars import DELTA_SETTINGS, cache_folder, resolve_jars
from lepton_spark.lake.java import use_java

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import DataFrame, SparkSession

logger = logging.getLogger(__name__)
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"
_CLASS_PATH = "spark.driver.extraClassPath"
_DEADLINE_SECONDS = 600
_MOST_CHARACTERS = 500


def archive_path() -> Path:
    """Where the archive for this JVM and these jars is, or would be.

    In the virtual environment, as it holds the places of its jars; else in the cache folder.
    """
    import pyspark  # noqa: PLC0415  # not before it is known to be there

    is_own = sys.prefix != sys.base_prefix
    folder = Path(sys.prefix, "share", "lepton_spark") if is_own else cache_folder().parent
    home = Path(os.environ.get("JAVA_HOME") or "/").resolve()
    told = [str(home), _release(home), str(Path(pyspark.__file__).parent), cache_folder().name]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    return folder / f"classes-{digest}.jsa"


def use_archive(conf: SparkConf, jars: list[str]) -> None:
    """Have the JVM of the driver map the archive, where there is one.

    Args:
        conf: Of a JVM that is yet to be started; what it says already is kept.
        jars: Those of Delta: only classes of the class path can be in the archive.
    """
    archive = archive_path()
    if archive.exists():
        _add(conf, f"-XX:SharedArchiveFile={archive} -Xshare:auto", jars)


def write_archive() -> Path | None:
    """Write the archive by running a short program; takes a minute.

    Returns:
        Where it is. Nothing is done where it is there already; None where this JVM writes none:
        then it starts as it did.
    """
    use_java()
    archive = archive_path()
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".classes-") as work:
        command = [sys.executable, "-m", "lepton_spark.lake.class_archive", "--in", work]
        done = subprocess.run(
            command, timeout=_DEADLINE_SECONDS, capture_output=True, text=True, check=False
        )
        written = Path(work, archive.name)
        if done.returncode != 0 or not written.exists():
            logger.warning("no class archive was written: %s", done.stderr[-_MOST_CHARACTERS:])
            return None
        written.replace(archive)
    return archive


def _release(home: Path) -> str:
    try:
        return (home / "release").read_text(errors="replace")
    except OSError:
        return ""


def _add(conf: SparkConf, options: str, jars: list[str]) -> None:
    # Its warnings are of no use to anybody: without the archive all is as it was.
    quiet = "-Xlog:cds=off -Xlog:cds+dynamic=off -Xlog:class+path=off"
    given = conf.get(_JAVA_OPTIONS, "") or ""
    conf.set(_JAVA_OPTIONS, f"{given} {options} {quiet}".strip())
    path = [*filter(None, [conf.get(_CLASS_PATH, "")]), *jars]
    conf.set(_CLASS_PATH, os.pathsep.join(path))


def _write_here(work: Path) -> None:
    """Run the program in a JVM that writes its classes down; a process of its own."""
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415  # only this process needs it
    from pyspark.sql import SparkSession  # noqa: PLC0415  # as above

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = SparkConf().setMaster("local[2]").set("spark.ui.enabled", "false")
    for name, setting in DELTA_SETTINGS.items():
        conf.set(name, setting)
    conf.set("spark.sql.shuffle.partitions", "2")
    conf.set("spark.databricks.delta.snapshotPartitions", "2")
    jars = resolve_jars()
    conf.set("spark.jars", ",".join(jars))
    _add(conf, f"-XX:ArchiveClassesAtExit={work / archive_path().name}", jars)
    session = SparkSession.Builder().config(conf=conf).getOrCreate()
    _load_classes(session, work / "table")
    gateway: Any = SparkContext._gateway  # untyped in PySpark
    session.stop()
    gateway.proc.stdin.close()  # the JVM ends, and writes
    gateway.proc.wait(_DEADLINE_SECONDS)


def _load_classes(spark: SparkSession, folder: Path) -> None:
    """Do once what pipelines do: so each class that they need is loaded."""
    from pyspark.sql import functions as F  # noqa: PLC0415  # only this process needs it

    table = str(folder)
    rows = spark.range(0, 1000, 1, 2).select(
        "id",
        (F.col("id") % 7).cast("string").alias("key"),
        (F.col("id") / 3).alias("amount"),
        F.date_add(F.lit("2024-01-01").cast("date"), (F.col("id") % 30).cast("int")).alias("day"),
        F.timestamp_seconds(F.col("id") * 60).alias("at"),
    )
    for how in ("overwrite", "append"):
        rows.write.format("delta").mode(how).option("userMetadata", "{}").save(table)
    rows.write.format("delta").mode("overwrite").option("replaceWhere", "id >= 0").save(table)
    stored = spark.read.format("delta").option("versionAsOf", 1).load(table)
    kept = _shaped(stored).persist()
    kept.write.parquet(f"{table}.parquet")
    spark.read.parquet(f"{table}.parquet").agg(F.count("*"), F.max("total")).collect()
    kept.unpersist()


def _shaped(stored: DataFrame) -> DataFrame:
    from pyspark.sql import Window  # noqa: PLC0415  # only this process needs it
    from pyspark.sql import functions as F  # noqa: PLC0415  # as above

    newest = Window.partitionBy("key").orderBy(F.col("at").desc(), F.xxhash64("id"))
    ranked = stored.withColumn("rank", F.row_number().over(newest)).filter("rank < 50")
    totals = stored.groupBy("key").agg(F.sum("amount").alias("total"), F.countDistinct("day"))
    text = F.regexp_replace(F.col("key"), "[0-9]", "x")
    joined = ranked.join(F.broadcast(totals), "key", how="left").withColumn("text", text)
    cast = joined.withColumn("whole", F.col("key").try_cast("int")).unionByName(
        joined.withColumn("whole", F.lit(None).cast("int"))
    )
    exploded = cast.withColumn("n", F.explode(F.sequence(F.lit(1), F.lit(2))))
    sorted_ = exploded.repartition(2, "key").sortWithinPartitions("at")
    columns = ("id", "key", "amount", "day", "at", "total", "text", "whole", "n")
    narrow = sorted_.select(*columns)
    return narrow.mapInArrow(lambda batches: batches, narrow.schema)


def main(arguments: list[str]) -> int:
    """Write the archive, and say where it is."""
    if arguments[:1] == ["--in"]:
        _write_here(Path(arguments[1]))
        return 0
    sys.stdout.write(f"{write_archive() or 'none'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What Spark, Delta and the file system may complain of, and what each complaint means here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lepton_spark.errors import (
    DataError,
    EnvironmentFault,
    InternalError,
    LeptonError,
    TryAgainError,
)


@dataclass(frozen=True)
class Complaint:
    """One kind of complaint and its translation.

    Args:
        sign: Found in the chain of causes, one `Class: message` a line.
        kind: Error to raise instead.
        what: May hold {place}, a path named by the chain, and {detail}, the sign's first group.
        fix: May hold the same.
    """

    sign: re.Pattern[str]
    kind: type[LeptonError]
    code: str
    what: str
    why: str
    fix: str


def _of(kind: type[LeptonError], code: str, sign: str, *words: str) -> Complaint:
    what, why, fix = words
    return Complaint(re.compile(sign), kind, code, what, why, fix)


_FREE_SPACE = "free space there or move the lake, then run the same command again."
_RESTORE = "restore the file from a backup, or the table with RESTORE to a version without it."

# The first that fits counts: a full disk also looks like a failed task.
COMPLAINTS: tuple[Complaint, ...] = (
    _of(
        EnvironmentFault,
        "LS-5010",
        r"(?s)(?:blockmgr-|spark-local).*(?:No space left|Disk quota)"
        r"|(?:No space left|Disk quota)(?s:.*)(?:blockmgr-|spark-local)",
        "the disk of Spark's own temporary files is full.",
        "shuffles are written there.",
        "set spark.local.dir to a larger disk in the environment file.",
    ),
    _of(
        TryAgainError,
        "LS-7508",
        r"(?s)_delta_log.*(?:No space left|Disk quota)|(?:No space left|Disk quota).*_delta_log",
        "the disk became full while the commit was written{place}.",
        "a commit is one file, there or not there.",
        _FREE_SPACE,
    ),
    _of(
        EnvironmentFault,
        "LS-5008",
        r"No space left on device|Disk quota exceeded|ENOSPC|EDQUOT",
        "the disk is full{place}.",
        "the rows have to be written before they can be published.",
        _FREE_SPACE,
    ),
    _of(
        EnvironmentFault,
        "LS-5011",
        r"Read-only file system|EROFS",
        "the file system is read-only{place}.",
        "a stage writes its table, and a lock and staging folder beside it.",
        "mount it for writing, or set `lakehouse` in the environment file to another place.",
    ),
    _of(
        EnvironmentFault,
        "LS-5007",
        r"Permission denied|Operation not permitted|AccessControlException|AccessDenied|EACCES"
        r"|EPERM|DELTA_CANNOT_CREATE_LOG_PATH|Mkdirs failed to create",
        "this user may not write or read{place}.",
        "a stage reads its inputs, and writes its table and a folder beside it.",
        "give the user that runs Spark the right to, or choose another `lakehouse`.",
    ),
    _of(
        EnvironmentFault,
        "LS-5012",
        r"Input/output error|\bEIO\b",
        "the storage failed{place}.",
        "the operating system reports a failure of the device.",
        "look after the disk, then run the same command again.",
    ),
    _of(
        EnvironmentFault,
        "LS-5014",
        r"DELTA_VERSIONS_NOT_CONTIGUOUS\] Versions (\([\d, ]+\))",
        "the log of the table has a gap: of its versions there are {detail}.",
        "a version is the sum of all commits before it.",
        "restore the missing files of `_delta_log` from a backup.",
    ),
    _of(
        EnvironmentFault,
        "LS-5013",
        r"(?s)(?:FAILED_READ_FILE|JsonEOFException|JsonParse|MALFORMED_RECORD|ChecksumException)"
        r".*_delta_log|_delta_log.*(?:JsonEOF|JsonParse|MALFORMED_RECORD|ChecksumException)",
        "the log of the table is cut off or damaged{place}.",
        "each line of a commit is one JSON document.",
        "restore this file from a backup; the data files are not changed.",
    ),
    _of(
        EnvironmentFault,
        "LS-5016",
        r"FAILED_READ_FILE\.FILE_NOT_EXIST|DELTA_FILE_NOT_FOUND|FileNotFoundException|ENOENT"
        r"|FileNotFoundError",
        "a file is gone{place}.",
        "someone deleted it by hand, or VACUUM did while the version was still in use.",
        _RESTORE,
    ),
    _of(
        EnvironmentFault,
        "LS-5021",
        r"FAILED_READ_FILE|CRC checksum verification failed|ParquetDecodingException"
        r"|is not a Parquet file|ChecksumException|CorruptStatistics|PageHeader"
        r"|CRC failed|Corrupt snappy|Parquet magic bytes",
        "a data file is damaged{place}.",
        "its pages do not have the checksums that were written with them.",
        _RESTORE,
    ),
    _of(
        EnvironmentFault,
        "LS-5017",
        r"DELTA_UNSUPPORTED_FEATURES_FOR_\w+\][^\n]*?unsupported by[^\n]*?:\s*(\w[\w, ]*\w)",
        "the table uses features that this Delta does not know: {detail}.",
        "it was written by a newer Delta.",
        "upgrade delta-spark, or drop the features with ALTER TABLE ... DROP FEATURE there.",
    ),
    _of(
        EnvironmentFault,
        "LS-5017",
        r"DELTA_UNSUPPORTED_FEATURES|DELTA_INVALID_PROTOCOL_VERSION|DELTA_UNSUPPORTED_PROTOCOL"
        r"|Mismatched min(?:Reader|Writer)Version",
        "the table asks for a newer protocol of Delta.",
        "it was written by a newer Delta.",
        "upgrade delta-spark.",
    ),
    _of(
        EnvironmentFault,
        "LS-5015",
        r"DELTA_VERSION_NOT_FOUND\][^\n]*?version (\d+)\. Available versions: (?:\[[\d, ]+\])",
        "version {detail} of the table is gone.",
        "the log keeps versions for a limited time.",
        "use a version that `lepton trace` or DESCRIBE HISTORY lists.",
    ),
    _of(
        EnvironmentFault,
        "LS-5018",
        r"DELTA_TABLE_NOT_FOUND|DELTA_MISSING_DELTA_TABLE|PATH_NOT_FOUND|DELTA_PATH_DOES_NOT_EXIST",
        "there is no Delta table{place}.",
        "tables of the lake have a Delta log.",
        "move away what lies there, or convert it in place with CONVERT TO DELTA.",
    ),
    _of(
        DataError,
        "LS-2019",
        r"DELTA_METADATA_MISMATCH|DELTA_FAILED_TO_MERGE_FIELDS|DELTA_MERGE_INCOMPATIBLE",
        "the rows have other columns or types than the table.",
        "a published table keeps its schema.",
        "bring the case back to the old columns, or publish to a new table.",
    ),
    _of(
        DataError,
        "LS-2020",
        r"DELTA_REPLACE_WHERE_MISMATCH",
        "some rows lie outside of what the publication replaces.",
        "rows of another key would be mixed in.",
        "this is a fault of the stage that computed them: report it.",
    ),
    _of(
        TryAgainError,
        "LS-7501",
        r"(Concurrent\w+Exception|DELTA_CONCURRENT\w+)",
        "another writer committed to the table at the same time ({detail}).",
        "Delta lets one of two writers through.",
        "run the same command again.",
    ),
    _of(
        EnvironmentFault,
        "LS-5030",
        r"Java heap space|OutOfMemoryError|GC overhead limit|SparkOutOfMemory",
        "Spark ran out of memory.",
        "the driver or an executor needed more than its heap.",
        "raise spark.driver.memory or spark.executor.memory in the environment file.",
    ),
    _of(
        EnvironmentFault,
        "LS-5033",
        r"INVALID_(DRIVER|EXECUTOR)_MEMORY",
        "Spark was given too little memory: {detail}.",
        "its own parts need 450 MiB before the first row is read.",
        "raise spark.driver.memory or spark.executor.memory in the environment file.",
    ),
    _of(
        EnvironmentFault,
        "LS-5034",
        r"(?<!OutOf)MemoryError|std::bad_alloc|Cannot allocate memory|\bENOMEM\b",
        "a Python process of Spark ran out of memory.",
        "rows are read, transformed and scored in worker processes beside the JVM.",
        "give them more memory (spark.executor.memoryOverhead, or `ulimit -v` of the shell), or run"
        " fewer of them on one machine: spark.master or spark.executor.cores.",
    ),
    _of(
        EnvironmentFault,
        "LS-5036",
        r"bigger than spark\.driver\.maxResultSize \(([\d.]+ \w+)\)",
        "what Spark was to bring to the driver is larger than it may be: {detail}.",
        "spark.driver.maxResultSize keeps the driver from running out of memory.",
        "raise spark.driver.maxResultSize, and spark.driver.memory with it, in the environment"
        " file.",
    ),
    _of(
        EnvironmentFault,
        "LS-5037",
        r"SPARK-24942",
        "Spark runs no barrier stage while it adds and removes executors by itself.",
        "all training processes must run at the same time.",
        "set spark.dynamicAllocation.enabled to false in the environment file, or train.launcher to"
        " local.",
    ),
    _of(
        TryAgainError,
        "LS-7531",
        r"Python worker exited unexpectedly|Python worker failed|ExecutorLostFailure",
        "a worker process of Spark was killed.",
        "the operating system or the cluster ended it, most often for its memory.",
        "run the same command again; if it comes back, give the workers more memory.",
    ),
    _of(
        TryAgainError,
        "LS-7532",
        r"Py4JNetworkError|ConnectionRefusedError|Answer from Java side is empty"
        r"|SparkContext was shut down|Connection reset",
        "the Java process of Spark ended.",
        "it was killed, or ran out of memory.",
        "run the same command again; if it comes back, raise spark.driver.memory.",
    ),
)

OTHER = _of(
    InternalError,
    "LS-7001",
    "",
    "Spark refused with {detail}{place}.",
    "no rule of lepton_spark expects this; the message is withheld, as it may hold cell values.",
    "set spark.log.level to ERROR in a private environment file to see it, and report the code.",
)

"""One writer a table on `file:` paths, where Delta's own log guards within one JVM only."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_spark.errors import ConflictError, EnvironmentFault
from lepton_spark.lake.catalog import TableId, path_of, scheme_of
from lepton_spark.lake.process import is_alive

if TYPE_CHECKING:
    from lepton_spark.config.environment import Environment
    from lepton_spark.context import RunContext

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.05
# A JVM outlives its killed Python by a second or two, and may commit in that time.
_JVM_GRACE_SECONDS = 20.0
_held = threading.local()


@contextmanager
def hold(context: RunContext, table: TableId) -> Iterator[None]:
    """Be the only process that writes a table, from here to the end of the block.

    May be nested: a stage that decides by reading a table and then appends to it holds the lock
    around both. Where several drivers may write to an object store it is Delta that must guard
    tables; nothing guards what is no table there, such as checkpoints, which is logged.

    Raises:
        ConflictError: Another run holds it for longer than `lock_wait_seconds`.
        EnvironmentFault: The store gives no way to keep two writers apart.
    """
    path = _path(context.environment, table)
    if scheme_of(path) != "file":
        _require_log_store(context, scheme_of(path))
        if table.layer == "models":
            logger.warning("nothing keeps two runs of %s apart there; let one end first", table)
        yield
        return
    gateway = context.spark.sparkContext._gateway  # no public way to the JVM's pid
    jvm = getattr(gateway, "proc", None)
    holder = _holder(context.run_id, jvm.pid if jvm is not None else None)
    with _held_once(context.environment, table, holder):
        yield


@contextmanager
def hold_without_spark(environment: Environment, table: TableId, run_id: str) -> Iterator[None]:
    """The same for a command that starts no Spark; an object store has no lock for it.

    Raises:
        ConflictError: As `hold`.
    """
    if scheme_of(_path(environment, table)) != "file":
        yield
        return
    with _held_once(environment, table, _holder(run_id, None)):
        yield


def _path(environment: Environment, table: TableId) -> str:
    return path_of(environment, table.layer, "_locks", f"{table.name}.lock")


@contextmanager
def _held_once(environment: Environment, table: TableId, holder: dict[str, Any]) -> Iterator[None]:
    path = _path(environment, table)
    depth: dict[str, int] = _held.__dict__.setdefault("depth", {})
    if depth.get(path, 0) > 0:
        yield
        return
    lock = _acquire(environment, table, Path(path), holder)
    depth[path] = 1
    try:
        yield
    finally:
        depth[path] = 0
        _release(lock)


def _acquire(environment: Environment, table: TableId, path: Path, holder: dict[str, Any]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + environment.lock_wait_seconds
    try:
        while not _try_lock(lock):
            if time.monotonic() > deadline:
                raise _held_by_another(table, _read(lock))
            time.sleep(_POLL_SECONDS)
        _take_over(table, _read(lock))
        _write(lock, holder)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _release(lock: int) -> None:
    _write(lock, None)
    os.close(lock)


def _holder(run_id: str, jvm_pid: int | None) -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "jvm_pid": jvm_pid,
        "host": socket.gethostname(),
        "run_id": run_id,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _read(lock: int) -> dict[str, Any]:
    try:
        document = json.loads(os.pread(lock, 4096, 0) or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _write(lock: int, holder: dict[str, Any] | None) -> None:
    os.ftruncate(lock, 0)
    if holder is not None:
        os.pwrite(lock, json.dumps(holder).encode(), 0)


def _take_over(table: TableId, last: dict[str, Any]) -> None:
    """The last holder did not release: it was killed. Wait until its JVM is gone too."""
    if not last:
        return
    logger.warning(
        "took over the lock of %s from dead run %s (pid %s)",
        table,
        last.get("run_id"),
        last.get("pid"),
    )
    jvm_pid = last.get("jvm_pid")
    if last.get("host") != socket.gethostname() or not isinstance(jvm_pid, int):
        return
    deadline = time.monotonic() + _JVM_GRACE_SECONDS
    while is_alive(jvm_pid) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _held_by_another(table: TableId, holder: dict[str, Any]) -> ConflictError:
    return ConflictError(
        "LS-4007",
        f"run {holder.get('run_id', 'unknown')} is writing {table}: process"
        f" {holder.get('pid', 'unknown')} on {holder.get('host', 'an unknown host')}, for"
        f" {_age_seconds(holder)} seconds.",
        "one run at a time publishes to a table.",
        "wait until it ends, or end it if it hangs; then run the same command again.",
    )


def _age_seconds(holder: dict[str, Any]) -> str:
    try:
        since = datetime.fromisoformat(holder["since"])
    except (KeyError, ValueError):
        return "an unknown number of"
    return str(int((datetime.now(UTC) - since).total_seconds()))


def _require_log_store(context: RunContext, scheme: str) -> None:
    if scheme not in {"s3", "s3a", "s3n"}:
        return
    store = context.spark.conf.get(f"spark.delta.logStore.{scheme}.impl", None)
    if store is None or "SingleDriver" in store:
        raise EnvironmentFault(
            "LS-5019",
            f"the lake is at {scheme}: and no log store for several drivers is set.",
            "two drivers could both commit the same version there, and one would be lost.",
            f"set spark.delta.logStore.{scheme}.impl to a store that several drivers share,"
            " such as io.delta.storage.S3DynamoDBLogStore.",
        )

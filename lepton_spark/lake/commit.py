"""The one commit that makes staged rows visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark import __version__, faults
from lepton_spark.context import Published
from lepton_spark.errors import ConflictError
from lepton_spark.lake import files, log
from lepton_spark.lake.catalog import join, location
from lepton_spark.lake.layout import writing
from lepton_spark.lake.marker import Marker
from lepton_spark.lake.publication import EVERYTHING, Publication

if TYPE_CHECKING:
    from lepton_spark.context import RunContext
    from lepton_spark.lake.staging import Staged

# Set when a table is made. Markers live in the log, so it is kept as long as reruns may happen.
PROPERTIES = {
    "delta.logRetentionDuration": "interval 365 days",
    "delta.enableDeletionVectors": "false",
}


def already(context: RunContext, publication: Publication) -> Published | None:
    """The publication that stands where these rows would go, or None.

    Raises:
        ConflictError: It holds another content and the revision was not raised.
    """
    folder = location(context.environment, publication.table)
    standing = find(folder, publication.job, publication.key)
    if standing is None:
        return None
    if standing.fingerprint == publication.fingerprint:
        return Published(str(publication.table), standing.version, standing.rows, is_new=False)
    if context.revision > standing.revision:
        return None
    raise _conflict(publication, standing)


def find(folder: str, job: str, key: str) -> Marker | None:
    """The newest mark of a job's key."""
    return next((m for m in log.markers(folder) if m.job == job and m.key == key), None)


def make(context: RunContext, staged: Staged, publication: Publication) -> Published:
    """Commit the staged rows; the caller holds the table's lock.

    Raises:
        ConflictError: Delta knows the transaction although its mark is gone.
    """
    folder = location(context.environment, publication.table)
    before = log.newest_version(folder)
    if before < 0:
        # So that a kill before the first commit does not leave what looks like plain Parquet.
        files.make_folder(join(folder, "_delta_log"))
    faults.reach("before_commit")
    _write(context, staged, publication, is_first=before < 0)
    faults.reach("after_commit")
    return _confirm(context, staged, publication, before)


def _write(
    context: RunContext, staged: Staged, publication: Publication, *, is_first: bool
) -> None:
    mode = "append" if publication.replace is None else "overwrite"
    writer = staged.rows.write.format("delta").mode(mode)
    writer = writer.option("txnAppId", publication.transaction)
    writer = writer.option("txnVersion", context.revision)
    writer = writer.option("userMetadata", _marker(context, staged, publication).to_json())
    if publication.replace == EVERYTHING:
        writer = writer.option("overwriteSchema", "true")
    elif publication.replace is not None:
        writer = writer.option("replaceWhere", publication.replace)
    if publication.add_columns:
        writer = writer.option("mergeSchema", "true")
    if is_first:
        writer = writer.options(**PROPERTIES)
    if is_first or publication.replace == EVERYTHING:
        writer = writer.partitionBy(*publication.partition_by)
    with writing(staged.rows, publication):
        writer.save(location(context.environment, publication.table))


def _marker(context: RunContext, staged: Staged, publication: Publication) -> Marker:
    return Marker(
        version=-1,
        run_id=context.run_id,
        job=publication.job,
        key=publication.key,
        fingerprint=publication.fingerprint,
        revision=context.revision,
        rows=staged.num_rows,
        code_version=__version__,
        facts=publication.facts,
    )


def _confirm(
    context: RunContext, staged: Staged, publication: Publication, before: int
) -> Published:
    """Which version the commit made; Delta skips a transaction that it knows without a word."""
    folder = location(context.environment, publication.table)
    for version in log.versions_of(folder):
        if version <= before:
            break
        mark = log.marker_at(folder, version)
        if mark is not None and (mark.run_id, mark.key) == (context.run_id, publication.key):
            return Published(str(publication.table), version, staged.num_rows, is_new=True)
    # Where no lock is to be had, another run may have come first.
    done = already(context, publication)
    if done is not None:
        return done
    raise ConflictError(
        "LS-4003",
        f"{publication.table} knows {publication.job} {publication.key} already, but its history"
        " no longer says with which content.",
        "a commit that Delta has seen is never repeated.",
        f"publish it again with --revision {context.revision + 1}.",
    )


def _conflict(publication: Publication, standing: Marker) -> ConflictError:
    return ConflictError(
        "LS-4001",
        f"{publication.table} holds {publication.job} {publication.key} since version"
        f" {standing.version}, run {standing.run_id}, with fingerprint"
        f" {standing.fingerprint[:12]}; this run has {publication.fingerprint[:12]}.",
        "the same key is published once; other inputs, settings or model give other rows.",
        "if the new rows shall replace them, run it again with"
        f" --revision {standing.revision + 1}.",
        f"{publication.table} is unchanged",
    )

"""Fit the transform, the network and its baselines; write each as a candidate bundle."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lepton_spark.context import RunContext, StageResult
from lepton_spark.dataset.fit import fit_transform
from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.published import dataset_table, feature_types, require_prepared
from lepton_spark.dataset.row_groups import row_group_rows
from lepton_spark.dataset.shards import Piece, pieces_of
from lepton_spark.dataset.split import SPLIT
from lepton_spark.errors import ModelError
from lepton_spark.lake import files, tables
from lepton_spark.lake.readable import Part, readable
from lepton_spark.lake.tables import Marker, TableId
from lepton_spark.models.shape import Shape
from lepton_spark.quality.metrics import metric_rows
from lepton_spark.train import bundle as bundles
from lepton_spark.train import candidates
from lepton_spark.train.average import AVERAGE, average_spec, weights_of
from lepton_spark.train.baselines import BaselineJob, fit_baseline
from lepton_spark.train.bundle import Bundle, to_json
from lepton_spark.train.checkpoint import read_last
from lepton_spark.train.inputs import class_rows_of, columns_of, output_of
from lepton_spark.train.launch import backend_of, num_ranks, num_workers
from lepton_spark.train.matrix import MatrixSource
from lepton_spark.train.measured import rates, subject, training_metrics, training_publication
from lepton_spark.train.network import NetworkJob, fit_network, require_batch
from lepton_spark.train.phases import bottleneck, repeatable

if TYPE_CHECKING:
    from lepton_spark.config.task import Baseline
    from lepton_spark.dataset.transform import FeatureTransform
    from lepton_spark.train.candidates import Candidates

logger = logging.getLogger(__name__)
JOB = "train"


@dataclass(frozen=True)
class _Job:
    """What all candidates of a run have in common.

    Args:
        parts: Pieces of `train` and `validate`.
        documents: JSON files that every bundle has, by name.
        ranks: Processes that train the network.
    """

    context: RunContext
    place: Candidates
    marker: Marker
    transform: FeatureTransform
    parts: Mapping[str, tuple[Piece, ...]]
    documents: Mapping[str, bytes]
    ranks: int


def train(context: RunContext) -> StageResult:
    """Fit what the case asks for, each candidate once; a rerun goes on where a kill stopped it.

    Raises:
        DataError: There is no dataset for the date.
        TrainingError: Workers cannot read it, or training failed.
        TryAgainError: A rank was killed or hung.
        ConflictError: Another run trains the same case.
    """
    found = tables.find(context, dataset_table(context), "dataset", context.as_of.isoformat())
    marker = require_prepared(context, found)
    place = candidates.folder(context, marker)
    names = _names(context)
    digests = _whole(place)
    seconds: dict[str, float] = {}
    if digests is None:
        # Two runs of one case would write the same checkpoints.
        with tables.hold(context, TableId("models", context.case.case)):
            job = _prepare(context, marker, place)
            digests = {name: _candidate(job, name, seconds) for name in names}
            files.delete_tree(place.checkpoint)  # all candidates are whole: nothing goes on from it
            place.finish(digests)
    else:
        logger.info("the candidates in %s are there already", place.path)
    facts = {"candidates": digests, "seconds": seconds, "path": place.path}
    return StageResult(JOB, (), {**facts, "dataset_version": marker.version})


def _whole(place: Candidates) -> dict[str, str] | None:
    """The digests of the candidates; None where training has not ended, or one was damaged."""
    digests = place.trained()
    if digests is None or all(_found(place.candidate(name)) == digests[name] for name in digests):
        return digests
    return None


def _found(uri: str) -> str | None:
    """The digest of a bundle; None where there is none that is whole."""
    if not files.exists(f"{uri}/{bundles.MANIFEST}"):
        return None
    try:
        return bundles.load(uri).digest
    except ModelError as error:
        logger.warning("%s is fitted again: %s", uri, error.what)
        return None


def _names(context: RunContext) -> list[str]:
    """Baselines first: the network costs most. What is made of others comes last."""
    train_ = context.case.train
    wanted = [*train_.baselines, context.case.aim.gate.better_than]
    network = context.case.model.kind
    return [*dict.fromkeys(wanted), network, *([AVERAGE] if train_.average else [])]


def _prepare(context: RunContext, marker: Marker, place: Candidates) -> _Job:
    rows = marker.facts["rows"]["train"]
    ranks = num_ranks(context, rows)
    require_batch(context.case.train, rows, ranks)
    context.progress.step(JOB, "fit the transform")
    parts = {part: _pieces(context, marker, place, part) for part in ("train", "validate")}
    settings = context.case.transform
    columns = columns_of(context.case, _types(context, marker))
    transform = fit_transform(context.spark, parts["train"], columns, settings)
    documents = _documents(context, marker, transform)
    return _Job(context, place, marker, transform, parts, documents, ranks)


def _documents(
    context: RunContext, marker: Marker, transform: FeatureTransform
) -> dict[str, bytes]:
    return {
        "transform.json": transform.to_json().encode("utf-8"),
        "contract.json": to_json(_contract(context, marker, transform)),
        "snapshot.json": to_json(_snapshot(context, marker)),
    }


def _without(job: _Job, patterns: Sequence[str]) -> _Job:
    """The same job on fewer columns."""
    transform = job.transform.without(patterns)
    documents = _documents(job.context, job.marker, transform)
    return replace(job, transform=transform, documents=documents)


def _pieces(context: RunContext, marker: Marker, place: Candidates, part: str) -> tuple[Piece, ...]:
    """The row groups of a part: of the table, or of a copy where its files cannot be read."""
    slices = readable(
        context,
        dataset_table(context),
        Part(marker.version, SPLIT, part, place.rows(part)),
        row_group_rows=row_group_rows(context.case, len(marker.facts["features"])),
    )
    return pieces_of(slices)


def _candidate(job: _Job, name: str, seconds: dict[str, float]) -> str:
    """The digest of a candidate: of one that is there whole, or of one fitted now."""
    uri = job.place.candidate(name)
    if there := _found(uri):
        return there
    job.context.progress.step(JOB, f"fit {name}")
    started_at = time.monotonic()
    made = {job.context.case.model.kind: _network, AVERAGE: _average}
    fitted = made[name](job) if name in made else _baseline(job, name)  # type: ignore[arg-type]  # the others are baselines
    digest = bundles.write(uri, fitted)
    seconds[name] = round(time.monotonic() - started_at, 1)
    logger.info("fitted %s in %.1f s", name, seconds[name])
    return digest


def _baseline(job: _Job, name: Baseline) -> Bundle:
    settings = BaselineJob(
        source=MatrixSource(job.transform, job.parts),
        output=output_of(job.context.case, job.marker),
        class_rows=class_rows_of(job.marker),
        percentiles=tuple(job.marker.facts["percentiles"]),
        workers=num_workers(job.context),
        seed=job.context.case.train.seed,
    )
    fitted = fit_baseline(job.context.spark, name, settings)
    return _bundle(job, {"kind": name, **fitted.spec}, fitted.files, fitted.training)


def _network(job: _Job) -> Bundle:
    case = job.context.case
    job = _without(job, case.model.leave_out)
    network = NetworkJob(
        model=case.model,
        train=case.train,
        transform=job.transform,
        fitted=job.parts["train"],
        validated=job.parts["validate"],
        label=LABEL,
        checkpoint=job.place.checkpoint,
        output=output_of(job.context.case, job.marker),
        class_rows=class_rows_of(job.marker),
    )
    fitted = fit_network(
        backend_of(job.context),
        network,
        job.ranks,
        on_epoch=lambda entry: _tell(job.context, entry),
    )
    tables.publish(
        job.context,
        metric_rows(job.context, subject(case.case), training_metrics(fitted.history)),
        training_publication(job.context, job.place.fingerprint),
    )
    last = read_last(job.place.checkpoint)
    files.write_atomically(job.place.last, last)
    logger.info("the network was trained on %s", ", ".join(fitted.devices))
    if held_up := bottleneck(fitted.history):
        logger.info("where the time of the network went: %s", held_up)
    training = {
        "settings": case.train.model_dump(mode="json"),
        "ranks": job.ranks,
        "rows_by_rank": list(fitted.rows_by_rank),
        "steps_an_epoch": fitted.steps,
        "best_epoch": fitted.best_epoch,
        "last": {"epoch": len(fitted.history), "sha256": bundles.sha256(last)},
        "precision": fitted.precision,
        "weights_digest": fitted.weights_digest,
        # Without the seconds: the same rows and settings give the same bundle.
        "history": [repeatable(epoch) for epoch in fitted.history],
    }
    spec = {"kind": case.model.kind, "settings": case.model.model_dump(mode="json")}
    return _bundle(job, spec, {"weights.npz": fitted.weights}, training)


def _average(job: _Job) -> Bundle:
    names = (job.context.case.model.kind, "boosted_trees")
    members = {name: bundles.load(job.place.candidate(name)) for name in names}
    training = {"members": {name: each.digest for name, each in members.items()}}
    return _bundle(job, average_spec(members, job.transform), weights_of(members), training)


def _tell(context: RunContext, epoch: Mapping[str, float]) -> None:
    done, total = int(epoch["epoch"]), context.case.train.epochs
    # Of one that is killed or fails, this is all that is left of what it measured.
    logger.info("measured of epoch %d: %s", done, json.dumps(epoch))
    measured = [
        f"{name.removeprefix('validation_')} {epoch[name]:.4f}"
        for name in epoch
        if name.startswith("validation_") and name != "validation_loss"
    ]
    loss = f"epoch {done}: validation loss {epoch['validation_loss']:.4f}"
    message = ", ".join([loss, *measured])
    if rate := rates(epoch).get("rows_per_second"):
        left = (total - done) * epoch["rows"] / rate
        message += f", {rate:,.0f} rows/s, {epoch['seconds']:.0f} s, {left:.0f} s left at most"
    context.progress.step(JOB, message, done=done, total=total)


def _bundle(
    job: _Job, spec: Mapping[str, Any], weights: Mapping[str, bytes], training: Mapping[str, Any]
) -> Bundle:
    output = output_of(job.context.case, job.marker)
    sizes = {**Shape.of(job.transform).to_spec(), "output": output.to_dict()}
    return Bundle(
        {
            **job.documents,
            "spec.json": to_json({**spec, **sizes}),
            "training.json": to_json(training),
            **weights,
        }
    )


def _types(context: RunContext, marker: Marker) -> list[tuple[str, str]]:
    rows = tables.read(context, dataset_table(context), version=marker.version)
    return feature_types(rows.schema, marker)


def _contract(context: RunContext, marker: Marker, transform: FeatureTransform) -> dict[str, Any]:
    case = context.case
    types = dict(_types(context, marker))
    return {
        "case": case.case,
        "each": case.predict.each,
        "key": list(case.key_of(case.predict.each)),
        "day": case.predict.day,
        "label": case.aim.label.name,
        "label_settings": case.aim.label.model_dump(mode="json", exclude={"name"}),
        "columns": [{"name": name, "type": types[name]} for name in transform.columns],
    }


def _snapshot(context: RunContext, marker: Marker) -> dict[str, Any]:
    names = ("rows", "labels", "fitted_until", "features_table", "features_version")
    return {
        "table": str(dataset_table(context)),
        "version": marker.version,
        "fingerprint": marker.fingerprint,
        "as_of": context.as_of.isoformat(),
        **{name: marker.facts[name] for name in names},
    }

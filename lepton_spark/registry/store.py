"""MLflow: an experiment a case, a run a candidate, a registered model a case."""

from __future__ import annotations

import logging
import math
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lepton_spark.errors import EnvironmentFault, ModelError
from lepton_spark.lake.catalog import TableId, path_of
from lepton_spark.lake.locks import hold_without_spark

if TYPE_CHECKING:
    from lepton_spark.config.environment import Environment
    from lepton_spark.context import RunContext

CHAMPION = "champion"
CANDIDATE = "candidate"
_DIGEST_TAG = "lepton.bundle_digest"
_PROMOTED_TAG = "lepton.promoted"  # how many versions had been promoted then, itself counted
_LEFT_TAG = "lepton.rolled_back"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FOREIGN = {"mlflow", "sqlalchemy", "alembic", "sqlite3"}
_SQLITE = "sqlite:///"
_LONGEST_PARAM = 500
_BATCH = 900


class Champion(NamedTuple):
    """The version that scores: its number, where its bundle is, and the bundle's digest."""

    version: str
    uri: str
    digest: str


@dataclass(frozen=True)
class Trial:
    """What is written down about one candidate.

    Args:
        name: Of the model, unique in its training.
        digest: Of the bundle.
        curves: A value an epoch, by metric.
        files: Small files to keep with the run, by name.
    """

    name: str
    digest: str
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def bundle_uri(context: RunContext, digest: str) -> str:
    """Where the lake keeps the bundle of a digest."""
    return path_of(context.environment, "models", context.case.case, "bundles", digest)


def log(context: RunContext, trial: Trial) -> str:
    """Write down a candidate as an MLflow run; one that is there already is found again.

    Returns:
        The id of the MLflow run.

    Raises:
        EnvironmentFault: MLflow cannot be reached.
    """
    with _told():
        client = _client(context.environment.mlflow.tracking_uri)
        experiment = _experiment(context, client)
        is_this = f"tags.`{_DIGEST_TAG}` = '{trial.digest}' and attributes.status = 'FINISHED'"
        found = client.search_runs([experiment], is_this, max_results=1)
        if found:
            return str(found[0].info.run_id)
        tags = {_DIGEST_TAG: trial.digest, "lepton.run_id": context.run_id, **trial.tags}
        run = client.create_run(experiment, run_name=trial.name, tags=tags)
        _write(client, run.info.run_id, trial)
        client.set_terminated(run.info.run_id)
        return str(run.info.run_id)


def register(
    context: RunContext,
    digest: str,
    *,
    run: str,
    tags: Mapping[str, str],
    alias: str | None = None,
) -> str:
    """Make a bundle a version of the case's model, once.

    Args:
        context: Of the case that the model is of.
        digest: Of a bundle that the lake keeps.
        run: MLflow run that it belongs to.
        tags: Facts to show beside the version.
        alias: Points at the version when it is made; a rerun does not bring it back.

    Returns:
        The version's number.
    """
    name = context.case.case
    with _told():
        client = _client(context.environment.mlflow.tracking_uri)
        version = _version_of(client, name, digest)
        if version is not None:
            return str(version.version)
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name, description=context.case.description)
        made = client.create_model_version(
            name, bundle_uri(context, digest), run_id=run, tags={_DIGEST_TAG: digest, **tags}
        )
        if alias is not None:
            client.set_registered_model_alias(name, alias, made.version)
        return str(made.version)


def promote(context: RunContext, version: str) -> bool:
    """Let a version score from now on; a version is promoted once, so a rerun changes nothing.

    Returns:
        False where it had been promoted before.
    """
    name = context.case.case
    with _told():
        client = _client(context.environment.mlflow.tracking_uri)
        # One that was left had been promoted, whether or not a kill came before it said so.
        if {_PROMOTED_TAG, _LEFT_TAG} & set(client.get_model_version(name, version).tags):
            return False
        found = client.search_model_versions(f"name = '{name}'")
        number = 1 + max(map(_promotion, found), default=0)
        client.set_registered_model_alias(name, CHAMPION, version)
        client.set_model_version_tag(name, version, _PROMOTED_TAG, str(number))
        return True


def roll_back(environment: Environment, name: str, run_id: str) -> tuple[str, str]:
    """Let the version score again that was promoted before the one that scores now.

    A rerun of the training that made the newer one does not bring it back, and no later call goes
    back to it.

    Args:
        environment: Of the lake and its MLflow.
        name: Of the case.
        run_id: Of the command, for the tag of the version that is left.

    Returns:
        The version that scored until now, and the one that scores from now on.

    Raises:
        ModelError: No other version was promoted before it, or all of them were left.
        ConflictError: Another run trains or registers models of the case.
        EnvironmentFault: MLflow cannot be reached.
    """
    with hold_without_spark(environment, TableId("models", name), run_id), _told():
        client = _client(environment.mlflow.tracking_uri)
        now = _by_alias(client, name, CHAMPION)
        found = client.search_model_versions(f"name = '{name}'")
        earlier = _before(now, found) if now is not None else None
        if now is not None and earlier is not None:
            # First the tag: a command that is killed in between is given again.
            client.set_model_version_tag(name, now.version, _LEFT_TAG, run_id)
            client.set_registered_model_alias(name, CHAMPION, earlier.version)
            return str(now.version), str(earlier.version)
    raise ModelError(
        "LS-3039",
        f"no version of the model {name} was promoted before the one that scores now.",
        "only a version that has passed its gate and was promoted scores.",
        f"look at the versions in MLflow, or train one: lepton run {name} --as-of DATE.",
        "the champion is the same as before",
    )


def champion(context: RunContext) -> Champion:
    """The version that scores.

    Raises:
        ModelError: There is none, or it does not say which bundle it is.
        EnvironmentFault: MLflow cannot be reached.
    """
    name = context.case.case
    with _told():
        client = _client(context.environment.mlflow.tracking_uri)
        version = _by_alias(client, name, CHAMPION)
    if version is None:
        raise ModelError(
            "LS-3030",
            f"the model {name} has no version with the alias {CHAMPION}.",
            "only a model that was evaluated and passed its gate scores.",
            f"train one: lepton run {name} --as-of DATE.",
        )
    digest = str(version.tags.get(_DIGEST_TAG, ""))
    uri = bundle_uri(context, digest)
    if not _DIGEST.fullmatch(digest):
        raise ModelError(
            "LS-3031",
            f"version {version.version} of the model {name} does not name its bundle.",
            f"the tag {_DIGEST_TAG} holds the SHA-256 of the bundle, from which its place follows.",
            f"point the alias {CHAMPION} at a version that `lepton register` made.",
        )
    return Champion(str(version.version), uri, digest)


def _promotion(version: Any) -> int:
    """The number of a version's promotion; 0 of one that was not promoted, or does not say so."""
    return int(version.tags.get(_PROMOTED_TAG, 0))


def _before(now: Any, found: Sequence[Any]) -> Any:
    """What was promoted last before a version, and was not left; versions may be out of order."""
    end = _promotion(now) or math.inf  # who set the alias by hand, or was killed, told no number
    good = [v for v in found if 0 < _promotion(v) < end and _LEFT_TAG not in v.tags]
    return max(good, key=_promotion, default=None)


def _write(client: Any, run: str, trial: Trial) -> None:
    from mlflow.entities import Metric, Param  # noqa: PLC0415  # takes seconds

    params = [Param(key, str(text)[:_LONGEST_PARAM]) for key, text in trial.params.items()]
    client.log_batch(run, params=params)
    # The time of a step is its epoch: wall clock would make equal runs differ.
    points = [Metric(key, float(value), 0, 0) for key, value in trial.metrics.items()]
    for key, curve in trial.curves.items():
        points += [Metric(key, float(value), epoch, epoch) for epoch, value in enumerate(curve, 1)]
    for start in range(0, len(points), _BATCH):
        client.log_batch(run, metrics=points[start : start + _BATCH])
    with tempfile.TemporaryDirectory(prefix="lepton-") as folder:
        for file, content in trial.files.items():
            (Path(folder) / file).write_bytes(content)
        if trial.files:
            client.log_artifacts(run, folder, "bundle")


def _experiment(context: RunContext, client: Any) -> str:
    name = context.case.case
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    uri = context.environment.mlflow.tracking_uri
    # A server keeps artifacts where it was told to; a database of our own has no such place.
    folder = path_of(context.environment, "mlartifacts", name) if uri.startswith(_SQLITE) else None
    return str(client.create_experiment(name, artifact_location=folder))


def _version_of(client: Any, name: str, digest: str) -> Any:
    """The version of a bundle; none where it is not registered."""
    found = client.search_model_versions(f"name = '{name}'")
    return next((v for v in found if v.tags.get(_DIGEST_TAG) == digest), None)


def _by_alias(client: Any, name: str, alias: str) -> Any:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  # takes seconds

    try:
        return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise


@lru_cache(maxsize=4)
def _client(tracking_uri: str) -> Any:
    """A client; importing MLflow takes seconds, making its database a few more, once."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient  # noqa: PLC0415  # takes seconds

    if tracking_uri.startswith(_SQLITE):
        _open_once(Path(tracking_uri.removeprefix(_SQLITE)))
    with _quiet("mlflow.store.db.utils", "alembic"):
        return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def _open_once(database: Path) -> None:
    """See that a database can be opened: MLflow would try for two minutes before it says no."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("pragma schema_version")


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Making the database says things at INFO that mean nothing to a user."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _told() -> Iterator[None]:
    """Turn a fault of MLflow into ours."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.split(".")[0] not in _FOREIGN:
            raise
        raise EnvironmentFault(
            "LS-5042",
            f"MLflow failed with {type(error).__name__}.",
            "models are found and kept through MLflow.",
            "check mlflow.tracking_uri of the environment, its database or server, and the rights.",
        ) from error

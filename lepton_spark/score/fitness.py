"""Whether a model may score a day: its gate, its age, its aim and its columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lepton_spark.errors import ModelError
from lepton_spark.models.output import Output

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

    from lepton_spark.config.case import Case
    from lepton_spark.config.task import Task
    from lepton_spark.train.bundle import Bundle

_STATE = "no predictions were published"


def require_passed(bundle: Bundle, version: str) -> None:
    """See that the gate let the model pass; the bundle's digest covers what it says.

    Raises:
        ModelError: It did not, or was never asked.
    """
    gate: Mapping[str, Any] = bundle.document("gate.json")
    if gate.get("verdict") == "pass":
        return
    reasons = "; ".join(str(reason) for reason in gate.get("reasons", ())) or "no reason is given"
    raise ModelError(
        "LS-3032",
        f"version {version} did not pass its gate: {gate.get('verdict', 'no verdict')}, {reasons}.",
        "a model that did not pass is never used, whatever its alias says.",
        "train again: lepton run. Or promote a version that passed.",
        _STATE,
    )


def require_older(bundle: Bundle, version: str, moment: datetime) -> None:
    """See that the model was fitted with nothing that became known after a moment.

    Raises:
        ModelError: It knows the future of the day.
    """
    fitted_until = fitted_until_of(bundle)
    if fitted_until <= moment:
        return
    raise ModelError(
        "LS-3033",
        f"version {version} was fitted with labels known until {fitted_until:%Y-%m-%d %H:%M} UTC;"
        f" the day is predicted at {moment:%Y-%m-%d %H:%M} UTC.",
        "a prediction uses nothing that became known after its moment.",
        "score a later day, or train a model with an earlier --as-of.",
        _STATE,
    )


def require_aim(bundle: Bundle, version: str, case: Case) -> None:
    """See that the model says of the rows what the case wants to know.

    What an older release did not write down is not asked.

    Raises:
        ModelError: It was fitted to another label, or to rows of another source, day or key.
    """
    contract, task = bundle.document("contract.json"), Output.read(bundle.spec).task
    label = case.aim.label.model_dump(mode="json", exclude={"name"})
    wanted = {
        "each": case.predict.each,
        "day": case.predict.day,
        "key": list(case.key_of(case.predict.each)),
        "label": case.aim.label.name,
    }
    pairs = {name: (contract.get(name, now), now) for name, now in wanted.items()}
    settings = contract.get("label_settings", {})
    pairs |= {f"label.{name}": (settings.get(name, now), now) for name, now in label.items()}
    pairs["what is said"] = _said(task), _said(case.task)
    told = [f"{name} was {was}, is {now}" for name, (was, now) in pairs.items() if was != now]
    if told:
        raise ModelError(
            "LS-3038",
            f"version {version} was not fitted to what the case predicts: {'; '.join(told)}.",
            "scores under the name of a label are scores of that label.",
            "train a model of the case as it is now: lepton run. Or undo the change of the case.",
            _STATE,
        )


def _said(task: Task) -> str:
    return f"{task.kind} ({', '.join(task.outputs)})"


def require_columns(bundle: Bundle, schema: StructType) -> None:
    """See that the features have the columns and types that the model was fitted with.

    Raises:
        ModelError: A column is missing or of another type.
    """
    found = {field.name: field.dataType.simpleString() for field in schema}
    promised = bundle.document("contract.json")["columns"]
    missing = [column["name"] for column in promised if column["name"] not in found]
    other = [
        f"{column['name']} is {found[column['name']]}, was {column['type']}"
        for column in promised
        if column.get("type", found.get(column["name"])) != found.get(column["name"])
        and column["name"] in found
    ]
    if missing or other:
        told = [f"missing {', '.join(missing)}"] if missing else []
        raise ModelError(
            "LS-3034",
            f"the features are not those of the model: {'; '.join([*told, *other])}.",
            f"the model has {len(promised)} input columns, by name and type.",
            "build the features with the case file of the model, or train again.",
            _STATE,
        )


def fitted_until_of(bundle: Bundle) -> datetime:
    """When the last label that the model was fitted or chosen with became known, UTC.

    Raises:
        ModelError: The bundle does not say.
    """
    try:
        instant = datetime.fromisoformat(str(bundle.document("snapshot.json")["fitted_until"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            "LS-3035",
            "the model does not say until when its labels were known.",
            "a prediction uses nothing that became known after its moment.",
            "train again: lepton run.",
            _STATE,
        ) from error
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def threshold_of(bundle: Bundle) -> float | None:
    """From which score on the decision is true, chosen on validation rows; None of other tasks."""
    threshold: float | None = bundle.document("evaluation.json").get("threshold")
    return threshold

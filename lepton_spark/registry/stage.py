"""Register what was judged, and make the best candidate that passed its gate the champion."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lepton_spark.context import RunContext, StageResult
from lepton_spark.dataset.published import dataset_table, require_prepared
from lepton_spark.errors import ModelError, TrainingError
from lepton_spark.evaluate.gate import LEAK, SUSPECT
from lepton_spark.lake import files, tables
from lepton_spark.lake.catalog import TableId
from lepton_spark.registry import store
from lepton_spark.registry.trial import trial_of
from lepton_spark.train import bundle as bundles
from lepton_spark.train import candidates
from lepton_spark.train.measured import measured_by

if TYPE_CHECKING:
    from lepton_spark.train.bundle import Bundle
    from lepton_spark.train.candidates import Candidates

logger = logging.getLogger(__name__)
JOB = "register"


def register(context: RunContext) -> StageResult:
    """Log all candidates of the logical date; promote the first by validation that passed.

    What was registered before is found again, so a rerun changes nothing.

    Raises:
        DataError: There is no dataset for the date.
        ModelError: The candidates are not judged, one was damaged, or none passed.
        TrainingError: One is so good that a feature must know the label.
    """
    place = _place(context)
    judged = _judged(place)
    measured = measured_by(context, tables, place.fingerprint)
    with tables.hold(context, TableId("models", context.case.case)):
        runs = {
            name: store.log(context, trial_of(name, bundle, context.case, measured))
            for name, bundle in judged.items()
        }
        first = next(iter(judged))
        # The best ranked is a version even where it failed: so it can be seen why.
        _version(context, first, judged[first], runs[first], alias=store.CANDIDATE)
        _refuse_leak(judged)
        passed = next((name for name, bundle in judged.items() if _has_passed(bundle)), None)
        if passed is None:
            raise _none_passed(judged)
        version = _version(context, passed, judged[passed], runs[passed])
        is_new = store.promote(context, version)
        champion = store.champion(context).version
    logger.info("version %s (%s) passed; version %s scores", version, passed, champion)
    facts = {
        "promoted": passed,
        "model_version": version,
        "model_digest": judged[passed].digest,
        "is_new": is_new,
        "champion": champion,
        "verdicts": {name: _gate(bundle)["verdict"] for name, bundle in judged.items()},
    }
    return StageResult(JOB, (), facts)


def _place(context: RunContext) -> Candidates:
    found = tables.find(context, dataset_table(context), "dataset", context.as_of.isoformat())
    return candidates.folder(context, require_prepared(context, found))


def _judged(place: Candidates) -> dict[str, Bundle]:
    """The judged bundles, best on validation rows first."""
    document = place.judgement()
    if document is None:
        raise ModelError(
            "LS-3036",
            f"the candidates in {place.path} have not been judged.",
            "only a model whose gate was asked can be promoted.",
            "run the stages `train` and `evaluate` first, or `lepton run`.",
        )
    models = document["models"]
    return {
        name: bundles.load(place.judged(name), models[name]["digest"])
        for name in document["ranking"]
    }


def _version(
    context: RunContext, name: str, bundle: Bundle, run: str, *, alias: str | None = None
) -> str:
    """The version of a bundle, after the lake has its copy."""
    uri = store.bundle_uri(context, bundle.digest)
    if not files.exists(f"{uri}/{bundles.MANIFEST}"):
        bundles.write(uri, bundle)
    tags = {
        "lepton.model": name,
        "lepton.gate": str(_gate(bundle)["verdict"]),
        "lepton.fitted_until": str(bundle.document("snapshot.json")["fitted_until"]),
        "lepton.as_of": context.as_of.isoformat(),
    }
    return store.register(context, bundle.digest, run=run, tags=tags, alias=alias)


def _gate(bundle: Bundle) -> Mapping[str, Any]:
    gate: Mapping[str, Any] = bundle.document("gate.json")
    return gate


def _has_passed(bundle: Bundle) -> bool:
    return bool(_gate(bundle)["verdict"] == "pass")


def _refuse_leak(judged: Mapping[str, Bundle]) -> None:
    """All candidates were given the same features: what one has found, others have in part."""
    for name, bundle in judged.items():
        gate = _gate(bundle)
        told = [reason for reason in gate["reasons"] if reason.startswith(LEAK)]
        if told:
            raise TrainingError(
                "LS-6009",
                f"{'; '.join([f'{name}: {told[0]}', *_named(gate)])}",
                f"the gate believes {gate['metric']} of {gate['wanted']}; where one candidate is"
                " better, none is promoted: all of them were given the same features",
                "leave the feature out of `features`, or correct when it is known; where the label"
                " is that plain, move gate.suspicious_above, or of an error suspicious_below",
                "no model was promoted",
            )


def _named(gate: Mapping[str, Any]) -> list[str]:
    return [reason for reason in gate["reasons"] if reason.startswith(SUSPECT)]


def _none_passed(judged: Mapping[str, Bundle]) -> ModelError:
    told = []
    for name, bundle in judged.items():
        gate = _gate(bundle)
        value = "unknown" if gate["value"] is None else f"{gate['value']:.4f}"
        reasons = "; ".join(gate["reasons"])
        told.append(f"{name}: {gate['metric']} {value}, {gate['verdict']} ({reasons})")
    gate = _gate(next(iter(judged.values())))
    return ModelError(
        "LS-3037",
        "no candidate passed the gate. " + ". ".join(told) + ".",
        f"the gate asks for {gate['metric']} of {gate['wanted']} on test rows, and better than"
        f" {gate['better_than']}.",
        "look at the features and the evaluation; change `gate` only for a reason outside of it.",
        "no model was promoted",
    )

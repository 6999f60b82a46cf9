"""A model scores only what the case still predicts."""

from __future__ import annotations

import pytest

from lepton_spark.config.case import Case
from lepton_spark.errors import ModelError
from lepton_spark.score.fitness import require_aim
from tests.conftest import TINY_CASE
from tests.score.conftest import clinic_bundle

LABEL = {"name": "is_long", "from": "visits", "is": "minutes > 30"}
WRITTEN = {"source": "visits", "is_": "minutes > 30", "class_": None, "classes": [], "value": None}
CONTRACT = {
    "each": "visits",
    "day": "day",
    "key": ["visit"],
    "label": "is_long",
    "label_settings": {**WRITTEN, "only_if": None},
    "columns": [{"name": "minutes", "type": "int"}],
}


def case_of(label=LABEL, **predict):
    return Case.model_validate(
        {**TINY_CASE, "predict": {**TINY_CASE["predict"], "label": label, **predict}}
    )


def test_a_model_of_the_case_may_score():
    require_aim(clinic_bundle(contract=CONTRACT), "3", case_of())


def test_what_an_older_release_did_not_write_down_is_not_asked():
    older = {name: CONTRACT[name] for name in ("columns", "label", "day")}

    require_aim(clinic_bundle(contract=older), "3", case_of())
    require_aim(clinic_bundle(contract={"columns": CONTRACT["columns"]}), "3", case_of())


@pytest.mark.parametrize(
    ("contract", "case", "told"),
    [
        ({}, {"label": {**LABEL, "is": "minutes > 60"}}, "label.is_ was minutes > 30, is minutes"),
        ({}, {"label": {**LABEL, "only_if": "minutes > 0"}}, "label.only_if was None, is minutes"),
        ({}, {"label": {**LABEL, "name": "is_late"}}, "label was is_long, is is_late"),
        ({"day": "arrival"}, {}, "day was arrival, is day"),
        ({"key": ["visit", "shop"]}, {}, "key was "),
        ({"each": "stays"}, {}, "each was stays, is visits"),
    ],
)
def test_a_model_of_another_aim_is_refused_and_the_difference_named(contract, case, told):
    bundle = clinic_bundle(contract={**CONTRACT, **contract})

    with pytest.raises(ModelError, match=f"version 3 was not fitted .*{told}") as refused:
        require_aim(bundle, "3", case_of(**case))

    assert refused.value.code == "LS-3038"


def test_a_model_of_another_task_is_refused():
    task = {"kind": "amount", "outputs": ["expected"], "quantiles": [], "power": None}
    output = {"task": task, "center": 0.0, "scale": 1.0}
    spec = {"kind": "logistic", "width": 1, "cardinalities": [], "output": output}

    with pytest.raises(ModelError, match=r"was amount \(expected\), is binary \(score\)"):
        require_aim(clinic_bundle(spec=spec), "3", case_of())

"""What a network's numbers mean, and what comes back from a spec."""

from __future__ import annotations

import numpy as np
import pytest

from lepton_spark.config.task import Task
from lepton_spark.models.output import Output

RAW = np.array([[0.0, 1.0, -1.0], [800.0, -800.0, 0.0]])
CLASSES = Output(Task("classes", ("ant", "bee", "cat")))
QUANTILES = Output(Task("amount", ("q10", "q50", "q90"), (0.1, 0.5, 0.9)), 20.0, 4.0)


def test_probabilities_of_classes_sum_to_one_whatever_the_logits():
    found = CLASSES.predictions(RAW)

    assert found.sum(axis=1) == pytest.approx([1, 1])
    assert found[1].tolist() == [1.0, 0.0, 0.0]


def test_a_logit_is_a_probability_whatever_its_size():
    found = Output().predictions(np.array([[0.0], [900.0], [-900.0]]))

    assert found[:, 0] == pytest.approx([0.5, 1, 0])


def test_quantiles_that_cross_are_sorted_in_the_units_of_the_label():
    assert QUANTILES.predictions(RAW[:1]).tolist() == [[16.0, 20.0, 24.0]]


def test_an_exponent_is_never_below_zero():
    tweedie = Output(Task("amount", ("expected",), (), 1.5), 20.0, 4.0)

    assert tweedie.predictions(np.array([[0.0], [-1000.0]]))[:, 0] == pytest.approx([20, 0])


@pytest.mark.parametrize("output", [Output(), CLASSES, QUANTILES])
def test_an_output_comes_back_from_its_document(output):
    assert Output.of(output.to_dict()) == output


def test_a_spec_that_says_nothing_has_two_classes():
    assert Output.read({"kind": "majority"}) == Output()


@pytest.mark.parametrize(
    "changed",
    [
        {"scale": 0.0},
        {"center": float("nan")},
        {"task": {**QUANTILES.task.to_dict(), "outputs": ["q10"]}},
        {"task": {**QUANTILES.task.to_dict(), "kind": "guess"}},
    ],
)
def test_an_output_that_cannot_be_is_refused(changed):
    with pytest.raises(ValueError, match=r"that cannot be|of another form"):
        Output.of({**QUANTILES.to_dict(), **changed})

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lepton_spark.dataset.tokens import TokenColumn, tokens_of
from lepton_spark.dataset.transform import FeatureTransform
from lepton_spark.errors import ModelError

WORDS = TokenColumn("said", ("the", "sales", "rose", "%"), length=4)


def rows_of(*texts):
    return pa.table({"said": pa.array(texts, pa.string())})


def test_words_are_found_in_lower_case_and_signs_alone():
    assert tokens_of("Sales rose 5%, to €3m.") == [
        "sales", "rose", "5", "%", ",", "to", "€", "3m", ".",
    ]  # fmt: skip
    assert tokens_of(" \n") == []


def test_a_text_is_cut_padded_and_says_where_a_word_is_not_known():
    found = WORDS.apply(rows_of("Sales rose", "The sales the firm lost", "", None))

    assert found.dtype == np.int32
    assert found.tolist() == [[3, 4, 0, 0], [2, 3, 2, 1], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_numbers_are_no_text():
    with pytest.raises(ModelError, match="LS-3013"):
        WORDS.apply(pa.table({"said": [1.5]}))


def test_a_transform_with_tokens_survives_its_document():
    transform = FeatureTransform((), (), "", tokens=(WORDS,))

    again = FeatureTransform.from_json(transform.to_json())

    assert again == transform
    assert again.specs["tokens_said"].shape == (4,)
    assert again.columns == ("said",)
    np.testing.assert_array_equal(
        again.apply(rows_of("the")).tensors["tokens_said"], WORDS.apply(rows_of("the"))
    )
    assert transform.without(["said"]).tokens == ()

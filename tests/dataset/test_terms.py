from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from lepton_spark.dataset.terms import TextColumn, terms_of
from lepton_spark.dataset.transform import FeatureTransform

CORPUS = [
    "Operating profit rose to EUR 13.1 mn from EUR 8.7 mn",
    "Profit fell, and the company's sales fell",
    "The Härkätie plant; the PLANT!",
    "a b c",
    "",
]


def fitted(ngrams):
    """A column with every term of the corpus, as the fit would find it."""
    found = [set(terms_of(text, ngrams)) for text in CORPUS]
    terms = sorted(set().union(*found))
    with_it = {term: sum(term in each for each in found) for term in terms}
    idf = tuple(math.log((1 + len(CORPUS)) / (1 + with_it[term])) + 1 for term in terms)
    return TextColumn("text", tuple(terms), idf, ngrams)


@pytest.mark.parametrize("ngrams", [1, 2, 3])
def test_weights_are_those_of_scikit_learn(ngrams):
    text = pytest.importorskip("sklearn.feature_extraction.text")
    theirs = text.TfidfVectorizer(ngram_range=(1, ngrams)).fit(CORPUS)
    others = [*CORPUS, "profit profit of an unknown firm", "EUR eur"]

    ours = fitted(ngrams)

    assert ours.terms == tuple(theirs.get_feature_names_out())
    np.testing.assert_allclose(
        ours.apply(pa.array(others)).T, theirs.transform(others).toarray(), rtol=0, atol=1e-6
    )


def test_a_null_and_a_text_of_unknown_words_are_zeros():
    weights = fitted(1).apply(pa.array([None, "nothing known", "profit"]))

    assert np.linalg.norm(weights, axis=0).tolist() == pytest.approx([0, 0, 1])


def test_each_row_is_weighed_by_itself_and_survives_the_document():
    transform = FeatureTransform((), (), "", texts=(fitted(2),))
    rows = pa.table({"text": [*CORPUS, None]})

    again = FeatureTransform.from_json(transform.to_json())

    assert again == transform
    whole = transform.apply(rows).numbers
    assert again.apply(rows.slice(1, 2)).numbers.tobytes() == whole[1:3].tobytes()
    assert transform.outputs[0] == "text says 13"

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.quality.profile.distinct import KEPT, STANDARD_ERROR, Distinct
from lepton_spark.quality.profile.hashing import hash_numbers, hash_texts

TEXTS = st.lists(st.text(max_size=300) | st.sampled_from(["", "a", "a\0", "\0", "😀", "😀" * 80]))


@given(st.lists(st.integers(0, 9000), max_size=6000), st.integers(1, 9))
def test_any_cutting_and_order_gives_the_same_number(values, num_pieces):
    hashes = hash_numbers(np.array(values, np.int64))
    pieces = np.array_split(hashes[::-1], num_pieces)

    whole = Distinct().seeing(hashes)
    added = sum((Distinct().seeing(piece) for piece in pieces), Distinct())

    np.testing.assert_array_equal(added.hashes, whole.hashes)
    if len(set(values)) < KEPT:
        assert whole.count == len(set(values))


@pytest.mark.parametrize("number", [3_000, 50_000, 1_000_000])
@pytest.mark.parametrize("step", [1, 0.1])
def test_many_numbers_are_counted_within_the_stated_error(number, step):
    hashes = hash_numbers(np.arange(number) * step)

    found = sum((Distinct().seeing(each) for each in np.array_split(hashes, 5)), Distinct())

    assert found.count == pytest.approx(number, rel=3 * STANDARD_ERROR)


def test_many_texts_are_counted_within_the_stated_error():
    texts = pa.array([f"customer {value}" for value in range(50_000)])

    assert Distinct().seeing(hash_texts(texts)).count == pytest.approx(
        50_000, rel=3 * STANDARD_ERROR
    )


def test_the_error_is_spread_as_is_stated():
    """A hundred columns of random values: their errors have the standard error, and no bias."""
    number = 20_000
    errors = [
        Distinct().seeing(hash_numbers(np.arange(number) + column * number)).count / number - 1
        for column in range(100)
    ]

    assert abs(np.mean(errors)) < 3 * STANDARD_ERROR / 10
    assert np.std(errors) == pytest.approx(STANDARD_ERROR, rel=0.25)


@given(TEXTS)
def test_texts_have_the_same_hash_only_where_they_are_the_same(texts):
    hashes = hash_texts(pa.array(texts, pa.string())).tolist()

    assert len(set(hashes)) == len(set(texts))
    assert [hashes[texts.index(text)] for text in texts] == hashes


@given(TEXTS)
def test_the_hash_of_a_text_does_not_depend_on_what_is_beside_it(texts):
    whole = pa.array(["before", *texts], pa.string())

    found = hash_texts(whole.slice(1)).tolist()

    assert found == [int(hash_texts(pa.array([text]))[0]) for text in texts]


def test_a_number_has_one_hash_in_any_width():
    values = np.array([0, 1, -1, 100])

    for kind in (np.int8, np.int32):
        np.testing.assert_array_equal(hash_numbers(values.astype(kind)), hash_numbers(values))
    np.testing.assert_array_equal(
        hash_numbers(values.astype(np.float32)), hash_numbers(values.astype(np.float64))
    )


def test_hashes_are_the_same_in_every_process():
    program = (
        "import pyarrow as pa; from lepton_spark.quality.profile.hashing import hash_texts;"
        "print(hash_texts(pa.array(['', 'a', 'Zürich 😀', 'x' * 500])).tolist())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert said == {
        "[16294208416658607535, 6774081908283191102, 12621965123046346505, 619753545068324009]\n"
    }

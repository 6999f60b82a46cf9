"""What a word means without quotes."""

from __future__ import annotations

import pytest

from lepton_spark.config.scalar import ScalarError, is_plain_text, plain_value


@pytest.mark.parametrize(
    "text", ["99999999999999999.99", "1e999", "1e-999", "9" * 35, "1e" + "9" * 30]
)
def test_a_number_that_would_be_changed_must_be_quoted(text: str):
    with pytest.raises(ScalarError, match="more digits"):
        plain_value(text)


@pytest.mark.parametrize("text", ["0.1", "123456789012345.6", "1e300", "5.", "-.5e-3"])
def test_a_number_that_is_kept_needs_no_quotes(text: str):
    assert plain_value(text) == float(text)


@pytest.mark.parametrize("text", ["y", "08", "0o7", "tRue", "1e3", "7", "null", "", "1e999"])
def test_a_text_that_means_something_else_needs_quotes(text: str):
    assert not is_plain_text(text)
    assert is_plain_text(f"{text}x z")

"""The features of a row itself: what each is called, reads and means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lepton_spark.config.document import KeyPath
    from lepton_spark.config.features import Features
    from lepton_spark.config.own_features import Text

HOLIDAY_PARTS = {
    "is_holiday": "boolean",
    "days_to_holiday": "integer",
    "days_since_holiday": "integer",
}
_SHARES = ("share_digits", "share_upper", "share_punctuation", "mean_word_length")
_WITHOUT_DATE = "the date is null"
_WITHOUT_TEXT = "the text is null"
_WITHOUT_VALUE = "a column that it reads is null"


@dataclass(frozen=True)
class RowFeature:
    """One feature of a row itself.

    Args:
        path: What in the case asks for it.
        reads: Columns of the predicted source.
        measure: What it is, in a few words.
        type_: Spark's name of its type.
        null: When it is null.
        is_category: A whole number that names things.
    """

    name: str
    path: KeyPath
    reads: tuple[str, ...]
    measure: str
    type_: str
    null: str
    is_category: bool = False


def row_features(features: Features) -> list[RowFeature]:
    """All that the case asks for, in the order of the table."""
    kinds = (_calendar, _fourier, _text, _numbers, _crosses, _hashes)
    return [feature for kind in kinds for feature in kind(features)]


def categories_of(features: Features) -> tuple[str, ...]:
    """Features that are numbers and name things: those of `as_category`, and buckets."""
    buckets = (feature.name for feature in row_features(features) if feature.is_category)
    return tuple(dict.fromkeys((*features.as_category, *buckets)))


def _calendar(features: Features) -> Iterator[RowFeature]:
    for column, calendar in features.calendar.items():
        path: KeyPath = ("features", "calendar", column)
        for part in calendar.parts:
            type_ = "boolean" if part.startswith("is_") else "integer"
            told = f"{part.replace('_', ' ')} of {column}"
            name = f"{column}_{part}"
            yield RowFeature(name, (*path, "parts"), (column,), told, type_, _WITHOUT_DATE)
        for holiday, type_ in HOLIDAY_PARTS.items() if calendar.holidays else ():
            told = f"{holiday.replace('_', ' ')} in {calendar.holidays} on {column}"
            name = f"{column}_{holiday}"
            yield RowFeature(name, (*path, "holidays"), (column,), told, type_, _WITHOUT_DATE)


def _fourier(features: Features) -> Iterator[RowFeature]:
    for column, fourier in features.fourier.items():
        for period, harmonics in fourier.periods.items():
            path: KeyPath = ("features", "fourier", column, "periods", period)
            for number in range(1, harmonics + 1):
                for wave in ("sin", "cos"):
                    told = f"{wave} of the {period} at {column}, {number} times a {period}"
                    name = f"{column}_{period}_{wave}_{number}"
                    yield RowFeature(name, path, (column,), told, "float", _WITHOUT_DATE)


def _text(features: Features) -> Iterator[RowFeature]:
    for column, text in features.text.items():
        path: KeyPath = ("features", "text", column)
        for measure in text.measures:
            is_share = measure in _SHARES
            null = f"{_WITHOUT_TEXT} or has nothing to divide by" if is_share else _WITHOUT_TEXT
            told = f"{measure.replace('_', ' ')} of {column}"
            type_ = "float" if is_share else "integer"
            yield RowFeature(
                f"{column}_{measure}", (*path, "measures"), (column,), told, type_, null
            )
        yield from _ngrams(column, text)


def _ngrams(column: str, text: Text) -> Iterator[RowFeature]:
    path: KeyPath = ("features", "text", column, "ngrams")
    if text.ngrams is not None:
        grams = text.ngrams
        for bucket in range(grams.buckets):
            told = (
                f"runs of {grams.from_} to {grams.to} {grams.of} of {column} in bucket {bucket}"
                f" of {grams.buckets}, by xxhash64"
            )
            name = f"{column}_ngram_{bucket}"
            yield RowFeature(name, path, (column,), told, "integer", _WITHOUT_TEXT)


def _numbers(features: Features) -> Iterator[RowFeature]:
    path: KeyPath = ("features", "interactions")
    for name, factors in features.interactions.products.items():
        told = " * ".join(factors)
        null = f"{_WITHOUT_VALUE}, or the product is beyond what a double holds"
        yield RowFeature(name, (*path, "products", name), factors, told, "double", null)
    for name, (dividend, divisor) in features.interactions.ratios.items():
        null = f"{_WITHOUT_VALUE}, or {divisor} is 0"
        yield RowFeature(
            name,
            (*path, "ratios", name),
            (dividend, divisor),
            f"{dividend} / {divisor}",
            "double",
            null,
        )


def _crosses(features: Features) -> Iterator[RowFeature]:
    for name, cross in features.interactions.crosses.items():
        path: KeyPath = ("features", "interactions", "crosses", name)
        told = f"{' and '.join(cross.of)} together"
        is_hashed = cross.buckets is not None
        type_ = "integer" if is_hashed else "string"
        if is_hashed:
            told = f"{told}, in one of {cross.buckets} buckets by xxhash64"
        yield RowFeature(name, path, cross.of, told, type_, _WITHOUT_VALUE, is_category=is_hashed)


def _hashes(features: Features) -> Iterator[RowFeature]:
    for column, hashing in features.hash.items():
        told = f"{column} in one of {hashing.buckets} buckets by xxhash64"
        path: KeyPath = ("features", "hash", column)
        yield RowFeature(
            f"{column}_hash", path, (column,), told, "integer", _WITHOUT_VALUE, is_category=True
        )

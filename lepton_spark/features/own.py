"""Features of a row itself, all in one projection: no other row is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.config.row_feature import row_features
from lepton_spark.features.calendar_part import calendar_parts, fourier_pairs
from lepton_spark.features.holiday import Holidays
from lepton_spark.features.interaction import cross, hashed, product, ratio
from lepton_spark.features.text_measure import ngram_buckets, ngram_counts, text_measures, words

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.features import Features


def read_columns(features: Features) -> tuple[str, ...]:
    """The columns that the features of a row are computed from, each once."""
    names = (name for feature in row_features(features) for name in feature.reads)
    return tuple(dict.fromkeys(names))


def holiday_spans(features: Features) -> dict[str, Column]:
    """For each date whose calendar names a place an aggregate: its first and last day."""
    spans = {}
    for name, calendar in features.calendar.items():
        if calendar.holidays is not None:
            day = _local(name, calendar.zone).cast("date")
            spans[name] = F.struct(F.min(day).alias("first"), F.max(day).alias("last"))
    return spans


def holidays_around(
    features: Features, spans: Mapping[str, tuple[date | None, date | None]], as_of: date
) -> dict[str, Holidays]:
    """By column of a calendar that names a place: the holidays around its days.

    Args:
        features: Of the case.
        spans: What `holiday_spans` finds: nulls where there is no day.
        as_of: Stands for the days of such a column, and has no holidays: nothing asks for them.
    """
    found = {}
    for name, (first, last) in spans.items():
        if first is None or last is None:
            found[name] = Holidays(as_of, as_of, ())
        else:
            found[name] = Holidays.of(features.calendar[name].holidays or "", first, last)
    return found


def add_row_features(
    rows: DataFrame, features: Features, holidays: Mapping[str, Holidays]
) -> DataFrame:
    """Add every feature of the row itself, in the order of `row_features`.

    Args:
        rows: Hold `read_columns`.
        features: Of the case.
        holidays: By column of a calendar that names a place: around all its days.

    Returns:
        The rows with the features; no shuffle.
    """
    asked = [feature.name for feature in row_features(features)]
    if not asked:
        return rows
    columns = _columns(features, holidays)
    # What several columns need is computed before them: in one projection it would be once each.
    prepared = rows
    for needed in (_local_times(features) | _words(features), _ngrams(features)):
        prepared = prepared.withColumns(needed) if needed else prepared
    return prepared.select(*rows.columns, *(columns[name].alias(name) for name in asked))


def _columns(features: Features, holidays: Mapping[str, Holidays]) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for name, calendar in features.calendar.items():
        local = F.col(f"_calendar_{name}")
        found |= calendar_parts(name, local, calendar, holidays.get(name))
    for name, fourier in features.fourier.items():
        found |= fourier_pairs(name, F.col(f"_fourier_{name}"), fourier)
    for name, text in features.text.items():
        found |= text_measures(name, F.col(name), F.col(f"_words_{name}"), text)
        if text.ngrams is not None:
            found |= ngram_counts(name, F.col(f"_ngrams_{name}"), text.ngrams.buckets)
    interactions = features.interactions
    found |= {name: product(factors) for name, factors in interactions.products.items()}
    found |= {name: ratio(*parts) for name, parts in interactions.ratios.items()}
    found |= {name: cross(settings) for name, settings in interactions.crosses.items()}
    return found | {
        f"{name}_hash": hashed(name, settings.buckets) for name, settings in features.hash.items()
    }


def _local_times(features: Features) -> dict[str, Column]:
    found = {
        f"_calendar_{name}": _local(name, calendar.zone)
        for name, calendar in features.calendar.items()
    }
    for name, fourier in features.fourier.items():
        found[f"_fourier_{name}"] = _local(name, fourier.zone).cast("timestamp")
    return found


def _words(features: Features) -> dict[str, Column]:
    return {f"_words_{name}": words(F.col(name)) for name in features.text}


def _ngrams(features: Features) -> dict[str, Column]:
    return {
        f"_ngrams_{name}": ngram_buckets(F.col(name), F.col(f"_words_{name}"), text.ngrams)
        for name, text in features.text.items()
        if text.ngrams is not None
    }


def _local(column: str, zone: str | None) -> Column:
    return F.col(column) if zone is None else F.from_utc_timestamp(F.col(column), zone)

"""Texts that say nearly the same: all but one are marked as duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.quality.reasons import REASONS, code
from lepton_spark.silver.deduplicate import DUPLICATE, SEVERITY

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.source import NearDuplicates

NEAR = "near_duplicate"
_HASHES = 64
_SEED = 20_013
_LEAST_FOUND = 0.999
# Rows before it that a row is compared with in a bucket: a phrase that all texts share must not
# compare each with each. Equal texts are found without buckets.
_MOST_COMPARED = 32
_ID = ("_file", "_row")
_SIDE = (*_ID, "_key", "_is_new")
_NOT_WORDS = r"(?U)\W+"


def mark_near_duplicates(
    judged: DataFrame,
    settings: NearDuplicates,
    key: Sequence[str],
    present: DataFrame | None = None,
) -> DataFrame:
    """Mark each good row whose text is as similar to an earlier good one as the settings say.

    Compared are rows of one arrival and of different keys: what came later takes nothing away,
    and a row is no duplicate of its own next version. The earlier one need not stay itself, so
    that of a chain of similar texts only the first stays. Similarity is that of Jaccard, of sets
    of word pairs. Candidates come from MinHash with banding (Broder 1997; Leskovec, Rajaraman,
    Ullman, Mining of Massive Datasets, 3.4) and are compared exactly: what is marked is as
    similar, and of pairs at the limit 999 in 1,000 are found, unless more than 32 rows lie between
    them in each of their buckets.

    Args:
        judged: Rows with `_severity`, `_reasons`, `_arrived_at`, `_file` and `_row`. Costs five
            shuffles of good rows, of which three carry hashes only.
        settings: Column, similarity, and whether the first or the last row stays.
        key: Columns that identify a row.
        present: Rows of silver of the same arrivals, where some are there: they stay.

    Returns:
        The same rows; marked ones are duplicates with the reason `near_duplicate:<column>`. A null
        text is like no other.
    """
    texts = _texts(judged.filter(F.col(SEVERITY).isNull()), settings, key, is_new=True)
    if present is not None:
        texts = texts.unionByName(_texts(present, settings, key, is_new=False))
    numbered = _numbered(texts, settings)
    equal = numbered.filter("_is_new AND _key != _first_key").select(*_ID)
    alike = _similar(numbered.filter(F.col("_copy") == 1), settings)
    marks = equal.unionByName(alike).withColumn("_is_near", F.lit(1))
    joined = judged.join(marks, list(_ID), how="left")
    is_near = F.col("_is_near").isNotNull()
    reasons = F.when(is_near, F.array(code(NEAR, settings.column))).otherwise(F.col(REASONS))
    severity = F.when(is_near, DUPLICATE).otherwise(F.col(SEVERITY))
    marked = joined.withColumns({REASONS: reasons, SEVERITY: severity})
    return marked.select(*judged.columns)


def bands_of(similarity: float) -> tuple[int, int]:
    """How many bands of how many hashes find 999 of 1,000 pairs of that similarity."""
    for rows in range(8, 1, -1):
        bands = _HASHES // rows
        if 1 - (1 - similarity**rows) ** bands >= _LEAST_FOUND:
            return bands, rows
    return _HASHES, 1


def _texts(
    rows: DataFrame, settings: NearDuplicates, key: Sequence[str], *, is_new: bool
) -> DataFrame:
    """Id, key and arrival of each row that has a text, with its shingles."""
    return rows.filter(F.col(settings.column).isNotNull()).select(
        *_ID,
        "_arrived_at",
        F.xxhash64(*key).alias("_key"),
        F.lit(is_new).alias("_is_new"),
        F.col(settings.column).alias("_text"),
        _pairs(settings.column),
    )


def _numbered(texts: DataFrame, settings: NearDuplicates) -> DataFrame:
    """The texts, each with its place among equal ones and the key of the first of these."""
    equal = Window.partitionBy("_arrived_at", "_text").orderBy(*_order(settings))
    return texts.withColumns(
        {"_copy": F.row_number().over(equal), "_first_key": F.first("_key").over(equal)}
    )


def _order(settings: NearDuplicates) -> list[Column]:
    """The row that stays comes first; what is in silver does."""
    order = [F.col(name).asc() if settings.keep == "first" else F.col(name).desc() for name in _ID]
    return [F.col("_is_new").asc(), *order]


def _pairs(name: str) -> Column:
    """The set of word pairs of a text in lower case; of a shorter text its words, or itself."""
    text = F.lower(F.col(name))
    words = F.filter(F.split(text, _NOT_WORDS), lambda word: F.length(word) > 0)
    pairs = F.zip_with(
        words,
        F.slice(words, 2, F.greatest(F.size(words), F.lit(1))),
        lambda first, second: F.concat_ws(" ", first, second),
    )
    whole = F.when(F.size(words) == 1, words).otherwise(F.array(text))
    found = F.when(F.size(words) > 1, F.slice(pairs, 1, F.size(words) - 1)).otherwise(whole)
    return F.array_distinct(found).alias("_pairs")


def _similar(texts: DataFrame, settings: NearDuplicates) -> DataFrame:
    """Ids of new rows that are as similar to an earlier row of another key; all texts differ."""
    candidates = _candidates(texts, settings)
    later = texts.select(*_ID, "_pairs")
    earlier = texts.select(
        F.col("_file").alias("_first_file"),
        F.col("_row").alias("_first_row"),
        F.col("_pairs").alias("_first_pairs"),
    )
    compared = candidates.join(later, list(_ID), how="inner").join(
        earlier, ["_first_file", "_first_row"], how="inner"
    )
    common = F.size(F.array_intersect("_pairs", "_first_pairs"))
    united = F.size("_pairs") + F.size("_first_pairs") - common
    # As a decimal: in binary .56 of 25 is more than 14.
    is_similar = common >= F.lit(Decimal(str(settings.similarity))) * united
    return compared.filter(is_similar).select(*_ID).distinct()


def _candidates(texts: DataFrame, settings: NearDuplicates) -> DataFrame:
    """Ids of two rows each that share a bucket, the earlier one as `_first_file`, `_first_row`."""
    bucket = ["_arrived_at", "_bucket"]
    told = texts.select(
        *_SIDE, "_arrived_at", F.explode(_buckets(settings.similarity)).alias("_bucket")
    )
    earlier_first = Window.partitionBy(*bucket).orderBy(*_order(settings))
    ranked = told.withColumn("_rank", F.row_number().over(earlier_first))
    back = F.sequence(F.lit(1), F.least(F.col("_rank") - 1, F.lit(_MOST_COMPARED)))
    later = ranked.filter(F.col("_is_new") & (F.col("_rank") > 1))
    later = later.withColumn("_back", F.explode(back))
    later = later.select(*_ID, "_key", *bucket, (F.col("_rank") - F.col("_back")).alias("_rank"))
    earlier = ranked.select(
        F.col("_file").alias("_first_file"),
        F.col("_row").alias("_first_row"),
        F.col("_key").alias("_first_key"),
        *bucket,
        "_rank",
    )
    pairs = later.join(earlier, [*bucket, "_rank"], how="inner")
    pairs = pairs.filter(F.col("_key") != F.col("_first_key"))
    return pairs.select(*_ID, "_first_file", "_first_row").distinct()


def _buckets(similarity: float) -> Column:
    """One number a band, which two texts share where all least hashes of the band are the same."""
    bands, rows = bands_of(similarity)
    hashes = F.transform(F.col("_pairs"), lambda pair: F.xxhash64(pair, F.lit(_SEED)))

    def least(seed: Column) -> Column:
        """The least hash of a text's pairs under a seed."""
        return F.array_min(F.transform(hashes, lambda each: F.xxhash64(each, seed)))

    def bucket(band: Column) -> Column:
        """One number of the least hashes of a band."""
        seeds = F.sequence(band * rows, band * rows + (rows - 1))
        return F.xxhash64(band, F.transform(seeds, least))

    return F.transform(F.sequence(F.lit(0), F.lit(bands - 1)), bucket)

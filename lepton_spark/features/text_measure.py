"""Numbers that describe a text: how long it is, what it is made of, which runs it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

    from lepton_spark.config.own_features import Ngrams, Text

# U+2019 is the apostrophe of printers. No group is repeated: Java would recurse into a long text.
_WORD = r"[\p{L}\p{N}][\p{L}\p{N}\p{M}_'\u2019]*"
_SENTENCE = r"(?s)[\p{L}\p{N}].*?(?:(?<![.!?…])[.!?…]++(?=\s|\z)|\z)"


def words(text: Column) -> Column:
    """Runs of letters and digits, apostrophes and underscores within, in lower case."""
    return F.regexp_extract_all(F.lower(text), F.lit(_WORD), F.lit(0))


def ngram_buckets(text: Column, words: Column, ngrams: Ngrams) -> Column:
    """The bucket of each run, an array: XXH64 with seed 42 of its UTF-8 bytes, modulo buckets.

    The 64 bits count as a signed number, and the remainder is not negative. The same text has the
    same buckets whatever its partition, its release of Spark and its neighbours.

    Args:
        text: Its runs of characters are taken in lower case, with blanks, as they come; an empty
            text has none, and of null there is null.
        words: As `words` gives them; a run of them has single blanks between.
        ngrams: Kind and lengths of the runs, and the number of buckets.
    """
    is_words = ngrams.of == "words"
    # The characters of an empty text are one that is empty.
    parts = words if is_words else F.array_remove(F.split(F.lower(text), ""), "")
    between = " " if is_words else ""
    runs = F.concat(
        *(_runs(parts, length, between) for length in range(ngrams.from_, ngrams.to + 1))
    )
    hashes = F.transform(runs, lambda run: _hash(run, ngrams.buckets))
    return F.when(text.isNotNull(), hashes)


def bucket(value: Column, buckets: int) -> Column:
    """A number from 0 to below `buckets`, by XXH64 with seed 42; null for null."""
    return F.when(value.isNotNull(), _hash(value, buckets))


def text_measures(name: str, text: Column, words: Column, settings: Text) -> dict[str, Column]:
    """Each measure of one text.

    Args:
        name: Of its column.
        text: Null gives null. An empty text has no share of anything and no mean, but counts of 0.
        words: As `words` gives them.
        settings: What is asked for.
    """
    return {f"{name}_{measure}": _MEASURES[measure](text, words) for measure in settings.measures}


def ngram_counts(name: str, buckets: Column, number: int) -> dict[str, Column]:
    """How many runs are in each bucket.

    Args:
        name: Of the column of the text.
        buckets: As `ngram_buckets` gives them.
        number: How many there are.
    """
    # A filter would run a lambda for each run and bucket, without generated code.
    return {
        f"{name}_ngram_{place}": F.array_size(buckets)
        - F.array_size(F.array_remove(buckets, place))
        for place in range(number)
    }


def _hash(value: Column, buckets: int) -> Column:
    return F.pmod(F.xxhash64(value), F.lit(buckets)).cast("int")


def _runs(parts: Column, length: int, between: str) -> Column:
    if length == 1:
        return parts
    last = F.array_size(parts) - (length - 1)
    starts = F.when(last > 0, F.sequence(F.lit(1), last)).otherwise(F.array().cast("array<int>"))
    return F.transform(starts, lambda at: F.array_join(F.slice(parts, at, length), between))


def _share(pattern: str) -> Callable[[Column, Column], Column]:
    def share(text: Column, _: Column) -> Column:
        """Characters that match, over all characters; null for an empty text."""
        kept = F.char_length(F.regexp_replace(text, pattern, ""))
        return F.try_divide(F.char_length(text) - kept, F.char_length(text)).cast("float")

    return share


def _mean_word_length(_: Column, words: Column) -> Column:
    letters = F.char_length(F.array_join(words, ""))
    return F.try_divide(letters, F.array_size(words)).cast("float")


_MEASURES: Mapping[str, Callable[[Column, Column], Column]] = {
    "num_chars": lambda text, _: F.char_length(text),
    "num_words": lambda _, words: F.array_size(words),
    "num_sentences": lambda text, _: F.regexp_count(text, F.lit(_SENTENCE)),
    "share_digits": _share(r"\p{Nd}"),
    "share_upper": _share(r"\p{Lu}"),
    "share_punctuation": _share(r"[\p{P}\p{S}]"),
    "mean_word_length": _mean_word_length,
}

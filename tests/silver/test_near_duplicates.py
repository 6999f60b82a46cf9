"""Near duplicates against a comparison of each text with each."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from pyspark.sql import functions as F

from lepton_spark.config.source import NearDuplicates
from lepton_spark.silver.near_duplicates import bands_of, mark_near_duplicates

SETTINGS = NearDuplicates(column="text", similarity=0.7)
WORDS = [f"word{n}" for n in range(300)]
SCHEMA = (
    "text string, _file string, _row bigint, _severity string, _reasons array<string>,"
    " id string, _arrived_at timestamp"
)
MON, TUE = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
SOLD = "the plant in Oslo was sold"


def shingles(text):
    words = re.findall(r"\w+", text.lower())
    return set(pairwise(words)) or set(words) or {text.lower()}


def similarity(first, second):
    return len(first & second) / len(first | second)


def generated(count=400, seed=5):
    """Texts of which many are others with words changed, a few the same, and one null."""
    random = np.random.default_rng(seed)
    texts = ["", "?!", "one", "One."]
    while len(texts) < count:
        words = list(random.choice(WORDS, random.integers(3, 30)))
        if random.random() < 0.5:
            words = texts[random.integers(4, len(texts))].split() if len(texts) > 4 else words
            for place in random.integers(0, len(words), random.integers(0, 4)).tolist():
                words[place] = str(random.choice(WORDS))
        texts.append(" ".join(words))
    return [*texts, None]


def rows_of(texts):
    return [(text, f"f{n % 2}", n // 2, None, []) for n, text in enumerate(texts)]


def texts(spark, rows):
    """Rows of text, file, row, severity and reasons; without more each a key, of one arrival."""
    whole = [(*row, f"{row[1]}/{row[2]}", MON) if len(row) == 5 else row for row in rows]
    return spark.createDataFrame(whole, SCHEMA)


def marked(spark, rows, settings=SETTINGS, partitions=2, present=None):
    given = texts(spark, rows).repartition(partitions)
    held = None if present is None else texts(spark, present)
    found = mark_near_duplicates(given, settings, ["id"], held)
    assert found.columns == given.columns
    return {
        (row["_file"], row["_row"]): (row["_severity"], row["_reasons"]) for row in found.collect()
    }


@pytest.mark.spark
def test_what_is_marked_is_what_a_comparison_of_all_finds(spark):
    rows = rows_of(generated())
    found = marked(spark, rows)

    ordered = sorted((row for row in rows if row[0] is not None), key=lambda row: row[1:3])
    sets = [shingles(row[0]) for row in ordered]
    wanted = {
        ordered[place][1:3]
        for place in range(len(ordered))
        if any(similarity(sets[place], sets[other]) >= 0.7 for other in range(place))
    }
    marks = {key for key, (severity, _) in found.items() if severity == "duplicate"}
    assert len(found) == len(rows)
    assert len(wanted) > 80
    assert marks <= wanted
    assert len(marks) >= 0.98 * len(wanted)
    assert all(
        reasons == (["near_duplicate:text"] if key in marks else [])
        for key, (_, reasons) in found.items()
    )
    kept = [row[0] for row in rows if row[1:3] not in marks]
    assert len(kept) == len(set(kept))
    assert marked(spark, rows, partitions=5) == found


@pytest.mark.spark
def test_the_last_one_may_stay_and_bad_rows_take_no_part(spark):
    rows = [
        ("the plant in Oslo was sold", "a", 2, "refused", ["short_row"]),
        ("the plant in Oslo was sold", "a", 3, None, []),
        ("The plant in Oslo was sold!", "a", 4, None, []),
    ]
    last = SETTINGS.model_copy(update={"keep": "last"})

    assert marked(spark, rows, last) == {
        ("a", 2): ("refused", ["short_row"]),
        ("a", 3): ("duplicate", ["near_duplicate:text"]),
        ("a", 4): (None, []),
    }


@pytest.mark.spark
def test_a_text_that_thousands_share_is_kept_once_and_compares_no_two_with_each_other(spark):
    rows = spark.range(0, 4000, 1, 2).select(
        F.lit("nothing to report today").alias("text"),
        F.lit("a").alias("_file"),
        F.col("id").alias("_row"),
        F.lit(None).cast("string").alias("_severity"),
        F.array().cast("array<string>").alias("_reasons"),
        F.lit(MON).alias("_arrived_at"),
    )

    found = mark_near_duplicates(rows, SETTINGS, ["_row"]).filter(F.col("_severity").isNull())

    assert [row["_row"] for row in found.collect()] == [0]


@pytest.mark.spark
@pytest.mark.parametrize("keep", ["first", "last"])
@pytest.mark.parametrize("text", [SOLD, "The plant in Oslo was sold!"])
def test_what_arrives_later_or_is_a_version_of_the_same_key_is_no_duplicate(spark, keep, text):
    rows = [
        (SOLD, "a", 1, None, [], "ticket 7", MON),
        (text, "b", 1, None, [], "ticket 8", TUE),
        (text, "b", 2, None, [], "ticket 8", TUE),
    ]
    settings = SETTINGS.model_copy(update={"keep": keep})

    assert [reasons for _, reasons in marked(spark, rows, settings).values()] == [[], [], []]


@pytest.mark.spark
@pytest.mark.parametrize("keep", ["first", "last"])
@pytest.mark.parametrize("text", [SOLD, "The plant in Oslo was sold!"])
def test_what_is_in_silver_stays_and_what_is_like_it_does_not_come_in_later(spark, keep, text):
    settings = SETTINGS.model_copy(update={"keep": keep})
    present = [(SOLD, "a", 2, None, [])]

    found = marked(
        spark, [(text, "a", 1, None, []), (text, "a", 3, None, [])], settings, 2, present
    )

    assert list(found.values()) == [("duplicate", ["near_duplicate:text"])] * 2


@pytest.mark.spark
def test_a_pair_exactly_at_the_limit_is_found(spark):
    words = [f"w{n}" for n in range(26)]  # 25 pairs of words, of which the other has 14
    rows = [(" ".join(words), "a", 1, None, []), (" ".join(words[:15]), "a", 2, None, [])]

    found = marked(spark, rows, SETTINGS.model_copy(update={"similarity": 0.56}))

    assert found["a", 2] == ("duplicate", ["near_duplicate:text"])


def test_more_bands_are_taken_for_less_similar_texts():
    for similarity_ in (0.3, 0.5, 0.7, 0.8, 0.95, 1.0):
        bands, rows = bands_of(similarity_)
        assert bands * rows <= 64
        assert 1 - (1 - similarity_**rows) ** bands >= 0.999 or rows == 1
    assert bands_of(0.95)[1] > bands_of(0.6)[1]

"""How values are compared: what is equal, alike, or says nothing."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.entity import Comparison
from lepton_spark.entities.compare import comparison_of, with_compared

PAIRS = {
    ("jaccard", "The  Art of war!", "the art, of WAR"): "equal",
    ("jaccard", "a b c d", "a b c e"): "jaccard 0.6",  # three of five words
    ("jaccard", "a b c", "a b c d"): "jaccard 0.6",
    ("jaccard", "a b c d", "c d e f"): "jaccard 0.3",
    ("jaccard", "a b", "c d"): "else",
    ("jaccard", "a", None): "missing",
    ("jaccard", "a", " - "): "missing",
    ("levenshtein", "abcd", "abxd"): "levenshtein 1",
    ("levenshtein", "abcd", "axyd"): "else",
    ("days", "2024-01-01", "2024-01-08"): "days 7.0",
    ("days", "2024-01-01", "2024-01-09"): "else",
    ("difference", "10", "12"): "difference 2.0",
    ("exact", "Graz", "GRAZ."): "equal",
}
KINDS = {
    "jaccard": ({"jaccard": [0.6, 0.3]}, "string"),
    "levenshtein": ({"levenshtein": [1]}, "string"),
    "days": ({"days": [7]}, "date"),
    "difference": ({"difference": [2]}, "int"),
    "exact": ({"exact": True}, "string"),
}


@pytest.mark.spark
def test_each_pair_is_at_its_level(spark):
    found = {}
    for kind, (settings, cast) in KINDS.items():
        match = {"x": Comparison.model_validate(settings)}
        pairs = [pair for pair in PAIRS if pair[0] == kind]
        rows = spark.createDataFrame(pairs, "kind string, a string, b string")
        for name, side in (("a", "l"), ("b", "r")):
            rows = with_compared(rows.withColumn("x", F.col(name).cast(cast)), match)
            rows = rows.withColumnRenamed("c_x", f"c_x_{side}")
        level = F.lit(None)
        for each in reversed(comparison_of("x", match["x"])["comparison_levels"]):
            if each["sql_condition"] == "ELSE":
                level = F.lit(each["label_for_charts"])
            else:
                is_level = F.expr(each["sql_condition"])
                level = F.when(is_level, each["label_for_charts"]).otherwise(level)
        for row in rows.select("kind", "a", "b", level.alias("level")).collect():
            found[tuple(row)[:3]] = row["level"]

    assert found == PAIRS


def test_rare_values_say_more_only_where_they_are_equal():
    match = Comparison.model_validate({"jaccard": [0.5], "term_frequencies": True})

    levels = comparison_of("title", match)["comparison_levels"]

    adjusted = [each["label_for_charts"] for each in levels if "tf_adjustment_column" in each]
    assert adjusted == ["equal"]

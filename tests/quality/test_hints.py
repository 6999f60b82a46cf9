"""Every reason that the package can give has a line of help."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import lepton_spark
from lepton_spark.quality.hints import HINTS, hint_of

PACKAGE = Path(lepton_spark.__file__).parent
# Whatever judges rows is in these.
JUDGES = ("bronze", "quality", "silver", "replay")
# Other words of that form: columns, facts, joins, fault points.
NO_REASONS = {
    "after_quarantine", "arrived_at", "as_of", "bronze_version", "delta_id", "delta_version",
    "extra_columns",
    "files_known", "fixed_width",
    "first_arrived_at",
    "is_chosen", "is_cut", "is_new", "key_hash", "kept_refused", "known_at", "largest_key",
    "last_arrived_at", "left_anti", "left_semi",
    "many_to_one", "null_rate", "quarantine_version", "read_by", "run_id",
}  # fmt: skip
ONE_WORD = {"missing"}


def words_of_judges() -> set[str]:
    """Texts that look like reason codes, alone or before a colon."""
    found = set()
    for folder in JUDGES:
        for path in (PACKAGE / folder).glob("*.py"):
            if path.name != "hints.py":
                found |= words_of(path, r"\A([a-z]+(?:_[a-z]+)+)(?::|\Z)")
    # What a contract promises names its own reasons, which judges only pass on.
    return found | words_of(PACKAGE / "config" / "table_rules.py", r"\A([a-z]+(?:_[a-z]+)+):")


def words_of(path: Path, pattern: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(re.findall(pattern, node.value)) | ONE_WORD & {node.value}
    return found


def test_every_reason_code_of_the_code_has_a_hint_and_no_other_has():
    assert words_of_judges() - NO_REASONS == set(HINTS)


def test_the_words_that_are_no_reasons_are_there():
    assert words_of_judges() >= NO_REASONS


def test_a_hint_is_one_line_and_found_whatever_the_column():
    assert hint_of("not_number:weight") == HINTS["not_number"]
    for hint in HINTS.values():
        assert hint.isprintable()
        assert not hint.endswith(".")
        assert len(hint) <= 100

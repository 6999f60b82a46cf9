"""Which figures README shows."""

from __future__ import annotations

import json

from benchmarks.figures import table


def test_a_comparison_is_shown_whoever_wins_and_a_bare_figure_is_not(tmp_path):
    folder = tmp_path / "bench"
    folder.mkdir()
    bare = {"value": 0.5, "unit": "x", "target": "", "low": None, "high": None, "holds": None}
    compared = {**bare, "low": 0.4, "high": 0.6}
    checks = [
        {**compared, "what": "loader: tf.data in memory against ours"},
        {**bare, "what": "rows of a year against those of a quarter"},
        {**bare, "what": "loader: rows a second", "unit": ""},
        {**bare, "what": "memory", "target": "<= 1", "holds": True},
    ]
    (folder / "x.json").write_text(json.dumps({"checks": checks}))

    shown = table(tmp_path).splitlines()[2:]

    assert [line.split(" | ")[0] for line in shown] == [
        "| loader: tf.data in memory against ours",
        "| memory",
    ]

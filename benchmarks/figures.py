"""Writes what was measured and said into README.md: `python -m benchmarks.figures`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.result import RESULTS

README = RESULTS.parent / "README.md"
FIGURES, DEMO = "figures", "demo"
_HEAD = "| what | measured | wanted | |\n|---|---|---|---|\n"


def table(results: Path = RESULTS) -> str:
    """All checks of all files that have a target or compare with a peer, as one Markdown table."""
    lines = [
        _line(check)
        for path in sorted(results.glob("*/*.json"))
        for check in json.loads(path.read_text(encoding="utf-8"))["checks"]
        if check["target"] or _is_comparison(check)
    ]
    return _HEAD + "".join(lines)


def _is_comparison(check: dict[str, Any]) -> bool:
    """Whether it says how many times longer one takes than another: shown, won or lost."""
    return check["low"] is not None and " against " in check["what"]


def _line(check: dict[str, Any]) -> str:
    unit = f" {check['unit']}" if check["unit"] else ""
    value = f"{number(check['value'])}{unit}"
    if check.get("low") is not None:
        value += f" ({number(check['low'])} to {number(check['high'])})"
    met = {True: "met", False: "**missed**", None: ""}[check["holds"]]
    wanted = f"{check['target']}{unit}" if check["target"] else ""
    return f"| {check['what']} | {value} | {wanted} | {met} |\n"


def number(value: float) -> str:
    """Three digits that count, no exponent."""
    if value == int(value) and abs(value) >= 1:
        return f"{int(value):,}"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:,.4g}"


def demo(results: Path = RESULTS) -> str:
    """What the demo said at its end, as a block of Markdown; empty where it was not measured."""
    path = results / "demo.txt"
    return f"```\n{path.read_text(encoding='utf-8')}```\n" if path.exists() else ""


def filled(readme: str, mark: str, text: str) -> str:
    """README with the text between the two marks of that name."""
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    pattern = re.compile(f"{re.escape(start)}.*{re.escape(end)}", re.DOTALL)
    return pattern.sub(lambda _: f"{start}\n{text}{end}", readme)


def all_filled(readme: str) -> str:
    """README with everything that comes from files."""
    return filled(filled(readme, FIGURES, table()), DEMO, demo())


if __name__ == "__main__":
    README.write_text(all_filled(README.read_text(encoding="utf-8")), encoding="utf-8")

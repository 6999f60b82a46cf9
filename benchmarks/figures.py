"""Writes what was measured and said into the READMEs: `python -m benchmarks.figures`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.result import RESULTS

README = RESULTS.parent / "README.md"
ALL_FIGURES = RESULTS / "README.md"
FIGURES, DEMO = "figures", "demo"
_HEAD = "| what | measured | wanted | |\n|---|---|---|---|\n"
_ALL_HEAD = """# What was measured

Written by `python -m benchmarks.figures` from the files beside this one. What missed its target
stays; a line without a target is shown for comparison.
"""


def summary(results: Path = RESULTS) -> str:
    """A line a file: what it measures first, and how many of its targets were met."""
    lines = ["| what | measured | wanted | | all targets of the file |\n|---|---|---|---|---|\n"]
    for name, document in _documents(results):
        judged = [check["holds"] for check in document["checks"] if check["target"]]
        (first, *_) = (check for check in document["checks"] if check["target"])
        link = f"[{sum(judged)} of {len(judged)}]({results.name}/README.md#{_anchor(name)})"
        lines.append(f"{_line(first)[:-1]} {link} |\n")
    return "".join(lines)


def table(results: Path = RESULTS) -> str:
    """All checks of all files as Markdown, one section a file."""
    sections = (
        f"\n## {name}\n\n{document['date']}, `{document['command']}`, {document['machine']}\n\n"
        f"{_HEAD}{''.join(map(_line, document['checks']))}"
        for name, document in _documents(results)
    )
    return _ALL_HEAD + "".join(sections)


def _documents(results: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in sorted(results.glob("*/*.json"), key=_in_order):
        yield path.parent.name + "/" + path.stem, json.loads(path.read_text(encoding="utf-8"))


def _in_order(path: Path) -> list[Any]:
    """Numbers within a name by their value: P2 comes before P10."""
    parts = re.split(r"(\d+)", f"{path.parent.name}/{path.stem}")
    return [int(part) if part.isdecimal() else part for part in parts]


def _anchor(name: str) -> str:
    """Where GitHub puts the heading of a section."""
    return re.sub(r"[^a-z0-9_-]", "", name.lower())


def _line(check: dict[str, Any]) -> str:
    unit = f" {check['unit']}" if check["unit"] else ""
    value = f"{number(check['value'])}{unit}"
    if check.get("low") is not None:
        value += f" ({number(check['low'])} to {number(check['high'])})"
    met = {True: "met", False: "**missed**", None: ""}[check["holds"]]
    wanted = f"{check['target']}{unit}" if check["target"] else ""
    return f"| {check['what']} | {value} | {wanted} | {met} |\n"


def number(value: float) -> str:
    """Four digits that count, no exponent: three hide on which side of a target a value is."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:,.4g}"


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
    return filled(filled(readme, FIGURES, summary()), DEMO, demo())


if __name__ == "__main__":
    README.write_text(all_filled(README.read_text(encoding="utf-8")), encoding="utf-8")
    ALL_FIGURES.write_text(table(), encoding="utf-8")

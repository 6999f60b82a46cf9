"""What a raw file seems to hold. Starts nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_origin

import typer

from lepton_spark.cli.options import CONF, ConfDir, Json
from lepton_spark.cli.say import say
from lepton_spark.cli.tables import align, printable
from lepton_spark.errors import DataError, UsageError
from lepton_spark.job.request import parse_name
from lepton_spark.quality.hints import hint_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import ValidationError

    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.inference import Guess, Profile
    from lepton_spark.config.format import Format

RawFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A raw file, the more typical; or a Delta table.")
]
Contract = Annotated[
    str | None,
    typer.Option("--write-contract", metavar="NAME", help="Begin the contract of that name."),
]
Setting = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="KEY=VALUE",
        help="As under the format in a case, a list of texts also by its only one: "
        "--format delimiter=';' --format header=false --format nulls='?'",
    ),
]
_LOG = "_delta_log"
_JSON = (".json", ".jsonl", ".ndjson")
_TEXTS = (".csv", ".tsv", ".txt")
_DELIMITERS: Mapping[str, Mapping[str, Any]] = {
    ".tsv": {"delimiter": "\t"},
    ".psv": {"delimiter": "|"},
}
_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".tar", ".tgz")


def add_to(app: typer.Typer) -> None:
    """Add profile."""
    app.command("profile", rich_help_panel="Start")(profile)


def profile(
    file: RawFile,
    write_contract: Contract = None,
    format_: Setting = None,
    conf_dir: ConfDir = CONF,
    json: Json = False,
) -> int:
    """Say what a raw file seems to hold, and begin a contract of it.

    lepton profile visits.csv --write-contract visits
    """
    from lepton_spark.bronze.inference import EMPTY, infer

    found = infer(_as_listed(file), _form(file, format_ or []))
    lines = _told(found)
    empty = {EMPTY: found.num_empty} if found.num_empty else {}
    facts = {
        "status": "done",
        "command": "profile",
        "exit_code": 0,
        "rows": found.num_rows,
        "refused": {**found.refused, **empty},
        "columns": {guess.column.name: guess.column.kind for guess in found.guesses},
        "notes": {guess.column.name: guess.notes for guess in found.guesses if guess.notes},
        "hints": found.hints,
    }
    if write_contract is not None:
        _refuse_baseless(file, found)
        path = _write(conf_dir, parse_name(write_contract, "--write-contract"), found.guesses)
        lines += f"wrote {path}\nnext: say there what each column promises\n"
        facts["files"] = [str(path)]
    return say(facts, "" if json else lines)


def _refuse_baseless(file: Path, found: Profile) -> None:
    """See that refused rows have left one that a contract can be made of."""
    if found.refused and not found.is_told:
        reason = next(iter(found.refused))
        raise DataError(
            "LS-2022",
            f"{file.name}: no row is left to tell types by.",
            f"all {found.num_rows:,} would be refused, most as {reason}.",
            f"{hint_of(reason)}.",
        )


def _told(found: Profile) -> str:
    rows = [("column", "type", "no value", "in the file", "note")]
    for guess in found.guesses:
        column = guess.column
        nulls = "-" if guess.nulls is None else f"{guess.nulls:.1%}"
        kind = "-" if guess.nulls is None and column.kind == "string" else column.kind
        header = printable(column.header or "")
        rows.append((column.name, kind, nulls, header, "; ".join(guess.notes)))
    hints = "".join(f"{hint}\n" for hint in found.hints)
    return f"{found.num_rows:,} rows\n{_told_refused(found)}{align(rows)}{hints}"


def _told_refused(found: Profile) -> str:
    """A line on the rows that would be refused, by reason; empty where there are none."""
    if not found.refused:
        return ""
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in found.refused.items())
    num_refused = sum(found.refused.values())
    return f"{num_refused:,} of {found.num_rows:,} rows would be refused: {reasons}\n"


def _as_listed(path: Path) -> LandedFile:
    from datetime import UTC, datetime

    from lepton_spark.bronze.arrivals import ALWAYS, LandedFile

    if (path / _LOG).is_dir():
        from lepton_spark.bronze.delta_table import find_table, newest_file

        return newest_file(find_table(path.name, str(path.absolute())))
    if not path.is_file():
        raise UsageError(
            "LS-0217",
            f"there is neither a file nor a Delta table {path}.",
            "a contract is made of one.",
            "correct FILE.",
        )
    found = path.stat()
    modified_at = datetime.fromtimestamp(found.st_mtime, UTC)
    return LandedFile(path.name, str(path.absolute()), found.st_size, modified_at, ALWAYS)


def _form(path: Path, settings: Sequence[str]) -> Format:
    from pydantic import ValidationError

    texts = {key: text for key, _, text in (setting.partition("=") for setting in settings)}
    values = {key: _value(key, text) for key, text in texts.items()}
    kind, defaults = _kind(path, values)
    for key, field in kind.model_fields.items():
        is_list = get_origin(field.annotation) is tuple
        if is_list and key in values and not isinstance(values[key], list):
            values[key] = [values[key] if isinstance(values[key], str) else texts[key]]
    try:
        return kind(**{**defaults, **values})
    except ValidationError as error:
        raise _unfit("; ".join(_misfits(kind, error))) from error


def _value(key: str, text: str) -> Any:
    """A value as YAML; one character that is no digit is that character."""
    import yaml

    # A shell hands over a backslash and a letter where a tab is meant.
    text = text.replace(r"\t", "\t")
    if len(text) == 1 and not text.isdigit():
        return text
    try:
        value = yaml.safe_load(text)
        # Without braces, as in ::, no mapping is meant.
        return text if isinstance(value, dict) and text[0] != "{" else value
    # A date that is none is told by a ValueError alone.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _unfit(f"holds no YAML: {key}") from error


def _misfits(kind: type[Format], error: ValidationError) -> Iterator[str]:
    """What does not fit a form, one text for each key; without the values."""
    from lepton_spark.config.nearest import nearest

    found: dict[str, list[str]] = {}
    for each in error.errors(include_url=False, include_input=False):
        key = str(each["loc"][0]) if each["loc"] else ""
        said = each["msg"].removeprefix("Value error, ")
        found.setdefault(key, []).append(re.sub(r"^\w+ should ", "must ", said))
    for key, texts in found.items():
        if key and key not in kind.model_fields:
            yield f"{key} is no setting of {kind.__name__}: {nearest(key, kind.model_fields)}"
        else:
            yield f"{key} {', or '.join(texts)}".strip()


def _unfit(what: str) -> UsageError:
    return UsageError(
        "LS-0212",
        f"--format {what}" if what.endswith(("?", ".")) else f"--format {what}.",
        "its keys are those of the format in a case.",
        "lepton check --schema lists them.",
    )


def _kind(path: Path, values: Mapping[str, Any]) -> tuple[type[Format], dict[str, Any]]:
    """The form that a file seems to have, and settings that its ending tells."""
    from lepton_spark.bronze.stream import COMPRESSIONS
    from lepton_spark.config import format as formats

    packed = COMPRESSIONS.keys() - set(_IMAGES)
    endings = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in packed]
    ending = endings[-1] if endings else ""
    if "columns" in values:
        return formats.FixedWidth, {}
    if (path / _LOG).is_dir():
        return formats.Delta, {}
    known = dict.fromkeys(_JSON, formats.Json) | {".parquet": formats.Parquet}
    if ending in known:
        return known[ending], {}
    if "content" in values or ending in _IMAGES:
        return formats.Files, {"content": "image"}
    if "-idx" in path.name and ending not in _TEXTS:
        return formats.Idx, {}
    return formats.Csv, dict(_DELIMITERS.get(ending, {}))


def _write(conf_dir: Path, name: str, guesses: Sequence[Guess]) -> Path:
    from lepton_spark.config.contract import SUFFIX
    from lepton_spark.config.contract_writer import contract_text

    path = conf_dir / "contracts" / f"{name}{SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as written:
            written.write(contract_text(name, [guess.column for guess in guesses]))
    except FileExistsError as error:
        raise UsageError(
            "LS-0213",
            f"{path} is there already.",
            "a contract that somebody edited is never overwritten.",
            "choose another name, or move the file away.",
        ) from error
    return path

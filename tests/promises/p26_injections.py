"""P26: a configuration can neither run code nor leave its folders; it is refused before Spark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lepton_spark.config import checker
from lepton_spark.config.check import load_all
from lepton_spark.config.expression import Checked
from lepton_spark.errors import LeptonError
from tests.promises.promise import Promise, without
from tests.promises.shop import CASE, case_document, write_conf

if TYPE_CHECKING:
    from tests.promises.lab import Lab

Document = dict[str, Any]
_EXPRESSIONS = (
    "reflect('java.lang.Runtime', 'getRuntime') is null",
    "java_method('java.lang.System', 'exit', 1) = 1",
    "try_reflect('java.lang.System', 'getenv', 'HOME') = 'x'",
    "(select max(amount) from other) > 1",
    "amount in (select 1)",
    "exists (select 1)",
    "amount > 1; drop table bronze",
    "amount > 1 -- and\n; select 1",
    "my_function(amount) > 1",
    "transform(array(amount), x -> x + 1) is null",
    "rand() > 0.5",
    "randn() > 0.5",
    "uuid() is null",
    "shuffle(array(1)) is null",
    "current_timestamp() > timestamp'2024-01-01'",
    "current_date > date'2024-01-01'",
    "now() is null",
    "current_user() = 'root'",
    "input_file_name() = 'x'",
    "monotonically_increasing_id() > 1",
    "spark_partition_id() = 0",
    "assert_true(amount > 1) is null",
    "raise_error('x') is null",
    "sum(amount) > 1",
    "sum(amount) over () > 1",
    "row_number() over (order by amount) = 1",
    "explode(array(1)) = 1",
    "xpath_string('<a/>', 'a') = 'x'",
    "from_json(store, 'a int') is null",
    "aes_decrypt(store, 'k') is null",
    "read_files('/etc/passwd') is null",
    "secret('scope', 'key') = 'x'",
    "store rlike '(a+)+$'",
    "`store`.`x`.`y` = 1",
    "_file = 'x'",
    "not_there > 1",
    "amount > 1 or 1",
    "{{ amount }} > 1",
    "amount > ${env:HOME}",
    "session_user() = 'x'",
)
_PATHS = (
    "../../etc/*.csv",
    "/etc/passwd",
    "~/visits/{date}.csv",
    "visits/../../x.csv",
    "file:///etc/passwd",
    "http://example.org/visits.csv",
    "jar:file:/x.jar!/y",
    "hdfs://elsewhere/x.csv",
)
_NAMES = ("x; drop table y", "`x`", "a.b", "a b", "../x", "")
_TEXTS = (
    "version: 1\ncase: !!python/object/apply:os.system ['true']\n",
    "version: 1\ncase: !!python/name:os.system\n",
    "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{n}: &{n} [{', '.join(['*' + p] * 10)}]\n"
        for p, n in zip("abcdef", "bcdefg", strict=True)
    ),
)


def _with_expression(text: str) -> Callable[[Document], None]:
    def change(case: Document) -> None:
        case["features"]["history"]["sales"]["measures"]["large"]["share"] = text

    return change


def _with_path(text: str) -> Callable[[Document], None]:
    def change(case: Document) -> None:
        case["sources"]["visits"]["path"] = text

    return change


def _with_name(text: str) -> Callable[[Document], None]:
    def change(case: Document) -> None:
        case["features"]["history"]["sales"]["measures"][text] = {"count": "*"}

    return change


def _with_zone(case: Document) -> None:
    case["predict"]["at"]["zone"] = "../../etc/passwd"


def _with_contract(case: Document) -> None:
    case["sources"]["visits"]["contract"] = "../../x"


def _with_secret(case: Document) -> None:
    case["description"] = "${env:NOT_SET_ANYWHERE_4711}"


_CHANGES: Mapping[str, Callable[[Document], None]] = {
    **{f"expression {text}": _with_expression(text) for text in _EXPRESSIONS},
    **{f"path {text}": _with_path(text) for text in _PATHS},
    **{f"name {text}": _with_name(text) for text in _NAMES},
    "zone": _with_zone,
    "contract": _with_contract,
    "secret": _with_secret,
}
NUMBER = len(_CHANGES) + len(_TEXTS)


def trials(lab: Lab, _: int) -> list[str]:
    """One injection a trial, always all of them: they take no second."""
    place = lab.place()
    conf = place / "conf"
    write_conf(conf, place / "lakehouse")
    load_all(conf, CASE, "local")  # what is not injected is accepted
    failures = []
    for name, change in _CHANGES.items():
        case = case_document()
        change(case)
        text = yaml.safe_dump(case, sort_keys=False)
        failures += [] if _is_refused(conf, text) else [name]
    return failures + [text[:30] for text in _TEXTS if not _is_refused(conf, text)]


def _is_refused(conf: Path, text: str) -> bool:
    (conf / "cases" / f"{CASE}.yml").write_text(text, encoding="utf-8")
    try:
        load_all(conf, CASE, "local")
    except LeptonError as error:
        return error.exit_code == 10  # of configurations
    return False


def control(lab: Lab) -> list[str]:
    """Expressions are taken as their author wrote them."""

    def unchecked(text, **_):
        return Checked(text, frozenset(), frozenset(), None)

    with without((checker, "parse", unchecked)):
        return trials(lab, NUMBER)


PROMISE = Promise(
    "P26",
    "a configuration that would run code or leave its folders is refused",
    trials,
    short=NUMBER,
    full=NUMBER,
    control=control,
)

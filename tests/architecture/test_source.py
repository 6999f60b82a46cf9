"""What every file of the package must be like, read from the files themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "lepton_spark"
FILES = sorted(PACKAGE.rglob("*.py"))
IDS = [str(path.relative_to(ROOT)) for path in FILES]

MOST_LINES = 350
MOST_LINES_OF_A_FUNCTION = 50
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "core", "manager", "misc"}
# Each would run code that came as data.
RUNNING_DATA = {
    "eval", "exec", "pickle.load", "pickle.loads", "cloudpickle.load", "cloudpickle.loads",
    "joblib.load", "yaml.load", "yaml.full_load", "yaml.unsafe_load", "marshal.loads",
    "dill.load", "dill.loads", "load_model", "keras.models.load_model",
    "keras.saving.load_model", "tf.saved_model.load", "tf.keras.models.load_model",
}  # fmt: skip
# Shells, and the two entry points of Horovod that let anyone run code.
FORBIDDEN = RUNNING_DATA | {"os.system", "horovod.run", "run_elastic", "horovod.spark.run_elastic"}


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_file_is_short_enough_to_read(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_function_is_short_enough_to_read(path):
    too_long = [
        f"{node.name} has {length} lines"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := body_lines(node)) > MOST_LINES_OF_A_FUNCTION
    ]
    assert too_long == []


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    start = first.end_lineno if is_docstring else first.lineno - 1
    return (function.end_lineno or start) - start


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_module_is_named_for_what_it_holds_and_says_so(path):
    tree = ast.parse(path.read_text())
    assert path.stem not in VAGUE
    assert ast.get_docstring(tree)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_annotations_are_not_evaluated(path):
    if has_code(path):
        assert "from __future__ import annotations" in path.read_text()


def has_code(path: Path) -> bool:
    return len(ast.parse(path.read_text()).body) > 1


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_nothing_runs_code_that_came_as_data(path):
    assert sorted(set(calls(path.read_text())) & FORBIDDEN) == []


def test_a_call_that_runs_data_would_be_found():
    source = "import pickle\nwith open('x', 'rb') as file:\n    pickle.load(file)\n"
    assert set(calls(source)) & FORBIDDEN == {"pickle.load"}


def calls(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_arrays_are_read_without_objects(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"np.load", "numpy.load"}:
            options = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert options.get("allow_pickle", "False") == "False"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_nothing_is_known_about_the_demo(path):
    words = re.findall(r"flight|airport|nycflights|carrier|tailnum", path.read_text(), re.I)
    allowed = {"cli/stages.py", "cli/tools.py", "cli/options.py"}  # examples in their help
    assert not words or str(path.relative_to(PACKAGE)) in allowed


def test_stage_packages_begin_with_a_word_on_what_they_read_and_write():
    for stage in PACKAGE.glob("*/stage.py"):
        start = ast.parse((stage.parent / "__init__.py").read_text())
        assert ast.get_docstring(start)
        assert len(start.body) == 1


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").glob("*.py")), ids=lambda path: path.name)
def test_a_job_is_a_thin_script(path):
    assert 10 <= len(path.read_text().splitlines()) <= 30


def test_no_pinned_package_has_an_address():
    assert "://" not in (ROOT / "requirements.txt").read_text()


def test_no_exception_to_the_rules_goes_without_a_reason():
    bare = []
    for path in [*FILES, *(ROOT / "jobs").glob("*.py")]:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if re.search(r"# (noqa|type: ignore)(: ?[A-Z0-9, ]+|\[[a-z, -]+\])?\s*$", line):
                bare.append(f"{path.relative_to(ROOT)}:{number}")
    assert bare == []

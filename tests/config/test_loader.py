import subprocess
import sys

import pytest

from lepton_spark.config.loader import list_cases, load_case, load_environment
from lepton_spark.errors import ConfigError
from tests.config.conftest import Configuration


def test_cases_are_listed_by_file_name(conf: Configuration):
    conf.write_text("cases/notes.txt", "x")
    conf.write_text("cases/.hidden.yml", "x")

    assert list_cases(conf.folder) == ["shop"]


@pytest.mark.parametrize("name", ["../shop", "a/b", "", "shop.yml", "x" * 200])
def test_a_name_is_no_path(conf: Configuration, name: str):
    with pytest.raises(ConfigError, match="not an identifier"):
        load_case(conf.folder, name)


def test_an_unknown_case_is_told_with_the_nearest_one(conf: Configuration):
    with pytest.raises(ConfigError, match="did you mean shop"):
        load_case(conf.folder, "shopp")


def test_an_unknown_environment_is_told_with_the_nearest_one(conf: Configuration):
    with pytest.raises(ConfigError, match="did you mean local"):
        load_environment(conf.folder, "locl")


def test_the_case_inside_has_the_name_of_the_file(conf: Configuration):
    conf.write_case(lambda case: case.update(case="other"))

    with pytest.raises(ConfigError, match="case is other, but the file is called shop"):
        load_case(conf.folder, "shop")


def test_several_problems_are_told_at_once(conf: Configuration):
    conf.write_case(lambda case: case.update(train={"epoch": 1, "workers": 0, "seed": -1}))

    with pytest.raises(ConfigError) as caught:
        load_case(conf.folder, "shop")

    assert all(key in caught.value.what for key in ("epochs?", "train.workers", "train.seed"))


def test_a_missing_setting_is_told_with_its_meaning(conf: Configuration):
    conf.write_case(lambda case: case["predict"].pop("day"))

    with pytest.raises(ConfigError) as caught:
        load_case(conf.folder, "shop")

    assert "predict.day is missing" in caught.value.what
    assert "day that a row belongs to" in caught.value.fix


def test_a_wrong_choice_is_told_with_the_choices(conf: Configuration):
    with pytest.raises(ConfigError, match="'auc', 'pr_auc'"):
        load_case(conf.folder, "shop", ["gate.metric=speed"])


def test_a_wrong_value_is_never_repeated(conf: Configuration):
    with pytest.raises(ConfigError) as caught:
        load_case(conf.folder, "shop", ['train.epochs="canary-4711"'])

    assert "canary-4711" not in str(caught.value)


def test_loading_starts_neither_spark_nor_tensorflow():
    code = (
        "import sys; import lepton_spark.config.check;"
        "print([m for m in ('pyspark', 'tensorflow', 'pandas', 'numpy') if m in sys.modules])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"

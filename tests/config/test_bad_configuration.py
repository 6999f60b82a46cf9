"""Every bad configuration of the list ends with exit code 10 and an error that helps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.errors import ConfigError
from tests.config.conftest import COLUMNS, Change, Configuration

CANARY = "canary-4711-value"


def refused(conf: Configuration, *overrides: str) -> ConfigError:
    """Load everything, and check what each refusal must hold."""
    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local", overrides)
    error = caught.value
    assert error.exit_code == 10
    assert error.code.startswith("LS-10")
    assert all((error.what, error.why, error.state, error.fix))
    assert CANARY not in str(error)
    return error


def test_the_undamaged_configuration_is_accepted(conf: Configuration):
    loaded = load_all(conf.folder, "shop", "local")

    assert loaded.case.case == "shop"
    assert set(loaded.contracts) == {"stores", "orders", "returns"}


def test_c1_a_tab_is_told_with_file_line_and_column(conf: Configuration):
    path = conf.write_text("cases/shop.yml", "version: 1\ncase:\n\t- shop\n")

    assert f"{path}:3:1:" in refused(conf).what


def test_c2_a_tag_that_names_code_runs_nothing(conf: Configuration, tmp_path: Path):
    marker = tmp_path / "marker"
    text = f"version: 1\ncase: !!python/object/apply:os.system ['touch {marker}']\n"
    conf.write_text("cases/shop.yml", text)

    assert "tag" in refused(conf).what
    assert not marker.exists()


def test_c3_an_alias_bomb_is_refused_by_its_size(conf: Configuration):
    tens = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *tens]
    conf.write_text("cases/shop.yml", "\n".join(lines))

    assert "20000 values" in refused(conf).what


def test_c3_a_file_of_50_megabytes_is_refused_unread(conf: Configuration):
    with (conf.folder / "cases/shop.yml").open("wb") as file:
        file.truncate(50_000_000)

    assert "1000000 bytes" in refused(conf).what


def test_c4_an_unknown_key_is_told_with_the_nearest_known_one(conf: Configuration):
    path = conf.write_case(lambda case: case["gate"].update(better_then="majority"))
    line = path.read_text().split("\n").index("  better_then: majority") + 1

    error = refused(conf)

    assert "did you mean better_than?" in error.fix
    assert f"shop.yml:{line}:3" in error.what


def test_c5_a_duplicate_key_is_told_with_both_lines(conf: Configuration):
    conf.write_text("cases/shop.yml", "version: 1\ncase: shop\nversion: 1\n")

    error = refused(conf)

    assert ":3:1:" in error.what
    assert "line 1" in error.what


@pytest.mark.parametrize("word", ["no", "NO", "Off", "yes", "n", "True", "FALSE"])
def test_c6_a_word_that_could_be_a_boolean_must_be_quoted(conf: Configuration, word: str):
    conf.replace_in_case("store_zone: zone", f"store_zone: {word}")

    assert "quote it" in refused(conf).fix


@pytest.mark.parametrize("value", ["-1", "1000000000", "1e9", ".nan", "true", '"3"', "three"])
def test_c7_a_wrong_type_or_range_is_told_with_the_range(conf: Configuration, value: str):
    what = refused(conf, f"train.epochs={value}").what

    assert "train.epochs" in what
    assert "at least 1 and at most 10000" in what


def test_a_text_of_another_form_is_not_explained_by_the_rule_of_names(conf: Configuration):
    error = refused(conf, 'predict.at.time="3:00"')

    assert (error.code, "identifier" in str(error)) == ("LS-1006", False)
    assert "predict.at.time is not accepted" in error.what
    error = refused(conf, "predict.label.name=is-late")
    assert (error.code, "identifier rule" in error.why) == ("LS-1011", True)


@pytest.mark.parametrize("name", ["reflect", "java_method", "try_reflect"])
def test_c8_a_function_that_runs_code_is_named_beside_the_allowed_ones(
    conf: Configuration, name: str
):
    conf.replace_in_case("amount > 100", f"{name}('java.lang.Runtime', 'getRuntime') is null")

    error = refused(conf)

    assert f"function {name} is not allowed" in error.what
    assert "coalesce" in error.fix


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("amount > (select max(amount) from x)", "subquery"),
        ("amount in (select 1)", "subquery"),
        ("amount > 1; drop table x", "';'"),
        ("exists(array(1), x -> x > 1)", "exists"),
        ("my_udf(amount)", "my_udf"),
        ("sum(amount) over () > 1", "window"),
        ("max(amount) > 1", "aggregate"),
    ],
)
def test_c9_what_is_no_plain_expression_is_named(conf: Configuration, text: str, named: str):
    conf.replace_in_case("amount > 100", text)

    assert named in refused(conf).what


@pytest.mark.parametrize(
    "call",
    ["rand()", "uuid()", "current_timestamp()", "current_timestamp", "current_date", "now()"],
)
def test_c10_a_changing_function_is_not_deterministic(conf: Configuration, call: str):
    conf.replace_in_case("amount > 100", f"{call} is null")

    error = refused(conf)

    assert "not deterministic" in error.what
    assert "use" in error.fix


@pytest.mark.parametrize("name", ["a`b", "a.b", 'a"b', "a\nb", "a b", "1a", "", "é", "a" * 81])
def test_c11_a_column_name_that_is_no_identifier_is_refused(conf: Configuration, name: str):
    columns = [*COLUMNS["orders"], {"name": name, "logicalType": "string"}]
    conf.write_contract("orders", columns)

    assert "identifier" in refused(conf).what


@pytest.mark.parametrize("name", ["a`b", "a.b", "a\nb", "x`; drop table y"])
def test_c11_a_derived_name_that_is_no_identifier_is_refused(conf: Configuration, name: str):
    conf.write_case(lambda case: case["sources"]["orders"]["derive"].update({name: "1"}))

    assert "identifier rule" in refused(conf).why


def test_c12_a_table_name_follows_the_identifier_rule(conf: Configuration):
    catalog = {"catalog": "main", "schema": "x`; drop table y"}
    conf.write_environment(lambda environment: environment.update(catalog=catalog))

    error = refused(conf)

    assert "identifier rule" in error.why
    assert "catalog.schema" in error.what


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "a/../../b", "/etc/passwd", "~/x.csv", "~root/x", "a\\b"]
)
def test_c13_a_path_that_leaves_the_landing_folder_is_refused(conf: Configuration, path: str):
    conf.write_case(lambda case: case["sources"]["stores"].update(path=path))

    error = refused(conf)

    assert "allowed root" in error.what
    assert "sources.stores.path" in error.what


@pytest.mark.parametrize("path", [".in/x.csv", "in/.x.csv", "_in/x.csv", "in/_*.csv", "./x.csv"])
def test_c13_a_path_of_files_that_are_never_read_is_refused(conf: Configuration, path: str):
    conf.write_case(lambda case: case["sources"]["stores"].update(path=path))

    error = refused(conf)

    assert "begins with a dot or underscore" in str(error)
    assert "sources.stores.path" in error.what


def test_c13_the_folder_of_a_column_may_begin_with_an_underscore(conf: Configuration):
    conf.write_case(lambda case: case["sources"]["stores"].update(path="_day=*/stores.csv"))

    assert load_all(conf.folder, "shop", "local").case.sources["stores"].path.startswith("_day=")


def test_c13_a_link_out_of_the_landing_folder_is_refused(conf: Configuration, tmp_path: Path):
    landing = tmp_path / "landing"
    (landing / "shop").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (landing / "shop/orders").symlink_to(tmp_path / "elsewhere")
    conf.write_environment(lambda environment: environment.update(landing=str(landing)))

    error = refused(conf)

    assert str(tmp_path / "elsewhere") in error.what
    assert str(landing) in error.why


def test_c13_a_case_file_that_is_a_link_out_is_refused(conf: Configuration, tmp_path: Path):
    outside = tmp_path / "outside.yml"
    (conf.folder / "cases/shop.yml").rename(outside)
    (conf.folder / "cases/shop.yml").symlink_to(outside)

    assert "outside" in refused(conf).what


@pytest.mark.parametrize("scheme", ["file:///", "http://", "https://", "jar:file:/", "ftp://"])
def test_c14_a_scheme_that_is_not_allowed_is_named(conf: Configuration, scheme: str):
    conf.write_case(lambda case: case["sources"]["stores"].update(path=f"{scheme}etc/passwd"))
    assert scheme.split(":", maxsplit=1)[0] in refused(conf).what

    conf.write_case()
    conf.write_environment(lambda environment: environment.update(lakehouse=f"{scheme}lake"))
    assert scheme.split(":", maxsplit=1)[0] in refused(conf).what


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e["spark"].update(conf={"spark.hadoop.fs.s3a.secret.key": CANARY}),
        lambda e: e["spark"].update(conf={"spark.authenticate.secret": CANARY}),
        lambda e: e["spark"].update(conf={"spark.ssl.keyPassword": CANARY}),
        lambda e: e["mlflow"].update(tracking_uri=f"postgresql://me:{CANARY}@db/mlflow"),
        lambda e: e["mlflow"].update(password=CANARY),
    ],
)
def test_c15_a_secret_in_a_file_is_refused_and_not_repeated(conf: Configuration, change: Change):
    conf.write_environment(change)

    assert "${env:NAME}" in refused(conf).fix


def test_c16_an_unset_variable_is_named(conf: Configuration):
    assert "LEPTON_NOT_SET" not in os.environ
    conf.write_environment(lambda e: e.update(lakehouse="s3://bucket/${env:LEPTON_NOT_SET}"))

    assert "LEPTON_NOT_SET" in refused(conf).what


def add_email(case):
    case["features"]["own"].append("email")


def add_domain(case):
    case["sources"]["orders"]["derive"]["domain"] = "lower(substring(email, 3, 9))"
    case["features"]["own"].append("domain")


def use_email_as_key(case):
    for source in ("orders", "returns"):
        case["sources"][source]["key"] = ["order_no", "email"]


@pytest.mark.parametrize("change", [add_email, add_domain, use_email_as_key])
def test_c17_a_personal_column_reaches_no_gold_table(conf: Configuration, change):
    conf.write_case(change)
    columns = [*COLUMNS["returns"], {"name": "email", "logicalType": "string"}]
    conf.write_contract("returns", columns)

    error = refused(conf)

    assert "personal" in error.what
    assert "token" in error.fix


def test_c17_a_coarse_value_of_a_personal_column_may_be_a_feature(conf: Configuration):
    def add_length(case):
        case["sources"]["orders"]["derive"]["email_length"] = "length(email)"
        case["features"]["own"].append("email_length")

    conf.write_case(add_length)

    load_all(conf.folder, "shop", "local")


def test_c18_a_column_that_is_not_in_the_contract_is_told_with_its_place(conf: Configuration):
    conf.replace_in_case("  - amount\n", "  - amuont\n")

    error = refused(conf)

    assert "amuont" in error.what
    assert "features.own.1" in error.what
    assert "did you mean amount?" in error.fix


@pytest.mark.parametrize("name", ["is_returned", "days_kept"])
def test_c19_the_label_is_no_feature(conf: Configuration, name: str):
    conf.write_case(lambda case: case["features"]["own"].append(name))

    assert f"{name} tells the label is_returned" in refused(conf).what


def test_c19_a_column_made_from_the_label_is_no_feature(conf: Configuration):
    def predict_own_column(case):
        case["sources"]["orders"]["derive"]["doubled"] = "amount * 2"
        case["predict"]["label"].update({"name": "is_dear", "from": "orders", "is": "amount > 50"})
        case["features"]["own"] = ["store", "doubled"]

    conf.write_case(predict_own_column)

    assert "doubled tells the label is_dear" in refused(conf).what


@pytest.mark.parametrize("path", ["cases/shop.yml", "env/local.yml"])
def test_c20_a_file_from_a_newer_release_asks_for_an_upgrade(conf: Configuration, path: str):
    text = (conf.folder / path).read_text().replace("version: 1\n", "")
    conf.write_text(path, "version: 2\nnew_key: 1\n" + text)

    error = refused(conf)

    assert "version 2" in error.what
    assert "upgrade" in error.fix


def test_c20_a_contract_of_another_standard_asks_for_an_upgrade(conf: Configuration):
    path = conf.folder / "contracts/orders.odcs.yml"
    path.write_text(path.read_text().replace("v3.1.0", "v4.0.0"))

    assert "upgrade" in refused(conf).fix

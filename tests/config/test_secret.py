import pytest

from lepton_spark.config.document import Document
from lepton_spark.config.loader import load_environment
from lepton_spark.config.secret import fill_in
from lepton_spark.errors import ConfigError
from tests.config.conftest import Configuration


def filled(key: str, text: str) -> object:
    return fill_in(Document("x.yml", {"spark": {"conf": {key: text}}})).values["spark"]["conf"][key]


def test_a_variable_is_filled_in_whole_or_in_part(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LEPTON_TEST_A", "one")

    assert filled("spark.app", "${env:LEPTON_TEST_A}") == "one"
    assert filled("spark.app", "x-${env:LEPTON_TEST_A}-y") == "x-one-y"
    assert filled("spark.hadoop.secret", "${env:LEPTON_TEST_A}") == "one"


def test_what_a_variable_holds_is_not_looked_into(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LEPTON_TEST_A", "${env:LEPTON_TEST_B}")

    assert filled("spark.app", "${env:LEPTON_TEST_A}") == "${env:LEPTON_TEST_B}"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("spark.hadoop.fs.s3a.secret.key", "abc"),
        ("spark.hadoop.fs.s3a.access.key", "abc"),
        ("spark.hadoop.fs.azure.account.key.x.dfs.core.windows.net", "abc"),
        ("spark.ssl.trustStorePassword", "abc"),
        ("spark.databricks.token", "abc"),
        ("x", "AKIAABCDEFGHIJKLMNOP"),
        ("x", "postgresql://me:word@host/db"),
        ("x", "jdbc:sqlserver://host;password=word"),
        ("x", "https://a.blob/x?sv=1&sig=abc"),
        ("x", "-----BEGIN RSA PRIVATE KEY-----"),
        ("x", "dapi" + "0123456789abcdef" * 2),
    ],
)
def test_a_secret_written_out_is_refused_and_not_repeated(key: str, text: str):
    with pytest.raises(ConfigError) as caught:
        filled(key, text)

    assert text not in str(caught.value)
    assert "${env:NAME}" in caught.value.fix


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("spark.hadoop.fs.s3a.aws.credentials.provider", "org.apache.Provider"),
        ("spark.security.credentials.hive.enabled", "false"),
        ("spark.sql.redaction.string.regex", "x"),
        ("spark.master", "spark://host:7077"),
        ("x", "s3://bucket/path"),
    ],
)
def test_a_setting_that_only_sounds_secret_is_accepted(key: str, text: str):
    assert filled(key, text) == text


@pytest.mark.parametrize("text", ["${NAME}", "${env:}", "${file:x}", "${env:A-B}", "${"])
def test_another_kind_of_reference_is_refused(text: str):
    with pytest.raises(ConfigError, match="not understood"):
        filled("spark.app", text)


def test_an_environment_reads_its_secret_from_the_process(
    conf: Configuration, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LEPTON_TEST_PASSWORD", "word")
    uri = "postgresql://me:${env:LEPTON_TEST_PASSWORD}@host/db"
    conf.write_environment(lambda environment: environment["mlflow"].update(tracking_uri=uri))

    environment = load_environment(conf.folder, "local")

    assert environment.mlflow.tracking_uri == "postgresql://me:word@host/db"

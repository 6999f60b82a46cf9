"""A lake lies where Spark and pyarrow both look for it, or the configuration is refused."""

from __future__ import annotations

import pytest
from pyarrow import ArrowInvalid, fs
from pydantic import TypeAdapter, ValidationError

from lepton_spark.config.location import STORAGE_SCHEMES, StoragePath
from lepton_spark.lake.catalog import join, scheme_of

STORAGE = TypeAdapter(StoragePath)
OF_AZURE = "container@account.dfs.core.windows.net"


@pytest.mark.parametrize(
    "path",
    [
        "s3://bucket/lake", "s3a://bucket/lake", "s3://bucket", "gs://bucket/lake/",
        "hdfs://namenode/user/lake", "hdfs://namenode:8020/lake", "viewfs://cluster/lake",
        f"abfss://{OF_AZURE}/lake", f"abfs://{OF_AZURE}",
    ],
)  # fmt: skip
def test_a_store_that_both_reach_keeps_its_tables_below_it(path):
    assert STORAGE.validate_python(path) == path
    assert join(path, "gold", "rows") == f"{path.rstrip('/')}/gold/rows"
    assert scheme_of(path) in STORAGE_SCHEMES


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("hdfs:/user/lake", "write hdfs://namenode/folder"),
        ("hdfs:///user/lake", "write hdfs://namenode/folder"),
        ("viewfs:///lake", "write viewfs://"),
        ("s3:/bucket/lake", "write s3://bucket/folder"),
        ("s3:///lake", "write s3://bucket/folder"),
        ("gs:lake", "write gs://bucket/folder"),
        ("abfss://account.dfs.core.windows.net/lake", f"write abfss://{OF_AZURE}/folder"),
        ("abfss://c@account.dfs.core.chinacloudapi.cn/lake", f"write abfss://{OF_AZURE}/folder"),
        ("dbfs:/mnt/lake", "/Volumes/"),
        ("dbfs:///mnt/lake", "/Volumes/"),
        ("wasb://c@account.blob.core.windows.net/lake", "write abfss://"),
        ("wasbs://c@account.blob.core.windows.net/lake", "write abfss://"),
        ("S3://bucket/lake", "the scheme S3: is not allowed"),
        ("file:/dbfs/mnt/lake", "write a plain path"),
    ],
)
def test_what_one_of_them_would_look_for_elsewhere_is_refused_with_what_to_write(path, told):
    with pytest.raises(ValidationError, match=told):
        STORAGE.validate_python(path)


@pytest.mark.parametrize("scheme", ["dbfs", "wasb", "wasbs"])
def test_pyarrow_does_not_open_what_is_refused_for_its_sake(scheme):
    with pytest.raises(ArrowInvalid, match="Unrecognized filesystem"):
        fs.FileSystem.from_uri(f"{scheme}://c@account.blob.core.windows.net/lake")


def test_pyarrow_keeps_the_container_of_azure_only_where_the_host_is_the_one_it_knows():
    known = fs.FileSystem.from_uri(f"abfss://{OF_AZURE}/lake")
    other = fs.FileSystem.from_uri("abfss://container@account.dfs.core.chinacloudapi.cn/lake")

    assert (known[0].type_name, known[1]) == ("abfs", "container/lake")
    assert other[1] == "lake"


def test_pyarrow_needs_no_network_to_know_a_bucket_of_google():
    system, inner = fs.FileSystem.from_uri("gs://bucket/lake")

    assert (system.type_name, inner) == ("gcs", "bucket/lake")

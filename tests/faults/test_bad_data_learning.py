"""Bad values that only matter where something is learned or scored."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.config.train import TransformSettings
from lepton_spark.dataset.fit import Columns, fit_transform
from lepton_spark.dataset.shards import whole
from lepton_spark.dataset.transform import CategoryColumn, FeatureTransform
from lepton_spark.errors import DataError
from lepton_spark.score.unseen import require_known, unseen_shares
from tests.faults.bad_data import demand

pytestmark = [pytest.mark.fault]

WARDS = FeatureTransform((), (CategoryColumn("ward", ("north", "south")),), "0" * 64, 10)


@pytest.mark.spark
def test_a40_categories_beyond_the_limit_are_left_out_with_a_warning(spark, tmp_path, caplog):
    words = [f"w{number:05d}" for number in range(20_000)]
    pq.write_table(pa.table({"word": [*words, *words, *words[:50]]}), tmp_path / "part.parquet")
    pieces = [whole(str(tmp_path / "part.parquet"), 0, 40_050)]
    settings = TransformSettings(min_category_count=2, max_categories=50)

    fitted = fit_transform(spark, pieces, Columns((), ("word",)), settings)

    assert fitted.categories[0].vocabulary == tuple(words[:50])
    assert "word has 20000 frequent categories" in caplog.text
    assert "transform.max_categories, 50" in caplog.text
    assert words[0] not in caplog.text


def test_a41_unseen_categories_share_one_bucket():
    rows = pa.table({"ward": ["north", "east", None, "south", "<script>"]})

    assert WARDS.apply(rows).categories[:, 0].tolist() == [1, 0, 0, 2, 0]


@pytest.mark.spark
def test_a41_the_share_of_unseen_categories_is_told(spark):
    rows = spark.createDataFrame(
        [("north",), ("east",), (None,), ("south",), ("west",)], "ward string"
    )

    assert unseen_shares(rows, WARDS) == {"ward": 0.5}
    assert unseen_shares(rows, FeatureTransform((), (), "0" * 64, 1)) == {}


def test_a41_too_many_unseen_categories_stop_the_night():
    require_known({"ward": 0.2, "kind": 0.0}, 0.2)
    require_known({}, 0.0)

    with pytest.raises(DataError) as raised:
        require_known({"kind": 0.1, "ward": 0.25}, 0.2)
    demand(
        raised.value, "LS-2128", "25.0% of the values of ward", "max_unseen is 20.0%", "train again"
    )

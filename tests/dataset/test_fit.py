from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.config.train import TransformSettings
from lepton_spark.dataset.digest import row_words
from lepton_spark.dataset.fit import Columns, fit_transform
from lepton_spark.dataset.series import Asked, Names
from lepton_spark.dataset.shards import whole
from lepton_spark.errors import DataError

pytestmark = pytest.mark.spark
COLUMNS = Columns(("x", "gaps", "flag"), ("word", "hour"))
SETTINGS = TransformSettings(clip_quantile=0.01, min_category_count=5)


def rows_of(count=900, seed=1):
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "x": random.normal(5, 2, count),
            "gaps": pa.array(random.normal(size=count), mask=random.random(count) < 0.3),
            "flag": random.random(count) < 0.5,
            "word": random.choice(["ant", "bee", "cat"], count, p=[0.2, 0.5, 0.3]),
            "hour": pa.array(random.integers(0, 3, count), pa.int32()),
        }
    )


def write(rows, folder, *, row_group_size=200, files=1):
    folder.mkdir(parents=True, exist_ok=True)
    pieces, size = [], -(-rows.num_rows // files)
    for number in range(files):
        path, part = folder / f"part-{number}.parquet", rows.slice(number * size, size)
        pq.write_table(part, path, row_group_size=row_group_size)
        meta = pq.read_metadata(path)
        groups = range(meta.num_row_groups)
        pieces += [whole(str(path), n, meta.row_group(n).num_rows) for n in groups]
    return pieces


def test_statistics_are_those_of_the_rows(spark, tmp_path):
    rows = rows_of()

    transform = fit_transform(spark, write(rows, tmp_path), COLUMNS, SETTINGS)

    x, gaps, flag = transform.numbers
    values = np.sort(rows["x"].to_numpy()).astype(np.float32)
    assert (x.low, x.high) == (values[9], values[-10])
    assert x.mean == pytest.approx(np.clip(values, x.low, x.high).mean(), rel=1e-5)
    assert x.scale == pytest.approx(np.clip(values, x.low, x.high).std(), rel=1e-4)
    assert (x.has_missing_flag, gaps.has_missing_flag, flag.has_missing_flag) == (
        False,
        True,
        False,
    )
    assert (flag.low, flag.high) == (0.0, 1.0)
    assert transform.categories[0].vocabulary == ("bee", "cat", "ant")
    assert transform.num_rows == 900


def test_any_cutting_of_the_rows_gives_the_same_document(spark, tmp_path):
    rows = rows_of()
    turned = rows.take(np.random.default_rng(2).permutation(rows.num_rows))
    plans = [
        write(rows, tmp_path / "one", row_group_size=10_000),
        write(turned, tmp_path / "many", row_group_size=70, files=4),
    ]

    one, many = (fit_transform(spark, plan, COLUMNS, SETTINGS) for plan in plans)

    assert one.to_json() == many.to_json()


def test_one_changed_value_changes_the_digest_of_the_rows(spark, tmp_path):
    rows = rows_of()
    values = rows["x"].to_numpy().copy()
    values[np.argsort(values)[450]] += 1e-9  # too little to move any statistic
    changed = rows.set_column(0, "x", pa.array(values))

    first = fit_transform(spark, write(rows, tmp_path / "a"), COLUMNS, SETTINGS)
    second = fit_transform(spark, write(changed, tmp_path / "b"), COLUMNS, SETTINGS)

    assert first.rows_digest != second.rows_digest
    assert first.numbers[0].low == second.numbers[0].low


def test_rare_words_and_those_beyond_the_most_allowed_are_left_out(spark, tmp_path):
    words = ["often"] * 10 + ["also"] * 10 + ["some"] * 6 + ["rare"] * 4 + [None] * 3
    rows = pa.table({"x": np.arange(33.0), "word": words})
    columns = Columns(("x",), ("word",))

    def vocabulary(**settings):
        wanted = TransformSettings(min_category_count=5, **settings)
        return fit_transform(spark, pieces, columns, wanted).categories[0].vocabulary

    pieces = write(rows, tmp_path)
    assert vocabulary() == ("also", "often", "some")
    assert vocabulary(max_categories=2) == ("also", "often")


FLAT = {
    "x": np.arange(40.0),
    "same": np.ones(40),
    "empty": pa.nulls(40, pa.float64()),
    "one_word": ["a"] * 40,
    "all_rare": [str(n) for n in range(40)],
}


def test_empty_and_constant_columns_are_refused_by_name(spark, tmp_path):
    columns = Columns(("x", "same", "empty"), ("one_word", "all_rare"))
    pieces = write(pa.table(FLAT), tmp_path)

    with pytest.raises(DataError, match="LS-2063") as told:
        fit_transform(spark, pieces, columns, SETTINGS)
    assert "3 are empty or constant: ['same', 'empty', 'one_word']" in told.value.what
    assert "1 are without a value in transform.min_category_count rows: ['all_rare']" in str(
        told.value
    )
    assert "lower transform.min_category_count" in told.value.fix
    allowed = SETTINGS.model_copy(update={"drop_constant": True})
    assert fit_transform(spark, pieces, columns, allowed).columns == ("x",)


def test_a_number_that_is_one_value_or_missing_says_which(spark, tmp_path):
    only_yes = np.where(np.arange(40) % 3, np.nan, 1.0)
    pieces = write(pa.table({"x": np.arange(40.0), "only_yes": only_yes}), tmp_path)

    fitted = fit_transform(spark, pieces, Columns(("x", "only_yes"), ()), SETTINGS)

    block = fitted.apply(pa.table({"x": [1.0, 1.0], "only_yes": [1.0, None]}))
    told = dict(zip(fitted.outputs, block.numbers.T, strict=True))
    assert fitted.columns == ("x", "only_yes")
    assert told["only_yes"].tolist() == [0.0, 0.0]
    assert told["only_yes is missing"].tolist() == [0.0, 1.0]


def test_a_rare_flag_that_clipping_takes_away_is_told_as_that(spark, tmp_path):
    flag = np.zeros(2000)
    flag[:1] = 1
    pieces = write(pa.table({"x": np.arange(2000.0), "flag": flag}), tmp_path)

    with pytest.raises(DataError, match=r"LS-2063.*beyond transform.clip_quantile.*'flag'") as told:
        fit_transform(spark, pieces, Columns(("x", "flag"), ()), SETTINGS)
    assert "set transform.clip_quantile to 0" in told.value.fix
    whole = SETTINGS.model_copy(update={"clip_quantile": 0.0})
    assert fit_transform(spark, pieces, Columns(("x", "flag"), ()), whole).columns == ("x", "flag")


def test_what_looked_for_outliers_in_a_column_left_out_is_fitted_again_without_it(
    spark, tmp_path, caplog
):
    flag = np.zeros(2000)
    flag[:1] = 1
    x, y = np.random.default_rng(5).normal(size=(2, 2000))
    pieces = write(pa.table({"x": x, "y": y, "flag": flag}), tmp_path)
    forest = {"*": {"by": "isolation_forest", "share": 0.05, "then": "refuse"}}
    settings = TransformSettings.model_validate({"drop_constant": True, "outliers": forest})

    found = fit_transform(spark, pieces, Columns(("x", "y", "flag"), ()), settings)

    assert found.forests[0].columns == ("x", "y")
    assert found == fit_transform(spark, pieces, Columns(("x", "y"), ()), settings)
    assert 1880 < found.num_rows < 1930
    assert "left out: ['flag']" in caplog.text
    assert "all is fitted again, since outliers were looked for in ['flag']" in caplog.text


def test_rows_of_small_whole_numbers_have_words_of_their_own():
    grid = np.indices((32, 32, 32)).reshape(3, -1).astype(float)

    words = row_words(pa.table(dict(zip("abc", grid, strict=True))), ["a", "b", "c"], [])

    assert len(np.unique(words)) == 32**3


def test_text_names_things_and_so_do_chosen_numbers():
    types = [("a", "string"), ("b", "int"), ("c", "double"), ("d", "date"), ("e", "boolean")]

    assert Columns.of(types, ["b"]) == Columns(("c", "e"), ("a", "b", "d"))


def test_series_are_standardised_by_the_values_of_all_their_steps(spark, tmp_path):
    random = np.random.default_rng(3)
    values = random.normal(50, 10, (400, 5))
    seen = random.random((400, 5)) < 0.7
    lists = [
        [value if is_seen else None for value, is_seen in zip(*row, strict=True)]
        for row in zip(values.tolist(), seen.tolist(), strict=True)
    ]
    never = pa.array([[None] * 5] * 400, pa.list_(pa.float64()))
    same = pa.array([[7.0, None, None, 7.0, None]] * 400)
    names = tuple(Names(name, f"{name}_mask", f"{name}_gap") for name in ("v", "never", "same"))
    columns = Columns(("x",), (), series=(Asked("series_a", 5, names),))
    rows = pa.table({"x": np.arange(400.0), "v": lists, "never": never, "same": same})
    settings = SETTINGS.model_copy(update={"drop_constant": True, "clip_quantile": 0.0})

    few, many = (
        fit_transform(
            spark, write(rows, tmp_path / str(size), row_group_size=size), columns, settings
        )
        for size in (50, 400)
    )

    (series,) = many.series
    variable, constant = series.variables
    assert (variable.names.values, constant.names.values) == ("v", "same")
    assert (constant.mean, constant.scale) == (7.0, 1.0)
    assert variable.mean == pytest.approx(values[seen].mean(), abs=1e-4)
    assert variable.scale == pytest.approx(values[seen].std(), abs=1e-4)
    assert (variable.low, variable.high) == pytest.approx((values[seen].min(), values[seen].max()))
    assert few == many

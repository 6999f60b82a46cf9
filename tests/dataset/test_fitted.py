"""Outliers, encodings and terms: fitted on the rows that are given, and on no others."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from lepton_spark.config.train import TransformSettings
from lepton_spark.dataset.fit import Columns, fit_transform
from lepton_spark.dataset.fit_outliers import SAMPLE_ROWS, _sample
from lepton_spark.dataset.graphs import GraphLists
from lepton_spark.dataset.images import ImageColumn
from lepton_spark.dataset.scan import Scan
from lepton_spark.dataset.tokens import TokenColumn
from lepton_spark.errors import DataError
from lepton_spark.models.design_matrix import design_matrix
from lepton_spark.models.shape import Shape
from tests.dataset.test_fit import write

pytestmark = pytest.mark.spark
FOLDS = 5
SETTINGS = TransformSettings.model_validate(
    {
        "clip_quantile": 0,
        "outliers": {
            "flagged": {"by": "mad", "limit": 4, "then": "flag"},
            "clipped": {"by": "quantile", "iqr": 1.5, "then": "clip"},
            "refused": {"by": "quantile", "p_low": 0, "p_high": 0.98, "then": "refuse"},
            "*": {"by": "isolation_forest", "share": 0.02, "then": "flag"},
        },
        "target_encoding": {"columns": ["key"], "folds": FOLDS, "smoothing": 2},
        "text": {"words": {"max_terms": 3, "ngrams": 2}},
        "tokens": {"said": {"length": 4, "max_words": 3}},
    }
)
SHOT = ImageColumn("shot", 1, 1, 1, "pixels")
PATH = GraphLists("path", "from", "to", ("height",), max_nodes=3, max_edges=2, directed=False)
COLUMNS = Columns(
    ("flagged", "clipped", "refused"), (), ("key",), ("words",), (), (SHOT,), ("said",), (PATH,)
)
WORDS = np.array(["late profit rose", "late sales fell", "late", "", "once"])


def rows_of(count=4000, seed=1):
    """A key of which each value is there twice, and a label that nothing tells."""
    random = np.random.default_rng(seed)
    numbers = {name: random.normal(size=count) ** 3 for name in COLUMNS.numbers}
    words = WORDS[np.r_[random.integers(0, 4, count - 1), 4]]
    return pa.table(
        {
            **numbers,
            "key": [f"k{n}" for n in random.integers(0, count // 2, count)],
            "words": pa.array(words, mask=random.random(count) < 0.1),
            "said": pa.array(words, mask=random.random(count) < 0.1),
            "shot": pa.array([bytes([n % 256]) for n in range(count)]),
            # Of every hundred rows one has more nodes than there may be, one an edge to none.
            "from": ["[1]" if n % 100 else "[7]" for n in range(count)],
            "to": ["[0]"] * count,
            "height": [f"[{n}, {n + 0.5}{', 1, 1' * (n % 100 == 1)}]" for n in range(count)],
            "_label": random.integers(0, 2, count).astype(float),
            "_fold": pa.array(random.integers(0, FOLDS, count), pa.int32()),
        }
    )


@pytest.fixture(scope="module")
def fitted(spark, tmp_path_factory):
    rows = rows_of()
    pieces = write(rows, tmp_path_factory.mktemp("rows"), row_group_size=900)
    return rows, fit_transform(spark, pieces, COLUMNS, SETTINGS)


def test_fences_are_exact_and_refused_rows_are_in_no_statistic(fitted):
    rows, transform = fitted
    flagged, clipped, refused = (
        rows[name].to_numpy().astype(np.float32).astype(float) for name in COLUMNS.numbers
    )

    fence = {each.name: each for each in transform.fences}
    middle = np.median(flagged)
    reach = 4 * 1.4826 * np.median(np.abs(rows["flagged"].to_numpy() - middle))
    assert (fence["flagged"].low, fence["flagged"].high) == pytest.approx(
        (middle - reach, middle + reach), rel=1e-6
    )
    assert fence["refused"].high == np.quantile(refused, 0.98, method="higher")
    is_kept = (refused <= fence["refused"].high) & (np.arange(4000) % 100 > 1)
    assert transform.num_rows == is_kept.sum() < 4000
    np.testing.assert_array_equal(transform.refused(rows), ~is_kept)

    low, high = (
        np.quantile(clipped, 0.25, method="lower"),
        np.quantile(clipped, 0.75, method="higher"),
    )
    number = transform.numbers[1]
    assert (number.low, number.high) == pytest.approx(
        (low - 1.5 * (high - low), high + 1.5 * (high - low)), rel=1e-6
    )
    inside = np.clip(clipped[is_kept], number.low, number.high)
    assert (number.mean, number.scale) == pytest.approx((inside.mean(), inside.std()), rel=1e-4)


def test_any_cutting_of_the_rows_gives_the_same_document(spark, fitted, tmp_path):
    rows, transform = fitted
    turned = rows.take(np.random.default_rng(2).permutation(rows.num_rows))
    pieces = write(turned, tmp_path, row_group_size=330, files=3)

    assert fit_transform(spark, pieces, COLUMNS, SETTINGS).to_json() == transform.to_json()


def test_about_the_asked_share_of_rows_is_isolated(fitted):
    rows, transform = fitted

    flags = transform.apply(rows).numbers[:, transform.outputs.index("* is isolated")]

    assert flags.mean() == pytest.approx(0.02, abs=0.01)
    assert np.abs(np.column_stack([rows[n] for n in COLUMNS.numbers]))[flags > 0].max() > 5


def test_a_value_that_many_rows_have_is_in_the_sample_of_a_forest_as_often_as_in_the_rows(
    spark, tmp_path
):
    count = 20_000
    random = np.random.default_rng(4)
    is_zero = random.random(count) < 0.6
    rows = pa.table(
        {
            "x": np.where(is_zero, 0.0, random.normal(size=count)),
            "y": np.where(is_zero, 0.0, random.normal(size=count)),
            "day": pa.array(random.integers(0, 30, count), pa.timestamp("us")),
            "id": np.arange(count),
        }
    )
    turned = rows.take(random.permutation(count))
    samples = [
        _sample(Scan(spark, tuple(pieces)), ["x", "y"], ["day", "id"])
        for pieces in (
            write(rows, tmp_path / "a", row_group_size=count),
            write(turned, tmp_path / "b", row_group_size=3000, files=2),
        )
    ]

    assert (samples[0] == 0).all(axis=1).mean() == pytest.approx(0.6, abs=0.03)
    np.testing.assert_array_equal(*samples)
    assert len(samples[0]) == SAMPLE_ROWS < count


def test_the_most_used_terms_of_enough_rows_are_kept_with_their_weight(fitted):
    rows, transform = fitted

    text = transform.texts[0]

    kept = rows.filter(pa.array(~transform.refused(rows)))["words"].to_pylist()
    with_late = sum("late" in (each or "") for each in kept)
    assert "once" not in text.terms
    assert text.terms[0] == "late"
    assert len(text.terms) == 3
    assert text.idf[0] == np.log((1 + transform.num_rows) / (1 + with_late)) + 1


def test_the_most_used_words_of_enough_rows_are_known_the_most_used_first(fitted):
    rows, transform = fitted

    kept = rows.filter(pa.array(~transform.refused(rows)))["said"].to_pylist()
    uses = Counter(word for text in kept for word in (text or "").split())
    wanted = sorted((word for word in uses if word != "once"), key=lambda w: (-uses[w], w))[:3]
    assert transform.tokens == (TokenColumn("said", tuple(wanted), 4),)


def test_another_image_in_one_row_is_another_set_of_rows(fitted, spark, tmp_path):
    rows, transform = fitted
    shots = rows["shot"].to_pylist()
    shots[5] = b"x"
    place = rows.schema.get_field_index("shot")
    other = rows.set_column(place, "shot", pa.array(shots))

    again = fit_transform(spark, write(other, tmp_path, row_group_size=900), COLUMNS, SETTINGS)

    assert again.rows_digest != transform.rows_digest
    assert again.images == transform.images == (SHOT,)


def area_under_curve(scores, labels):
    order = np.argsort(np.argsort(scores + np.random.default_rng(0).random(len(scores)) * 1e-9))
    positives = labels > 0
    num = positives.sum()
    return (order[positives].sum() - num * (num - 1) / 2) / (num * (len(labels) - num))


def encoded(transform, rows):
    place = transform.outputs.index("key target share")
    return design_matrix(transform.apply(rows), Shape.of(transform))[:, place]


def test_a_random_key_with_many_values_tells_nothing_unless_rows_see_their_own_label(fitted):
    rows, transform = fitted
    others = rows_of(seed=2).drop_columns(["_fold"])
    labels = rows["_label"].to_numpy()

    assert area_under_curve(encoded(transform, rows), labels) == pytest.approx(0.5, abs=0.03)
    assert area_under_curve(
        encoded(transform, others), others["_label"].to_numpy()
    ) == pytest.approx(0.5, abs=0.03)
    # The control: encoded as a row of another part, a training row sees its own label.
    naive = encoded(transform, rows.drop_columns(["_fold"]))
    assert area_under_curve(naive, labels) > 0.8


def test_a_column_whose_half_is_one_value_has_no_spread_to_measure(spark, tmp_path):
    rows = pa.table({"x": [0.0] * 60 + list(range(40))})
    settings = TransformSettings.model_validate({"outliers": {"x": {"by": "mad", "then": "clip"}}})

    with pytest.raises(DataError, match=r"LS-2170.*\['x'\]"):
        fit_transform(spark, write(rows, tmp_path), Columns(("x",), ()), settings)


def test_a_dataset_of_other_folds_is_refused(spark, tmp_path):
    rows = rows_of(40)
    fewer = SETTINGS.target_encoding.model_copy(update={"folds": 3})
    settings = TransformSettings(target_encoding=fewer)

    with pytest.raises(DataError, match="LS-2171"):
        fit_transform(spark, write(rows, tmp_path), Columns((), (), ("key",)), settings)


@pytest.mark.parametrize(
    ("name", "value", "code"), [("_fold", 1, "LS-2172"), ("_label", 0.0, "LS-2174")]
)
def test_rows_of_one_fold_or_one_class_have_nothing_to_encode(spark, tmp_path, name, value, code):
    rows = rows_of(40)
    column = pa.array([value] * rows.num_rows, rows[name].type)
    rows = rows.set_column(rows.column_names.index(name), name, column)
    settings = TransformSettings(target_encoding=SETTINGS.target_encoding)

    with pytest.raises(DataError, match=code):
        fit_transform(spark, write(rows, tmp_path), Columns((), (), ("key",)), settings)


def test_nodes_are_standardised_by_the_nodes_of_rows_whose_graph_can_be(fitted):
    rows, transform = fitted

    kept = np.flatnonzero(~transform.refused(rows))
    heights = np.concatenate([kept, kept + 0.5])
    (graph,) = transform.graphs
    (height,) = graph.properties
    assert graph.lists == PATH
    assert (height.low, height.high) == (heights.min(), heights.max())
    assert (height.mean, height.scale) == pytest.approx((heights.mean(), heights.std()), rel=1e-4)


def test_rows_without_a_graph_are_counted_where_none_has_one(spark, tmp_path):
    rows = pa.table({"from": ["[0]", "[0]", None], "to": ["[4]"] * 3, "height": ["[1]"] * 3})
    columns = Columns((), (), graphs=(PATH,))

    with pytest.raises(DataError, match=r"LS-2173.*1 missing; 2 an edge to a node that is not"):
        fit_transform(spark, write(rows, tmp_path), columns, TransformSettings())


def test_what_holds_a_graph_is_no_category():
    types = [(name, "string") for name in ("shop", *PATH.columns)]

    assert Columns.of(types, ()).with_graphs([PATH]).categories == ("shop",)

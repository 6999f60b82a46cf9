from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from lepton_spark.dataset.digest import digest_rows
from lepton_spark.dataset.images import ImageColumn
from lepton_spark.dataset.transform import FeatureTransform
from lepton_spark.errors import ModelError

PIXELS = ImageColumn("shot", height=2, width=3, channels=1, stored="pixels")
FILE = ImageColumn("shot", height=4, width=4, channels=3, stored="file")


def file_of(pixels, form="PNG"):
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, form)
    return stored.getvalue()


def rows_of(*contents):
    return pa.table({"shot": pa.array(contents, pa.binary())})


def test_pixels_are_taken_as_they_are_and_null_is_black():
    found = PIXELS.apply(rows_of(bytes(range(6)), None))

    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[0, :, :, 0], [[0, 1, 2], [3, 4, 5]])
    assert not found[1].any()


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF"])
def test_a_file_of_the_size_wanted_keeps_every_pixel(form):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)

    found = FILE.apply(rows_of(file_of(pixels, form)))

    np.testing.assert_array_equal(found[0], pixels)


def test_a_larger_file_is_averaged_and_a_grey_one_becomes_coloured():
    pixels = np.zeros((8, 8), np.uint8)
    pixels[:, ::2] = 200  # every second column: leaving them out would give 200 or 0

    found = FILE.apply(rows_of(file_of(pixels)))

    assert found[0, 1:3, 1:3].min() > 60
    assert found[0, 1:3, 1:3].max() < 140
    assert (found[0, :, :, 0] == found[0, :, :, 2]).all()


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_a_grey_image_of_16_bits_keeps_its_greys(form):
    pixels = np.array([[0, 257, 20_000, 65_535]] * 4, np.uint16)

    found = FILE.apply(rows_of(file_of(pixels, form)))

    assert found[0, 0].tolist() == [[grey] * 3 for grey in (0, 1, 78, 255)]


def test_rows_give_the_same_however_they_are_sliced():
    rows = rows_of(*(bytes([n] * 6) for n in range(5)))

    parts = [PIXELS.apply(rows.slice(place, 2)) for place in (0, 2, 4)]

    np.testing.assert_array_equal(np.concatenate(parts), PIXELS.apply(rows))


@pytest.mark.parametrize(
    ("column", "content", "code"),
    [
        (PIXELS, b"12345", "LS-3015.*5 bytes, expected 6"),
        (FILE, b"no image", "LS-3015.*no image that can be decoded"),
        (FILE, file_of(np.zeros((9, 9), np.uint8))[:45], "LS-3015"),
    ],
)
def test_bytes_that_are_no_such_image_are_refused(column, content, code):
    with pytest.raises(ModelError, match=code) as caught:
        column.apply(rows_of(content))
    assert "no image that" not in caught.value.fix
    assert "12345" not in str(caught.value)


def test_a_text_is_no_image():
    with pytest.raises(ModelError, match="LS-3013"):
        FILE.apply(pa.table({"shot": ["a"]}))


def test_a_transform_with_images_survives_its_document():
    transform = FeatureTransform((), (), "", images=(PIXELS,))
    rows = rows_of(bytes(range(6)))

    again = FeatureTransform.from_json(transform.to_json())

    assert again == transform
    assert again.specs["image_shot"].shape == (2, 3, 1)
    np.testing.assert_array_equal(again.apply(rows).tensors["image_shot"], PIXELS.apply(rows))
    assert transform.without(["sh*"]).images == ()


def test_one_byte_of_one_image_changes_the_digest():
    one, other = rows_of(b"abc", b"def"), rows_of(b"abc", b"deg")

    assert digest_rows(one, (), ["shot"]) == digest_rows(rows_of(b"def", b"abc"), (), ["shot"])
    assert digest_rows(one, (), ["shot"]) != digest_rows(other, (), ["shot"])

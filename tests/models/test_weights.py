from __future__ import annotations

import io
import time
import zipfile

import numpy as np
import pytest

from lepton_spark.errors import ModelError
from lepton_spark.models.weights import pack, unpack

ARRAYS = {"logit/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "a_step": np.int64(3)}


def test_arrays_come_back_in_order_with_their_types_and_shapes():
    again = unpack(pack(ARRAYS))

    assert list(again) == ["logit/kernel", "a_step"]
    np.testing.assert_array_equal(again["logit/kernel"], ARRAYS["logit/kernel"])
    assert again["logit/kernel"].dtype == np.float32
    assert again["a_step"].shape == ()


def test_the_same_arrays_give_the_same_bytes_at_any_time(monkeypatch):
    first = pack(ARRAYS)
    monkeypatch.setattr(time, "time", lambda: 2e9)

    assert pack(ARRAYS) == first


def test_an_array_of_objects_is_never_unpickled():
    evil = io.BytesIO()
    np.savez(evil, kernel=np.array([{"a": 1}], dtype=object))

    with pytest.raises(ModelError, match="LS-3021"):
        unpack(evil.getvalue())


def test_text_is_not_weights():
    with pytest.raises(ModelError, match="LS-3021"):
        unpack(pack({"kernel": np.array(["a"])}))


@pytest.mark.parametrize("name", ["../up", "/root", "a/../b", "a b"])
def test_a_name_that_leaves_its_folder_is_refused(name):
    with pytest.raises(ModelError, match="LS-3021"):
        unpack(pack({name: np.zeros(1)}))


def test_a_cut_swollen_or_flipped_archive_is_refused():
    content = pack(ARRAYS)
    flipped = bytearray(content)
    flipped[content.index(np.float32(5).tobytes())] ^= 1

    for wrong in (b"", content[:-10], bytes(flipped)):
        with pytest.raises(ModelError, match="LS-3021"):
            unpack(wrong)
    with pytest.raises(ModelError, match="LS-3021"):
        unpack(content, max_bytes=100)


def test_two_members_of_one_name_are_refused():
    target = io.BytesIO(pack(ARRAYS))
    with zipfile.ZipFile(target, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a_step.npy", b"")

    with pytest.raises(ModelError, match="LS-3021"):
        unpack(target.getvalue())

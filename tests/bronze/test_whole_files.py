from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from PIL import Image

from lepton_spark.bronze import whole_files
from lepton_spark.bronze.reader import read
from lepton_spark.config.format import Files
from lepton_spark.errors import DataError
from tests.bronze.landed_files import STAMP, layout_of, problems, rows_of

IMAGE = ("name", "folder", "width", "height", "channels", "content")


def png(width, height, mode="L"):
    sink = io.BytesIO()
    Image.new(mode, (width, height)).save(sink, "PNG")
    return sink.getvalue()


def tar(members, mode="w"):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode=mode) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return sink.getvalue()


def images(landed, content, name):
    layout = layout_of(IMAGE, Files(content="image"), content="binary")
    return rows_of(landed(content, name), layout)


def test_an_image_has_its_sizes_and_the_folder_it_lies_in(landed):
    content = png(4, 3, "RGB")

    (row,) = images(landed, content, "cracks/1.png")

    assert tuple(row[name] for name in IMAGE) == ("1.png", "cracks", "4", "3", "3", content)


def test_members_of_an_archive_are_rows(landed):
    members = {"a/1.png": png(2, 2), "b/../../2.png": png(3, 3), "b/torn.png": png(9, 9)[:40]}

    rows = images(landed, tar(members, "w:gz"), "all.tar.gz")

    assert [(row["folder"], row["width"]) for row in rows] == [("a", "2"), ("..", "3"), ("b", None)]
    assert problems(rows) == [None, None, "bad_image"]
    assert rows[2]["content"] == members["b/torn.png"]
    assert [row["_row"] for row in rows] == [1, 2, 3]


def test_an_image_that_claims_to_be_huge_is_not_decoded(landed, monkeypatch):
    monkeypatch.setattr(whole_files, "_MOST_PIXELS", 100)

    assert problems(images(landed, png(11, 10), "a.png")) == ["image_too_large"]


@pytest.mark.parametrize("most", [90, 40], ids=["Pillow warns", "Pillow raises"])
def test_an_image_that_pillow_takes_for_a_bomb_is_too_large(landed, monkeypatch, recwarn, most):
    monkeypatch.setattr(whole_files, "_MOST_PIXELS", 100)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)

    assert problems(images(landed, png(11, 10), "a.png")) == ["image_too_large"]
    assert list(recwarn) == []


def test_an_archive_of_many_members_does_not_fill_the_memory(landed, monkeypatch):
    kept = []
    bytes_of = whole_files._bytes_of

    def look(archive, member):
        kept.append(len(archive.members))
        return bytes_of(archive, member)

    monkeypatch.setattr(whole_files, "_bytes_of", look)
    rows = rows_of(landed(tar({f"{n}.txt": b"x" for n in range(50)}), "a.tar"), NAMES)

    assert [row["name"] for row in rows] == [f"{n}.txt" for n in range(50)]
    assert max(kept) == 1


def test_a_file_that_is_too_large_is_told_without_its_content(landed, monkeypatch):
    monkeypatch.setattr(whole_files, "_MOST_BYTES", 10)
    layout = layout_of(("name", "num_bytes", "content"), Files(content="binary"), content="binary")

    alone = rows_of(landed(b"x" * 11, "a.pdf"), layout)
    packed = rows_of(landed(tar({"a.pdf": b"x" * 11, "b.pdf": b"y"}), "a.tar"), layout)

    assert [(row["num_bytes"], row["content"], row["_problem"]) for row in [*alone, *packed]] == [
        ("11", None, "file_too_large"),
        ("11", None, "file_too_large"),
        ("1", b"y", None),
    ]


def test_texts_are_decoded_as_the_case_says(landed):
    def texts(content, **changed):
        layout = layout_of(("content",), Files(content="text", **changed))
        return [(row["content"], row["_problem"]) for row in rows_of(landed(content), layout)]

    assert texts(b"\xef\xbb\xbfone\r\ntwo\n") == [("one\r\ntwo\n", None)]
    assert texts("é".encode("latin-1")) == [("\ufffd", "bad_encoding")]
    assert texts("é".encode("latin-1"), encoding="latin-1") == [("é", None)]
    assert texts(b"a\0") == [("a\0", "nul_character")]
    assert texts(b"x" * (2**20 + 1)) == [(None, "cell_too_large")]


def refusal(file, layout):
    with pytest.raises(DataError) as raised:
        list(read(file, layout, STAMP))
    return raised.value


NAMES = layout_of(("name",), Files(content="text"))


@pytest.mark.parametrize("cut", [3, 700])
def test_a_damaged_archive_is_refused(landed, cut):
    content = tar({"a.txt": b"x" * 5000})[:cut]

    assert refusal(landed(content, "a.tar"), NAMES).code == "LS-2098"


MEMBERS = tar({f"{number}.txt": b"text" for number in range(5)})  # each of two blocks of 512


@pytest.mark.parametrize(
    "content",
    [
        MEMBERS[:2058] + bytes([MEMBERS[2058] ^ 1]) + MEMBERS[2059:],
        MEMBERS[:2048],
        MEMBERS[:2148],
        MEMBERS[:2048] + bytes(512) + MEMBERS[2560:],
    ],
    ids=["a bit of the third header", "cut before it", "cut in it", "zeros in its place"],
)
def test_a_header_that_is_damaged_or_missing_is_no_end_of_an_archive(landed, content):
    assert refusal(landed(content, "a.tar"), NAMES).code == "LS-2098"


def test_a_number_in_an_archive_that_is_none_is_damage(landed):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.pax_headers = {"GNU.sparse.map": "Ada"}
        archive.addfile(entry)

    error = refusal(landed(sink.getvalue(), "a.tar"), NAMES)

    assert (error.code, "Ada" in str(error)) == ("LS-2098", False)


def test_an_archive_after_another_is_refused_and_zeros_are_not(landed):
    one, other = (gzip.compress(tar({name: b"x"})) for name in ("a.txt", "b.txt"))
    zeros = gzip.compress(bytes(3_000_000))

    error = refusal(landed(one + zeros + other, "a.tar.gz"), NAMES)

    assert (error.code, "data after its end" in error.what) == ("LS-2098", True)
    assert [row["name"] for row in rows_of(landed(one + zeros, "a.tar.gz"), NAMES)] == ["a.txt"]


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE])
def test_a_hard_link_in_an_archive_is_told_and_a_symbolic_one_left_out(landed, kind):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
        link = tarfile.TarInfo("b.txt")
        link.type, link.linkname = kind, "a.txt"
        archive.addfile(link)
    file = landed(sink.getvalue(), "a.tar")

    if kind == tarfile.SYMTYPE:
        assert [row["name"] for row in rows_of(file, NAMES)] == ["a.txt"]
    else:
        error = refusal(file, NAMES)
        assert (error.code, "--hard-dereference" in error.fix) == ("LS-2098", True)


def test_the_size_of_a_packed_file_is_that_of_its_content(landed, monkeypatch):
    layout = layout_of(("num_bytes",), Files(content="text"))
    file = landed(gzip.compress(b"x" * 1000), "a.txt.gz")

    small = rows_of(file, layout)
    monkeypatch.setattr(whole_files, "_MOST_BYTES", 10)
    large = rows_of(file, layout)

    assert [row["num_bytes"] for row in [*small, *large]] == ["1000", "1000"]
    assert problems([*small, *large]) == [None, "file_too_large"]


def test_an_image_that_makes_its_decoder_give_up_is_a_bad_image(landed):
    sink = io.BytesIO()
    Image.new("RGB", (4, 3)).save(sink, "DDS")
    content = bytearray(sink.getvalue())
    content[80] = 0  # the flags of its pixels: Pillow raises a NotImplementedError

    assert problems(images(landed, bytes(content), "a.dds")) == ["bad_image"]


@pytest.mark.parametrize(
    ("content", "kind", "stored"),
    [("binary", "string", b"Ada"), ("binary", "string", b"\xff"), ("text", "binary", b"Ada")],
)
def test_content_of_the_other_kind_than_promised_is_refused(landed, content, kind, stored):
    layout = layout_of(("Content",), Files(content=content), Content=kind)

    error = refusal(landed(stored, "a.bin"), layout)

    assert error.code == "LS-2097"
    assert all(word in error.what for word in ("column Content", f"{kind} is promised"))
    assert "Ada" not in str(error)


def test_only_images_have_sizes(landed):
    with pytest.raises(DataError) as raised:
        list(read(landed(b"x"), layout_of(("width",), Files(content="binary")), STAMP))
    assert raised.value.code == "LS-2014"


def test_a_name_in_an_archive_that_is_no_text_is_told(landed):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", encoding="latin-1", format=tarfile.USTAR_FORMAT) as t:
        t.addfile(tarfile.TarInfo("caf\xe9/1.txt"))
        t.addfile(tarfile.TarInfo("tea/2.txt"))
    layout = layout_of(("folder", "path"), Files(content="text"))

    rows = rows_of(landed(sink.getvalue(), "a.tar"), layout)

    assert [(row["folder"], row["path"], row["_problem"]) for row in rows] == [
        ("caf?", "caf?/1.txt", "bad_encoding"),
        ("tea", "tea/2.txt", None),
    ]

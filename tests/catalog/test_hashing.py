"""Descriptions of files: hashes of values, not of how they are stored."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from factories.days import make_targets
from somobench.catalog.storage import hashing
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.hashing import (
    BLOCK_VALUES,
    decoded_sha256,
    describe_array,
    describe_file,
    sha256_file,
    sources_sha256,
)
from somobench.schemas.errors import ValidationError
from somobench.schemas.manifest import parse_manifest


def test_decoded_hash_is_sha256_of_type_shape_and_values() -> None:
    values = np.array([[1.0, 2.0]], "float32")
    expected = hashlib.sha256(b"f4|1,2|" + values.tobytes()).hexdigest()
    assert decoded_sha256(values) == expected


def test_decoded_hash_ignores_byte_order_layout_nan_payload_and_zero_sign() -> None:
    plain = np.array([[0.0, np.nan], [1.5, 2.5]], "float64")
    odd = plain.copy()
    odd[0, 0] = -0.0
    odd.view("uint64")[0, 1] |= 1  # another NaN
    same = (plain.astype(">f8"), np.asfortranarray(plain), odd)
    assert {decoded_sha256(item) for item in same} == {decoded_sha256(plain)}


def test_decoded_hash_tells_type_shape_and_value_apart() -> None:
    plain = np.zeros((2, 3), "float32")
    other = plain.copy()
    other[1, 1] = 1e-7
    items = (plain, plain.astype("float64"), plain.reshape(3, 2), other)
    assert len({decoded_sha256(item) for item in items}) == 4


def test_decoded_hash_of_texts_knows_where_each_ends() -> None:
    one = decoded_sha256(np.array(["ab", "c"]))
    assert one == decoded_sha256(np.array(["ab", "c"], dtype=object))
    assert one != decoded_sha256(np.array(["a", "bc"]))


def test_hash_of_sources_covers_names_and_bytes_of_modules_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "z_one": {"b.py": "2", "a.py": "1", "notes.txt": "x", "inner/d.py": "3"},
        "a_two": {"c.py": ""},
    }
    for package, contents in files.items():
        for name, content in contents.items():
            path = tmp_path / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    text = b"one/a.py\x001one/b.py\x002one/inner/d.py\x003a_two/c.py\0"
    packages = {"z_one": "one", "a_two": "a_two"}
    assert sources_sha256(packages) == hashlib.sha256(text).hexdigest()


def test_hash_of_sources_sees_a_change_in_a_sub_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "three" / "inner" / "deep" / "e.py"
    module.parent.mkdir(parents=True)
    module.write_text("1")
    (tmp_path / "three" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    before = sources_sha256({"three": "three"})
    module.write_text("2")
    assert sources_sha256({"three": "three"}) != before


def test_hash_of_sources_is_one_in_a_wheel_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A wheel has `catalog` inside `somobench`, a checkout has it elsewhere.
    package = tmp_path / "somobench_like"
    (package / "catalog").mkdir(parents=True)
    for name in ("__init__.py", "a.py"):
        (package / name).write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(hashing, "TOP_PACKAGES", ("somobench_like.catalog",))
    before = sources_sha256({"somobench_like": "core"})
    (package / "catalog" / "b.py").write_text("")
    assert sources_sha256({"somobench_like": "core"}) == before


def test_array_record_counts_finite_values_only() -> None:
    record = describe_array(np.array([1.0, np.nan, 4.0]), ("time",), "K")
    assert (record.finite_count, record.minimum, record.maximum) == (2, 1.0, 4.0)
    assert (record.mean, record.units) == (2.5, "K")


def test_values_keep_their_hash_when_rechunked(tmp_path: Path) -> None:
    write_zarr_zip(make_targets(), tmp_path / "a.zarr.zip")
    write_zarr_zip(make_targets(), tmp_path / "b.zarr.zip", chunks={"time": 4})
    one, two = (describe_file(tmp_path / f"{name}.zarr.zip") for name in "ab")
    assert one.sha256 != two.sha256
    assert one.arrays == two.arrays
    assert one.sha256 == sha256_file(tmp_path / "a.zarr.zip")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"release": "../x-1.0.0"}', "not json"]
)
def test_damaged_manifest_is_a_validation_error(text: str) -> None:
    with pytest.raises(ValidationError, match="MANIFEST"):
        parse_manifest(text, "MANIFEST.json")


def test_manifest_file_name_that_escapes_is_refused() -> None:
    record = {"size": 1, "sha256": "0" * 64}
    with pytest.raises(ValidationError) as caught:
        parse_manifest(json.dumps({"files": {"../a": record}}), "MANIFEST.json")
    assert any("../a" in failure.where for failure in caught.value.failures)


def test_hash_of_an_array_of_many_blocks_is_that_of_its_bytes() -> None:
    # One block and a bit: float32 in little endian, -0 and NaN brought to one form.
    values = np.arange(BLOCK_VALUES + 7, dtype="float32").reshape(1, -1)
    values[0, -3:] = [-0.0, np.nan, -np.nan]
    plain = values.copy()
    plain[0, -3:] = [0.0, np.nan, np.nan]
    shape = f"1,{BLOCK_VALUES + 7}"
    expected = hashlib.sha256(f"f4|{shape}|".encode() + plain.tobytes()).hexdigest()
    assert decoded_sha256(values) == expected
    assert decoded_sha256(values[:, ::-1][:, ::-1]) == expected
    assert decoded_sha256(values.astype(">f4")) == expected

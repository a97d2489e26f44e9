import logging
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from tumorscope.learning.slice_cache import SliceCache, SliceRecord


@pytest.fixture
def record():
    return SliceRecord(
        shape=(20, 30),
        slice=np.arange(16, dtype=np.uint8).reshape(4, 4),
        thumbnails=np.random.default_rng(0).integers(0, 256, (2, 32, 32), dtype=np.uint8),
        views=np.random.default_rng(1).integers(0, 256, (2, 64, 64), dtype=np.uint8),
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "cache.sqlite"


def test_a_record_is_found_as_it_was_kept(path, record):
    SliceCache(4, "head", path).put({"a": record})

    found = SliceCache(4, "head", path).get(["a", "b"])

    assert list(found) == ["a"]
    assert found["a"].shape == (20, 30)
    assert np.array_equal(found["a"].slice, record.slice)
    assert np.array_equal(found["a"].thumbnails, record.thumbnails)
    assert np.array_equal(found["a"].views, record.views)


@pytest.mark.parametrize(("image_size", "framing"), [(8, "head"), (4, "stretch")])
def test_records_of_other_settings_are_not_found(path, record, image_size, framing):
    SliceCache(4, "head", path).put({"a": record})

    assert SliceCache(image_size, framing, path).get(["a"]) == {}


def test_more_digests_than_fit_one_query_are_found(path, record):
    digests = [f"{number:04}" for number in range(1203)]
    cache = SliceCache(4, "head", path)
    cache.put(dict.fromkeys(digests, record))

    assert sorted(cache.get(digests)) == digests


def test_a_record_may_be_put_twice(path, record):
    cache = SliceCache(4, "head", path)
    cache.put({"a": record})
    cache.put({"a": record, "b": record})

    assert sorted(cache.get(["a", "b"])) == ["a", "b"]


def test_the_cache_lies_in_the_users_cache_folder(tmp_path, monkeypatch, record):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    SliceCache(4, "head").put({"a": record})

    assert (tmp_path / "tumorscope" / "slices.sqlite").is_file()


def test_a_file_that_is_no_database_is_warned_of_and_done_without(path, record, caplog):
    path.parent.mkdir()
    path.write_bytes(b"this is no database " * 100)
    cache = SliceCache(4, "head", path)

    with caplog.at_level(logging.WARNING):
        cache.put({"a": record})
        found = cache.get(["a"])

    assert found == {}
    assert f"{path} is not written" in caplog.text
    assert f"{path} is not used" in caplog.text


def test_a_folder_that_cannot_be_made_is_warned_of_and_done_without(tmp_path, record, caplog):
    (tmp_path / "file").touch()
    cache = SliceCache(4, "head", tmp_path / "file" / "cache.sqlite")

    with caplog.at_level(logging.WARNING):
        cache.put({"a": record})

    assert "is not written" in caplog.text


def test_a_damaged_record_is_warned_of_and_not_believed(path, record, caplog):
    cache = SliceCache(4, "head", path)
    cache.put({"a": record})
    damage(path)

    with caplog.at_level(logging.WARNING):
        found = cache.get(["a"])

    assert found == {}
    assert "is not used" in caplog.text


def test_a_damaged_record_is_replaced_when_it_is_put_again(path, record):
    cache = SliceCache(4, "head", path)
    cache.put({"a": record})
    damage(path)

    cache.put({"a": record})

    assert list(cache.get(["a"])) == ["a"]


def damage(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE slices SET pixels = x'0102'")

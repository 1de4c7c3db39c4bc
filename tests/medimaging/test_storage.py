"""Files are named by their content and written to completion."""

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from medimaging.common.storage import content_key, delete_content, read_content, store_content


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            **settings.STORAGES["default"],
            "OPTIONS": {"location": str(tmp_path), "allow_overwrite": True},
        },
    }


def test_the_key_holds_the_sha256_of_the_content():
    key = store_content(b"pixels", kind="instances", extension="png")
    digest = hashlib.sha256(b"pixels").hexdigest()
    assert key == f"instances/{digest[:2]}/{digest[2:4]}/{digest}.png"
    assert read_content(key) == b"pixels"


def test_the_same_content_twice_is_one_file(tmp_path):
    keys = {store_content(b"pixels", kind="instances", extension="png") for _ in range(2)}
    assert len(keys) == 1
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_what_a_killed_process_left_half_written_is_written_again():
    key = content_key(b"pixels", kind="instances", extension="png")
    default_storage.save(key, ContentFile(b"pix"))
    assert store_content(b"pixels", kind="instances", extension="png") == key
    assert read_content(key) == b"pixels"


def test_deleting_twice_is_no_error():
    key = store_content(b"pixels", kind="instances", extension="png")
    delete_content(key)
    delete_content(key)
    with pytest.raises(FileNotFoundError):
        read_content(key)

"""Settings are read from the environment, and nonsense is refused."""

import stat

import pytest
from django.core.exceptions import ImproperlyConfigured

from medimaging.environment import installation_secret, read_bool, read_int, read_list


@pytest.mark.parametrize(("word", "value"), [("1", True), ("Yes", True), ("off", False), ("", False)])
def test_a_yes_or_no_is_read_whatever_its_spelling(monkeypatch, word, value):
    monkeypatch.setenv("MEDIMAGING_X", word)
    assert read_bool("MEDIMAGING_X", default=not value) is value


def test_another_word_than_yes_or_no_is_refused(monkeypatch):
    monkeypatch.setenv("MEDIMAGING_X", "maybe")
    with pytest.raises(ImproperlyConfigured, match="MEDIMAGING_X must be one of"):
        read_bool("MEDIMAGING_X", default=True)


@pytest.mark.parametrize(("word", "message"), [("ten", "whole number"), ("-1", "at least 0")])
def test_a_number_that_is_none_or_too_small_is_refused(monkeypatch, word, message):
    monkeypatch.setenv("MEDIMAGING_X", word)
    with pytest.raises(ImproperlyConfigured, match=message):
        read_int("MEDIMAGING_X", 5)


def test_a_list_is_split_at_commas_without_the_blanks(monkeypatch):
    monkeypatch.setenv("MEDIMAGING_X", "a, b ,,c")
    assert read_list("MEDIMAGING_X") == ["a", "b", "c"]


def test_a_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("MEDIMAGING_X", raising=False)
    first = installation_secret("MEDIMAGING_X", tmp_path / "secrets")
    assert installation_secret("MEDIMAGING_X", tmp_path / "secrets") == first
    assert len(first) > 40
    (file,) = (tmp_path / "secrets").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_given_by_the_environment_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDIMAGING_X", "given")
    assert installation_secret("MEDIMAGING_X", tmp_path / "secrets") == "given"
    assert not (tmp_path / "secrets").exists()

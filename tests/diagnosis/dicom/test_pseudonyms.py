from __future__ import annotations

import pytest

from diagnosis.dicom.pseudonyms import hashed_uid, is_placeholder, pseudonym, shift_days

KEY = b"a key of at least sixteen bytes"


def test_a_pseudonym_is_sixteen_letters_and_digits():
    value = pseudonym("4711", key=KEY)
    assert len(value) == 16
    assert value.isalnum()
    assert value.isupper()


def test_a_pseudonym_depends_on_identifier_and_key_alone():
    assert pseudonym("4711", key=KEY) == pseudonym(" 4711\n", key=KEY)
    assert pseudonym("4711", key=KEY) != pseudonym("4712", key=KEY)
    assert pseudonym("4711", key=KEY) != pseudonym("4711", key=KEY + b"!")


def test_pseudonyms_of_many_patients_differ():
    assert len({pseudonym(str(number), key=KEY) for number in range(20_000)}) == 20_000


def test_a_hashed_uid_is_a_valid_uid_of_its_own_root():
    value = hashed_uid("1.2.840.113619.2.1", key=KEY)
    assert value.startswith("2.25.")
    assert len(value) <= 64
    assert value[5:].isdigit()
    assert not value[5:].startswith("0")


def test_patient_and_uid_of_the_same_text_do_not_share_a_hash():
    number = int(hashed_uid("4711", key=KEY)[5:])
    assert pseudonym("4711", key=KEY) not in f"{number:X}"


def test_dates_move_by_one_to_3650_days_and_not_all_by_the_same():
    shifts = {shift_days(str(number), key=KEY) for number in range(5000)}
    assert min(shifts) >= 1
    assert max(shifts) <= 3650
    assert len(shifts) > 2000


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 15])
def test_a_key_that_can_be_guessed_is_refused(key):
    with pytest.raises(ValueError, match="16 bytes"):
        pseudonym("4711", key=key)


@pytest.mark.parametrize(
    "patient_id", ["", "  ", "0", "00000", "---", "anonymous", "N/A", "Unknown", "xxx", "?"]
)
def test_what_names_nobody_is_known(patient_id):
    assert is_placeholder(patient_id)


@pytest.mark.parametrize("patient_id", ["4711", "9RG1", "A0", "DOE", "1", "X1"])
def test_what_may_name_somebody_is_left_alone(patient_id):
    assert not is_placeholder(patient_id)

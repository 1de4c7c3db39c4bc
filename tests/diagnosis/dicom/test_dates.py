from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from diagnosis.dicom.attributes import age_in_years
from diagnosis.dicom.dates import capped_age, shifted_date


def patient(**values: str) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def test_the_study_date_moves_into_the_past():
    assert shifted_date(patient(StudyDate="20240301"), days=1) == "20240229"
    assert shifted_date(patient(StudyDate="20240101"), days=366) == "20221231"


def test_the_days_between_two_studies_of_a_patient_stay():
    from datetime import date

    first, second = (
        date.fromisoformat(shifted_date(patient(StudyDate=day), days=777)) for day in ("20200115", "20200320")
    )
    assert (second - first).days == 65


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("studied", ["", "2024", "20241332", "2024-03-01", "00010101", "today"])
def test_a_date_that_is_none_is_left_out(studied):
    assert shifted_date(patient(StudyDate=studied), days=3650) == ""


@pytest.mark.parametrize(
    ("values", "age"),
    [
        ({"PatientAge": "045Y"}, "045Y"),
        ({"PatientAge": "089Y"}, "089Y"),
        ({"PatientAge": "090Y"}, "090Y"),
        ({"PatientAge": "104Y"}, "090Y"),
        ({"PatientAge": "018M"}, "018M"),
        ({"PatientAge": "003D"}, "003D"),
        ({"PatientBirthDate": "19400305", "StudyDate": "20040304"}, "063Y"),
        ({"PatientBirthDate": "19400305", "StudyDate": "20040305"}, "064Y"),
        ({"PatientBirthDate": "19000101", "StudyDate": "20040305"}, "090Y"),
        ({"PatientBirthDate": "20200101", "StudyDate": "20190101"}, ""),
        ({"PatientBirthDate": "19400305"}, ""),
        ({}, ""),
    ],
)
def test_ages_above_89_are_90_and_missing_ones_are_worked_out(values, age):
    assert capped_age(patient(**values)) == age


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("age", ["45", "JANE", "45Y", "0x1Y", "999Z"])
def test_an_age_that_is_none_is_left_out(age):
    assert capped_age(patient(PatientAge=age)) == ""


@pytest.mark.parametrize(
    ("age", "years"),
    [("045Y", 45), ("018M", 1), ("012M", 1), ("011M", 0), ("052W", 0), ("400D", 1), ("", None), ("45", None)],
)
def test_an_age_is_counted_in_whole_years(age, years):
    assert age_in_years(age) == years

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from diagnosis.dicom.allowed import ATTRIBUTES, LUT_ATTRIBUTES, SEQUENCES, binary, number
from diagnosis.dicom.cleaning import copy_allowed
from diagnosis.dicom.deidentify import deidentify
from mlcore.engine.imaging.decode import decode_image
from tests.mlcore.engine.imaging.samples import dicom
from tests.mlcore.engine.imaging.test_decode import changed, lookup_table

KEY = b"a key of at least sixteen bytes"


def copied(**values: object) -> Dataset:
    original, cleaned = Dataset(), Dataset()
    for keyword, value in values.items():
        setattr(original, keyword, value)
    copy_allowed(original, into=cleaned)
    return cleaned


def test_every_name_on_the_allow_list_is_in_the_dictionary():
    for keyword in [
        *ATTRIBUTES,
        *LUT_ATTRIBUTES,
        *SEQUENCES,
        *(name for names in SEQUENCES.values() for name in names),
    ]:
        assert pydicom.datadict.tag_for_keyword(keyword) is not None


def test_no_attribute_of_free_text_names_dates_or_times_is_allowed():
    for keyword in set(ATTRIBUTES) - {"RescaleType"}:  # an LO whose values the standard enumerates
        assert pydicom.datadict.dictionary_VR(keyword) not in {
            *("LO", "LT", "ST", "UT", "UC", "UR", "SH", "PN", "DA", "TM", "DT", "AE", "UI", "UN", "AS")
        }


def test_what_is_allowed_is_kept_and_all_else_is_not():
    cleaned = copied(Modality="CR", KVP="120", StudyDescription="Jane Doe", OperatorsName="Doe^Jane")
    assert {element.keyword for element in cleaned} == {"Modality", "KVP"}


@pytest.mark.parametrize("value", ["", "nan", "inf", "-1e7", "twelve", None, b"12"])
def test_what_does_not_measure_is_no_number(value):
    assert not number(value)


@pytest.mark.parametrize("value", ["120", "-0.5", 7, 1e6])
def test_what_measures_is_a_number(value):
    assert number(value)


def test_tables_are_bytes_or_whole_numbers():
    assert binary(b"\0")
    assert binary(7)
    assert not binary("Jane")


def test_one_wrong_value_of_many_takes_the_attribute_with_it():
    assert "WindowCenter" not in copied(WindowCenter=["40", "19500101"])


def test_a_lookup_table_is_kept_without_its_explanation():
    table = lookup_table(np.linspace(65535, 0, 1024), first=0, bits=16)
    table[0].LUTExplanation = "for Jane Doe"
    data = changed("RG3_UNCR.dcm", VOILUTSequence=table)
    content = deidentify(data, key=KEY).content
    assert b"Jane" not in content
    assert np.array_equal(decode_image(content).pixels, decode_image(data).pixels)


def test_functional_groups_keep_the_window_and_lose_the_rest():
    window, frame = Dataset(), Dataset()
    window.WindowCenter, window.WindowWidth, window.WindowCenterWidthExplanation = 100, 50, "Jane Doe"
    comment = Dataset()
    comment.FrameComments = "Jane Doe"
    frame.FrameVOILUTSequence = Sequence([window])
    frame.FrameContentSequence = Sequence([comment])
    data = changed("emri_small.dcm", PerFrameFunctionalGroupsSequence=Sequence([frame] * 10))
    cleaned = pydicom.dcmread(BytesIO(deidentify(data, key=KEY).content))
    assert b"Jane" not in deidentify(data, key=KEY).content
    assert len(cleaned.PerFrameFunctionalGroupsSequence) == 10
    assert cleaned.PerFrameFunctionalGroupsSequence[3].FrameVOILUTSequence[0].WindowWidth == 50


def test_the_original_is_left_as_it_is():
    data = dicom("CT_small.dcm")
    before = bytes(data)
    deidentify(data, key=KEY)
    assert data == before

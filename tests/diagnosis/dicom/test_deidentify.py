from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from diagnosis.dicom.allowed import ATTRIBUTES, FUNCTIONAL_GROUPS, SEQUENCES
from diagnosis.dicom.deidentify import deidentify, hashed_uid, pseudonym
from mlcore.engine.errors import ImageError, ImageTooLarge, UnsupportedImage
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.types import ImageLimits
from tests.mlcore.engine.imaging.samples import DECODED, REFUSED, dicom
from tests.mlcore.engine.imaging.test_decode import changed

KEY = b"a key of at least sixteen bytes"
NAMES = [row["file"] for row in DECODED]
WRITTEN = {
    "AccessionNumber",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "FrameOfReferenceUID",
    "LongitudinalTemporalInformationModified",
    "Manufacturer",
    "PatientAge",
    "PatientBirthDate",
    "PatientID",
    "PatientIdentityRemoved",
    "PatientName",
    "ReferringPhysicianName",
    "SeriesInstanceUID",
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyDate",
    "StudyID",
    "StudyInstanceUID",
    "StudyTime",
}


def read(data: bytes) -> pydicom.FileDataset:
    return pydicom.dcmread(BytesIO(data), force=True)


def elements(dataset: Dataset) -> Iterator[pydicom.DataElement]:
    for element in dataset:
        yield element
        if element.VR == "SQ":
            for item in element.value:
                yield from elements(item)


def secrets(dataset: pydicom.FileDataset) -> set[bytes]:
    """Return every name, text, date, time, UID and private text that is long enough to know again."""
    found: set[bytes] = set()
    for element in [*dataset.file_meta, *elements(dataset)]:
        values = (
            element.value
            if isinstance(element.value, list | pydicom.multival.MultiValue)
            else [element.value]
        )
        for value in values:
            if element.VR in ("PN", "LO", "SH", "LT", "ST", "UT", "UC", "DA", "TM", "DT", "AE"):
                found.update(
                    part.encode("utf-8", "replace") for part in str(value).replace("^", "\n").split("\n")
                )
            elif element.VR == "UI" and not UID(str(value)).keyword:
                found.add(str(value).encode())
            elif element.tag.is_private and isinstance(value, bytes):
                found.add(value[:64])
    return {secret.strip() for secret in found if len(secret.strip()) >= 5 and len({*secret}) > 2}


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("name", NAMES)
def test_no_name_id_date_uid_or_private_text_is_left_anywhere(name):
    original = read(dicom(name))
    content = deidentify(dicom(name), key=KEY).content
    header = content.replace(original.PixelData, b"")
    assert len(header) < 12_000 or original.PhotometricInterpretation == "PALETTE COLOR" or "lut" in name
    assert [secret for secret in secrets(original) if secret in header] == []


@pytest.mark.parametrize("name", NAMES)
def test_only_what_the_allow_list_names_is_left(name):
    cleaned = read(deidentify(dicom(name), key=KEY).content)
    assert {element.keyword for element in cleaned} <= {*ATTRIBUTES, *SEQUENCES, *FUNCTIONAL_GROUPS, *WRITTEN}
    assert not [element.tag for element in elements(cleaned) if element.tag.is_private]
    assert cleaned.preamble == bytes(128)
    assert {element.keyword for element in cleaned.file_meta} == {
        "FileMetaInformationGroupLength",
        "FileMetaInformationVersion",
        "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID",
        "TransferSyntaxUID",
        "ImplementationClassUID",
        "ImplementationVersionName",
    }


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("name", NAMES)
def test_the_picture_and_the_stored_pixels_stay_the_same(name):
    data = dicom(name)
    content = deidentify(data, key=KEY).content
    before, after = read(data), read(content)
    assert before.PixelData.startswith(after.PixelData)
    if name not in ("MR_small_padded.dcm",):
        assert len(before.PixelData) - len(after.PixelData) <= 2
    if "TransferSyntaxUID" in before.file_meta:
        assert after.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID
    assert np.array_equal(decode_image(content).pixels, decode_image(data).pixels)


@pytest.mark.parametrize(
    "name", ["RG1_J2KR.dcm", "CT_small.dcm", "image_dfl.dcm", "emri_small_big_endian.dcm"]
)
def test_the_same_file_and_key_give_the_same_bytes_and_another_key_gives_others(name):
    once, again = (deidentify(dicom(name), key=KEY) for _ in range(2))
    assert once == again
    other = deidentify(dicom(name), key=b"another key of sixteen bytes")
    assert other.patient_pseudonym != once.patient_pseudonym
    assert other.attributes.study_instance_uid != once.attributes.study_instance_uid


def test_what_is_already_de_identified_can_be_handed_in_again():
    once = deidentify(dicom("CT_small.dcm"), key=KEY)
    twice = deidentify(once.content, key=KEY)
    assert np.array_equal(decode_image(twice.content).pixels, decode_image(once.content).pixels)


def test_the_facts_of_the_radiograph_are_kept():
    facts = deidentify(dicom("RG1_J2KR.dcm"), key=KEY).attributes
    assert (facts.modality, facts.body_part_examined, facts.view_position) == ("CR", "CHEST", "PA")
    assert (facts.rows, facts.columns, facts.bits_stored, facts.number_of_frames) == (1955, 1841, 15, 1)
    assert (facts.window_center, facts.window_width) == (15000, 30000)
    assert (facts.patient_sex, facts.patient_age_years) == ("F", 64)
    assert (facts.series_number, facts.instance_number) == (1, 2)
    assert facts.photometric_interpretation == "MONOCHROME1"
    assert facts.transfer_syntax_uid == "1.2.840.10008.1.2.4.90"
    assert facts.sop_class_uid == "1.2.840.10008.5.1.4.1.1.1"


def test_what_was_removed_is_reported_by_keyword():
    removed = deidentify(dicom("RG1_J2KR.dcm"), key=KEY).removed
    assert {"PatientName", "PatientBirthDate", "StudyDescription", "ImageComments", "InstitutionName"} <= {
        *removed
    }
    assert "Rows" not in removed
    assert "PrivateAttribute" in deidentify(dicom("CT_small.dcm"), key=KEY).removed


@pytest.mark.parametrize(
    "keyword",
    [
        "StudyDescription",
        "SeriesDescription",
        "ProtocolName",
        "ImageComments",
        "PatientComments",
        "StationName",
    ],
)
def test_free_text_does_not_outlive_it(keyword):
    content = deidentify(changed("CT_small.dcm", **{keyword: "Doe, Jane 1950"}), key=KEY).content
    assert b"Jane" not in content


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("Modality", "DOE JANE"),
        ("BodyPartExamined", "JANE DOE CHEST"),
        ("ViewPosition", "JANE"),
        ("Laterality", "JANE"),
        ("PatientSex", "JANE"),
        ("PatientOrientation", ["JANE", "DOE"]),
        ("ImageType", ["JANE", "DOE"]),
        ("RescaleType", "JANE"),
        ("LossyImageCompressionMethod", "JANE"),
        ("SeriesNumber", "19500101"),
        ("InstanceNumber", "4711471147"),
        ("KVP", "19500101"),
    ],
)
def test_an_identifier_in_a_coded_or_numeric_attribute_does_not_outlive_it(keyword, value):
    cleaned = read(deidentify(changed("CT_small.dcm", **{keyword: value}), key=KEY).content)
    assert keyword not in cleaned or str(value) not in str(cleaned[keyword].value)
    assert "JANE" not in str(cleaned.get(keyword))


def test_the_known_part_of_an_image_type_is_kept():
    data = changed("CT_small.dcm", ImageType=["ORIGINAL", "PRIMARY", "JANE DOE"])
    assert read(deidentify(data, key=KEY).content).ImageType == ["ORIGINAL", "PRIMARY"]


def test_overlays_with_what_is_written_on_them_are_removed():
    original = read(dicom("MR-SIEMENS-DICOM-WithOverlays.dcm"))
    assert any(element.tag.group == 0x6000 for element in original)
    cleaned = read(deidentify(dicom("MR-SIEMENS-DICOM-WithOverlays.dcm"), key=KEY).content)
    assert not any(0x6000 <= element.tag.group <= 0x60FF for element in cleaned)


def test_bytes_after_the_pixels_are_cut_off():
    data = changed("CT_small.dcm", PixelData=read(dicom("CT_small.dcm")).PixelData + b"Doe^Jane" * 2)
    assert b"Jane" not in deidentify(data, key=KEY).content


def test_what_stands_in_the_preamble_or_after_the_file_is_dropped():
    data = b"MZ Jane Doe".ljust(128, b"\0") + dicom("CT_small.dcm")[128:]
    assert b"Jane" not in deidentify(data, key=KEY).content


def test_one_patient_has_one_pseudonym_whatever_the_study():
    first = changed("CT_small.dcm", PatientID="4711")
    second = changed("MR_small.dcm", PatientID=" 4711 ")
    assert deidentify(first, key=KEY).patient_pseudonym == deidentify(second, key=KEY).patient_pseudonym
    assert deidentify(first, key=KEY).patient_pseudonym == pseudonym("4711", key=KEY)


def test_the_same_number_from_another_issuer_is_another_patient():
    plain = changed("CT_small.dcm", PatientID="4711")
    issued = changed("CT_small.dcm", PatientID="4711", IssuerOfPatientID="Elsewhere")
    assert deidentify(plain, key=KEY).patient_pseudonym != deidentify(issued, key=KEY).patient_pseudonym


@pytest.mark.parametrize("patient_id", [None, "", "ANONYMOUS", "0000", "anon", "N/A"])
def test_a_patient_id_that_names_nobody_joins_no_strangers(patient_id):
    first = deidentify(changed("CT_small.dcm", PatientID=patient_id), key=KEY)
    same_study = deidentify(changed("CT_small.dcm", PatientID=patient_id, InstanceNumber=2), key=KEY)
    stranger = deidentify(changed("MR_small.dcm", PatientID=patient_id), key=KEY)
    assert first.patient_pseudonym == same_study.patient_pseudonym
    assert first.patient_pseudonym != stranger.patient_pseudonym


def test_references_stay_consistent():
    first = deidentify(changed("CT_small.dcm", SOPInstanceUID="1.2.3", InstanceNumber=1), key=KEY).attributes
    second = deidentify(changed("CT_small.dcm", SOPInstanceUID="1.2.4", InstanceNumber=2), key=KEY).attributes
    assert first.study_instance_uid == second.study_instance_uid
    assert first.series_instance_uid == second.series_instance_uid
    assert first.sop_instance_uid == hashed_uid("1.2.3", key=KEY)
    assert first.sop_instance_uid != second.sop_instance_uid


def test_a_file_without_uids_gets_some_of_its_own():
    values = {"StudyInstanceUID": None, "SeriesInstanceUID": None, "SOPInstanceUID": None}
    facts = deidentify(changed("CT_small.dcm", **values), key=KEY).attributes
    uids = {facts.study_instance_uid, facts.series_instance_uid, facts.sop_instance_uid}
    assert len(uids) == 3
    assert all(UID(uid).is_valid for uid in uids)


def test_a_private_sop_class_becomes_secondary_capture():
    facts = deidentify(changed("CT_small.dcm", SOPClassUID="1.2.3.4.5"), key=KEY).attributes
    assert facts.sop_class_uid == "1.2.840.10008.5.1.4.1.1.7"


def test_the_file_says_how_it_was_de_identified():
    cleaned = read(deidentify(dicom("CT_small.dcm"), key=KEY).content)
    assert cleaned.PatientIdentityRemoved == "YES"
    codes = [item.CodeValue for item in cleaned.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107", "113108"]


@pytest.mark.parametrize(
    ("values", "word"),
    [({"BurnedInAnnotation": "YES"}, "text"), ({"RecognizableVisualFeatures": "YES"}, "recognized")],
)
def test_what_may_still_identify_the_patient_is_reported(values, word):
    assert word in " ".join(deidentify(changed("CT_small.dcm", **values), key=KEY).warnings)
    assert deidentify(dicom("CT_small.dcm"), key=KEY).warnings == ()


def test_a_name_in_a_comment_of_the_compressed_pixels_is_reported():
    data = changed("JPEG-LL.dcm", PatientName="Doe^Jane")
    pixels = read(data).PixelData
    start = pixels.index(b"\xff\xd8") + 2
    comment = b"\xff\xfe\x00\x0aDoe^Jane"
    marked = changed(
        "JPEG-LL.dcm", PatientName="Doe^Jane", PixelData=_grown(pixels, start=start, extra=comment)
    )
    warnings = deidentify(marked, key=KEY).warnings
    assert "identifier" in " ".join(warnings)
    assert "Jane" not in " ".join(warnings)


def _grown(pixels: bytes, *, start: int, extra: bytes) -> bytes:
    """Insert bytes into the only fragment, whose length stands just before its start."""
    place = start - 6
    length = int.from_bytes(pixels[place : place + 4], "little") + len(extra)
    return pixels[:place] + length.to_bytes(4, "little") + pixels[place + 4 : start] + extra + pixels[start:]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row["file"])
def test_what_is_no_image_is_refused_for_the_same_reason_as_elsewhere(row):
    with pytest.raises(ImageError) as refusal:
        deidentify(dicom(row["file"]), key=KEY)
    assert refusal.value.code == row["code"]


def test_the_limits_hold_here_too():
    with pytest.raises(ImageTooLarge):
        deidentify(dicom("RG1_J2KR.dcm"), key=KEY, limits=ImageLimits(max_pixels_per_frame=1000))


def test_a_picture_is_no_dicom_file():
    with pytest.raises(UnsupportedImage, match="not a DICOM"):
        deidentify(b"\x89PNG\r\n\x1a\n" + bytes(500), key=KEY)


def test_a_short_key_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="16 bytes"):
        deidentify(dicom("CT_small.dcm"), key=b"short")


@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="DCMTK is not installed")
@pytest.mark.parametrize(
    "name", ["RG1_J2KR.dcm", "emri_small_big_endian.dcm", "image_dfl.dcm", "mlut_18.dcm"]
)
def test_another_toolkit_reads_the_result_without_complaint(name, tmp_path):
    path = tmp_path / "image.dcm"
    path.write_bytes(deidentify(dicom(name), key=KEY).content)
    done = subprocess.run(["dcmdump", "-q", str(path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "PatientIdentityRemoved" in done.stdout

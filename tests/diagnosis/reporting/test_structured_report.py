"""A report is a DICOM SR that other software reads, and says no more than its reader may know."""

import io
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import highdicom.sr
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from diagnosis.reporting.facts import (
    LOCAL_SCHEME,
    Coding,
    ImageReference,
    Model,
    ModelAnswer,
    ModelFinding,
    ReaderVerdict,
    ReportFacts,
    SignedReview,
    VerdictValue,
)
from diagnosis.reporting.structured_report import structured_report

ANSWERED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SIGNED = datetime(2026, 3, 5, 6, 7, 8, tzinfo=UTC)
PNEUMONIA = Coding("SCT", "233604007", "Pneumonia")
LOCAL = Coding(LOCAL_SCHEME, "a-condition-that-has-no-code-anywhere", "A" * 100)
IMAGE = ImageReference(
    series_instance_uid="2.25.2",
    sop_instance_uid="2.25.3",
    sop_class_uid="1.2.840.10008.5.1.4.1.1.1",
    modality="CR",
    rows=10,
    columns=10,
    frame_count=1,
)
STACK = ImageReference(
    series_instance_uid="2.25.2",
    sop_instance_uid="2.25.4",
    sop_class_uid="1.2.840.10008.5.1.4.1.1.7.2",
    modality="OT",
    rows=10,
    columns=10,
    frame_count=9,
)
FINDINGS = (ModelFinding("1", PNEUMONIA, 0.91, 0.5), ModelFinding("2", LOCAL, 0.1, 0.4))
REVIEW = SignedReview(
    id="r1",
    reader_id="u1",
    reader_name="Rhea Reader",
    signed_at=SIGNED,
    amends=False,
    verdicts=(
        ReaderVerdict("v1", PNEUMONIA, VerdictValue.PRESENT),
        ReaderVerdict("v2", LOCAL, VerdictValue.UNCERTAIN),
    ),
)


def facts(**changes: object) -> ReportFacts:
    """Return the facts of a study with two images, one of them withheld."""
    values: dict[str, object] = {
        "study_id": "s",
        "study_instance_uid": "2.25.1",
        "examination": Coding(LOCAL_SCHEME, "chest", "Chest radiograph"),
        "patient_id": "p",
        "patient": "ABCDEFGH",
        "patient_sex": "F",
        "patient_age_years": 4,
        "study_date": None,
        "images": (IMAGE, STACK),
        "series_instance_uid": "2.25.5",
        "sop_instance_uid": "2.25.6",
        "model": Model("chest", "3", "efficientnet_lite0", "ab" * 32),
        "answers": (
            ModelAnswer("a1", IMAGE, None, ANSWERED, FINDINGS),
            ModelAnswer("a2", STACK, 4, ANSWERED, (), "Too far from what the model was validated on."),
        ),
    }
    return ReportFacts(**{**values, **changes})  # type: ignore[arg-type]


def read(content: bytes) -> Dataset:
    return dcmread(io.BytesIO(content))


def groups(content: bytes) -> list[highdicom.sr.MeasurementsAndQualitativeEvaluations]:
    """Return the measurement groups as highdicom reads them back."""
    document = highdicom.sr.EnhancedSR.from_dataset(read(content))
    found: list[highdicom.sr.MeasurementsAndQualitativeEvaluations] = (
        document.content.get_image_measurement_groups()
    )
    return found


def test_what_a_model_says_is_preliminary_and_names_the_model() -> None:
    content = structured_report(facts())
    document = read(content)
    assert (document.PreliminaryFlag, document.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert document.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert (document.ContentDate, document.ContentTime) == ("20260304", "050607")
    report = highdicom.sr.EnhancedSR.from_dataset(document).content
    (observer,) = report.get_observer_contexts()
    assert observer.observer_type.value == "121007"
    attributes = observer.observer_identifying_attributes
    assert (attributes.name, attributes.serial_number) == ("chest", "3")


def test_each_finding_is_a_group_with_its_code_probability_and_image() -> None:
    found = groups(structured_report(facts()))
    assert len(found) == 3
    first = found[0]
    assert first.finding_type == highdicom.sr.CodedConcept("233604007", "SCT", "Pneumonia")
    values = {item.name.meaning: item.value for item in first.get_measurements()}
    assert values == {"Probability": 0.91, "CAD Operating Point": 0.5}
    results = [group.get_qualitative_evaluations()[0].value.meaning for group in found]
    assert results == ["Suggested", "Not suggested", "Withheld"]
    assert [group.source_images[0].referenced_sop_instance_uid for group in found] == [
        *("2.25.3", "2.25.3", "2.25.4"),
    ]
    assert found[2].source_images[0].referenced_frame_numbers == [5]


def test_a_signed_review_makes_it_final_and_verified_and_an_amended_one_names_its_predecessor() -> None:
    amended = SignedReview(**{**REVIEW.__dict__, "amends": True})
    content = structured_report(facts(review=amended, predecessor_uid="2.25.7"))
    document = read(content)
    assert (document.PreliminaryFlag, document.VerificationFlag) == ("FINAL", "VERIFIED")
    verifier = document.VerifyingObserverSequence[0]
    assert verifier.VerifyingObserverName == "Reader^Rhea"
    assert str(verifier.VerificationDateTime).startswith("20260305060708")
    predecessor = document.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    assert predecessor.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.7"
    verdicts = [group.get_qualitative_evaluations()[0].value for group in groups(content)[3:]]
    assert [verdict.value for verdict in verdicts] == ["52101004", "82334004"]
    observers = highdicom.sr.EnhancedSR.from_dataset(document).content.get_observer_contexts()
    assert {observer.observer_type.meaning for observer in observers} == {"Person", "Device"}


def test_the_same_facts_give_the_same_bytes() -> None:
    assert structured_report(facts(review=REVIEW)) == structured_report(facts(review=REVIEW))


def test_a_review_without_an_answer_of_a_model_is_reported_too() -> None:
    content = structured_report(facts(model=None, answers=(), review=REVIEW))
    assert len(groups(content)) == 2


@pytest.mark.skipif(shutil.which("dsrdump") is None, reason="dcmtk's dsrdump is not installed")
@pytest.mark.parametrize("review", [None, REVIEW])
def test_dcmtk_reads_the_report_without_a_complaint(tmp_path: Path, review: SignedReview | None) -> None:
    file = tmp_path / "report.dcm"
    file.write_bytes(structured_report(facts(review=review)))
    dumped = subprocess.run(["dsrdump", "+Pu", str(file)], capture_output=True, text=True, check=True)
    complaints = [line for line in dumped.stderr.splitlines() if "ISO_IR 192" not in line]
    assert complaints == []
    for said in ("Enhanced SR Document", "Pneumonia", "0.91", "ABCDEFGH", "Withheld"):
        assert said in dumped.stdout, said
    assert (": VERIFIED" in dumped.stdout) == (review is not None)

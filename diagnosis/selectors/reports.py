"""What a report on a study says to one user."""

from collections.abc import Iterable
from http import HTTPStatus

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from diagnosis.dicom.pseudonyms import hashed_uid
from diagnosis.models import Analysis, Condition, Finding, Instance, Review, Study
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
from diagnosis.selectors.blinding import ANSWERED, answers_hidden_from, latest_answer, reviews_shown_to
from diagnosis.selectors.dicom_files import DEFAULT_MODALITY, sop_class_of
from medimaging.common.errors import Conflict, NotAllowed
from medimaging.common.identity import identity_key
from mlcore.models import ModelVersion


class NothingToReport(Conflict):
    """Neither a model nor a reader has said anything of the study yet."""

    code = "nothing_to_report"
    status = HTTPStatus.CONFLICT
    mend = gettext_lazy("Ask again when the analysis is final or a review is signed.")


def report_facts(user: User, study: Study) -> ReportFacts:
    """Return what the user may be told of the study.

    Raises:
        NotAllowed: the user reads blind first and has not signed a read yet.
    """
    if answers_hidden_from(user, study):
        raise NotAllowed(
            _("What is known of this study is hidden until you have signed a first read."), code="read_first"
        )
    instances = list(_instances(user, study))
    latest = latest_answer(study)
    analyses = _analyses(instances, latest.model_version) if latest else []
    reviews = Review.objects.current().filter(pk__in=reviews_shown_to(user), study=study)
    review = reviews.select_related("reader").order_by("-signed_at", "id").first()
    patient = study.patient
    return ReportFacts(
        study_id=str(study.pk),
        study_instance_uid=study.study_instance_uid,
        examination=Coding(LOCAL_SCHEME, study.examination_type.code, study.examination_type.name),
        patient_id=str(patient.pk),
        patient=patient.pseudonym,
        patient_sex=patient.sex,
        patient_age_years=study.patient_age_years,
        study_date=study.study_date,
        images=tuple(_image(instance) for instance in instances),
        series_instance_uid=_uid(f"reports of {study.pk}"),
        sop_instance_uid=_report_uid(study, analyses, review.pk if review else None),
        predecessor_uid=_report_uid(study, analyses, review.amends_id) if review and review.amends_id else "",
        model=_model(latest.model_version) if latest else None,
        answers=tuple(_answer(analysis) for analysis in analyses),
        review=_signed(review) if review else None,
    )


def structured_report_of(user: User, study: Study) -> bytes:
    """Return the report on a study as a DICOM SR file.

    Raises:
        NotAllowed: the user reads blind first and has not signed a read yet.
        NothingToReport: there is nothing to report yet.
    """
    # Takes a second to import, which only those who want a report should wait for.
    from diagnosis.reporting.structured_report import structured_report

    facts = report_facts(user, study)
    if not facts.images or (not facts.answers and facts.review is None):
        raise NothingToReport(_("There is nothing to report on this study yet."))
    return structured_report(facts)


def _instances(user: User, study: Study) -> Iterable[Instance]:
    visible = Instance.objects.visible_to(user).filter(series__study=study, quarantined_at=None)
    return visible.select_related("series").order_by(
        "series__series_number", "series_id", "instance_number", "id"
    )


def _analyses(instances: list[Instance], version: ModelVersion) -> list[Analysis]:
    found = Analysis.objects.filter(instance__in=instances, model_version=version, state__in=ANSWERED)
    return list(
        found.select_related("instance__series").prefetch_related("findings__condition").order_by("pk")
    )


def _image(instance: Instance) -> ImageReference:
    return ImageReference(
        series_instance_uid=instance.series.series_instance_uid,
        sop_instance_uid=instance.sop_instance_uid,
        sop_class_uid=sop_class_of(instance),
        modality=instance.series.modality or DEFAULT_MODALITY,
        rows=instance.rows,
        columns=instance.columns,
        frame_count=instance.frame_count,
        instance_number=instance.instance_number,
        series_number=instance.series.series_number,
    )


def _answer(analysis: Analysis) -> ModelAnswer:
    return ModelAnswer(
        id=str(analysis.pk),
        image=_image(analysis.instance),
        frame_index=analysis.frame_index,
        answered_at=analysis.finished_at or analysis.requested_at,
        findings=tuple(_finding(finding) for finding in analysis.findings.all()),
        withheld_message=analysis.withheld_message,
    )


def _finding(finding: Finding) -> ModelFinding:
    return ModelFinding(
        id=str(finding.pk),
        condition=_condition(finding.condition),
        probability=finding.probability,
        operating_point=finding.operating_point,
    )


def _signed(review: Review) -> SignedReview:
    verdicts = review.findings.select_related("condition")
    return SignedReview(
        id=str(review.pk),
        reader_id=str(review.reader_id),
        reader_name=review.reader.full_name,
        signed_at=review.signed_at or review.started_at,
        amends=review.amends_id is not None,
        verdicts=tuple(
            ReaderVerdict(
                id=str(given.pk), condition=_condition(given.condition), verdict=VerdictValue(given.verdict)
            )
            for given in verdicts
        ),
    )


def _condition(condition: Condition) -> Coding:
    if condition.coding_scheme and condition.coding_value:
        return Coding(condition.coding_scheme, condition.coding_value, condition.name)
    return Coding(LOCAL_SCHEME, condition.code, condition.name)


def _model(version: ModelVersion) -> Model:
    return Model(
        name=version.name,
        version=str(version.version),
        architecture=version.architecture,
        artifact_sha256=version.artifact_sha256,
    )


def _report_uid(study: Study, analyses: list[Analysis], review: object) -> str:
    """Return the UID of what is reported now; when something else is to be said it is another one."""
    said = " ".join(str(analysis.pk) for analysis in analyses)
    return _uid(f"report on {study.pk}: {said}; {review or 'not signed'}")


def _uid(text: str) -> str:
    return hashed_uid(text, key=identity_key())

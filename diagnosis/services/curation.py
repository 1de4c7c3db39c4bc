"""Turn signed reviews into dataset items. Labels are what readers signed, never what a model said.

A review counts only with consent to training. Its verdicts present and absent become
labels of every image that the study held when it was signed; uncertain gives none, and a
condition that is only proposed gives none until it is approved.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from diagnosis.models import Condition, ConditionState, Instance, Patient, Review, ReviewFinding, Verdict
from mlcore.models import DatasetItem, ItemState, Supersession
from mlcore.services import datasets

MAY_SHOW_A_NAME = "The file says that its pixels may show a name. Look at it before it is accepted."
LABEL_OF = {Verdict.PRESENT: True, Verdict.ABSENT: False}


@transaction.atomic
def curate_review(review: Review) -> None:
    """Let a review that was just signed count, in the transaction that signs it.

    What was signed is never lost: the items are entered with the signature, as
    candidates. Their images are looked at after the commit; where that does not come
    to an end, the reaper does it.
    """
    if review.amends is not None:
        because = Supersession.AMENDED if review.training_consent else Supersession.WITHDRAWN
        datasets.end_labels(str(review.amends_id), because=because)
    if review.training_consent:
        _enter(review)
    elif review.amends is not None and review.amends.training_consent:
        datasets.withdraw_consent(_items_of(review), by=review.reader, reason=review.amendment_reason)


@transaction.atomic
def curate_held(condition: Condition) -> int:
    """Enter the labels that waited for a decision about the condition; return how many reviews held some."""
    reviews = Review.objects.current().filter(training_consent=True, findings__condition=condition)
    held = list(reviews.select_related("study", "reader").order_by("signed_at"))
    for review in held:
        _enter(review)
    return len(held)


@transaction.atomic
def curate_instance(instance: Instance) -> None:
    """Enter what stands signed of the study of an image that may be learned from again."""
    study = instance.series.study_id
    for review in Review.objects.current().filter(study=study, training_consent=True).order_by("signed_at"):
        _enter(review)


def labels_of(review: Review) -> dict[str, bool]:
    """Return what the review says, by code of the condition that is in use.

    A merged condition speaks for the one it was merged into. Where both names were
    judged, present wins.
    """
    labels: dict[str, bool] = {}
    findings = ReviewFinding.objects.filter(review=review, verdict__in=LABEL_OF)
    for finding in findings.select_related("condition__merged_into"):
        condition = finding.condition.merged_into or finding.condition
        if condition.state == ConditionState.APPROVED:
            present = LABEL_OF[Verdict(finding.verdict)]
            labels[condition.code] = present or labels.get(condition.code, False)
    return labels


def _enter(review: Review) -> None:
    reading = datasets.Reading(
        origin_id=str(review.pk),
        labeled_by=str(review.reader_id),
        labels=labels_of(review),
        model_answer_seen=review.model_answer_seen,
        labeled_at=review.signed_at,
    )
    group = group_of(review.study.patient)
    entered: list[UUID] = []
    for instance in _instances_of(review) if reading.labels else []:
        item = datasets.enter_item(
            review.study.examination_type,
            source_id=str(instance.pk),
            content_key=instance.content_key,
            group=group,
        )
        if instance.burned_in_annotation and item.state == ItemState.CANDIDATE:
            item.transition_to(ItemState.EXCLUDED, state_reason=MAY_SHOW_A_NAME)
        datasets.add_labels(item, reading=reading)
        entered.append(item.pk)
    if review.amends_id is not None:
        datasets.renew_consent(_items_of(review), by=review.reader, reason=review.amendment_reason)
    transaction.on_commit(lambda: _settle(entered), robust=True)


def _settle(item_ids: list[UUID]) -> None:
    for item in DatasetItem.objects.filter(pk__in=item_ids, state=ItemState.CANDIDATE):
        datasets.settle_item(item)


def _instances_of(review: Review) -> QuerySet[Instance]:
    """Return the images that the study held when the review was signed."""
    instances: QuerySet[Instance] = Instance.objects.filter(
        series__study=review.study_id, created_at__lte=review.signed_at, quarantined_at=None
    )
    return instances


def _items_of(review: Review) -> QuerySet[DatasetItem]:
    items: QuerySet[DatasetItem] = DatasetItem.objects.filter(
        examination_type=review.study.examination_type_id,
        content_key__in=Instance.objects.filter(series__study=review.study_id).values("content_key"),
    )
    return items


def group_of(patient: Patient) -> str:
    """Return the group under which the patient's images stand.

    An image that was imported before under another name of the patient decides, so that
    the patient's other images come to the same side of the division.
    """
    contents = Instance.objects.filter(series__study__patient=patient).order_by().values("content_key")
    known = DatasetItem.objects.filter(content_key__in=contents).order_by("added_at")
    return known.values_list("group", flat=True).first() or str(patient.pk)

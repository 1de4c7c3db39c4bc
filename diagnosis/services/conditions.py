"""Conditions: readers propose what the system does not know, administrators decide."""

from collections.abc import Iterable, Mapping

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from diagnosis.models import Condition, ConditionState, ReviewFinding, ReviewState
from diagnosis.services.curation import curate_held
from medimaging.common.errors import ApplicationError, NotAllowed
from mlcore.models import ExaminationType
from mlcore.services import datasets


class InvalidCondition(ApplicationError):
    """What was given does not name a condition."""

    code = "invalid_condition"


def propose_condition(examination_type: ExaminationType, *, name: str, by: User) -> Condition:
    """Return the condition of this name, proposed where it is unknown.

    Until it is approved only its proposer can use it. A name that somebody else
    proposed already is joined, not refused: approving it approves it for both.
    """
    name = " ".join(name.split())
    code = slugify(name)[:64].strip("-")
    if not code or len(name) > 120:
        raise InvalidCondition(
            _("This is not a usable name."), mend=_("Use letters and digits, 120 characters at most.")
        )
    if not by.reads_studies:
        raise NotAllowed(_("You may not propose conditions."))
    try:
        with transaction.atomic():
            condition, created = Condition.objects.get_or_create(
                examination_type=examination_type, code=code, defaults={"name": name, "proposed_by": by}
            )
            if created:
                audit.record("condition.propose", by=by, target=condition, details={"name": name})
                return condition
    except IntegrityError:
        condition = Condition.objects.get(examination_type=examination_type, code=code)
    return _join(condition, by=by)


def _join(known: Condition, *, by: User) -> Condition:
    condition = known.merged_into or known
    if condition.state == ConditionState.RETIRED:
        raise InvalidCondition(
            _("This condition was retired."), mend=_("Ask an administrator to bring it back into use.")
        )
    if condition.state == ConditionState.PROPOSED and condition.proposed_by_id != by.pk:
        condition.also_proposed_by.add(by)
    return condition


@transaction.atomic
def approve_condition(condition: Condition, *, by: User, reason: str = "") -> Condition:
    """Let everybody use the condition; also brings a retired one back.

    From now on what signed reviews say of it are labels.
    """
    _require_decider(by)
    condition.transition_to(ConditionState.APPROVED)
    restored = datasets.restore_labels(condition.examination_type, condition=condition.code)
    details = {"restored_labels": restored, "reviews": curate_held(condition)}
    audit.record("condition.approve", by=by, target=condition, reason=reason, details=details)
    return condition


@transaction.atomic
def retire_condition(condition: Condition, *, by: User, reason: str) -> Condition:
    """Take the condition out of use; what was said with it stays on record.

    Its labels count no longer, and what models said of it is stale.
    """
    _require_decider(by)
    condition.transition_to(ConditionState.RETIRED)
    ended = datasets.retire_labels(condition.examination_type, condition=condition.code)
    details = {"ended_labels": ended, "stale_findings": condition.findings.count()}
    audit.record("condition.retire", by=by, target=condition, reason=reason, details=details)
    return condition


@transaction.atomic
def merge_condition(condition: Condition, *, into: Condition, by: User, reason: str) -> Condition:
    """Make the condition another name of `into`.

    Drafts that use it and the labels of datasets move over; signed reviews keep their
    words. What models said of the condition is stale.
    """
    _require_decider(by)
    if into.pk == condition.pk or into.state != ConditionState.APPROVED:
        raise InvalidCondition(
            _("A condition is merged into another one that is approved."),
            mend=_("Choose or approve the target first."),
        )
    if into.examination_type_id != condition.examination_type_id:
        raise InvalidCondition(_("Both conditions must belong to the same type of examination."))
    was_proposed = condition.state == ConditionState.PROPOSED
    condition.transition_to(ConditionState.MERGED, merged_into=into)
    drafts = ReviewFinding.objects.filter(condition=condition, review__state=ReviewState.DRAFT)
    drafts.filter(review__findings__condition=into).delete()
    drafts.update(condition=into)
    Condition.objects.filter(merged_into=condition).update(merged_into=into)
    details = {
        "into": str(into.pk),
        "relabeled": datasets.relabel_condition(
            condition.examination_type, condition=condition.code, into=into.code
        ),
        "reviews": curate_held(condition) if was_proposed else 0,
        "stale_findings": condition.findings.count(),
    }
    audit.record("condition.merge", by=by, target=condition, reason=reason, details=details)
    return condition


@transaction.atomic
def conditions_for(
    examination_type: ExaminationType,
    labels: Iterable[str],
    *,
    label_map: Mapping[str, str],
    absent: Iterable[str],
    by: User,
) -> dict[str, str | None]:
    """Return the code of each label's condition, approved where it was not; None for labels of no condition.

    Raises:
        InvalidCondition: a label names no condition, or one that was retired.
    """
    _require_decider(by)
    none = set(absent)
    codes: dict[str, str | None] = {}
    for label in sorted(set(labels)):
        name = label_map.get(label, label)
        is_none = label in none or name in none
        codes[label] = None if is_none else _condition(examination_type, name, by=by).code
    return codes


def _condition(examination_type: ExaminationType, name: str, *, by: User) -> Condition:
    code = slugify(name)[:64].strip("-")
    if not code or len(name) > 120:
        raise InvalidCondition(
            _("A label is not usable as the name of a condition."),
            mend=_("Give it another name with --label-map, or name it with --absent-label."),
        )
    known = Condition.objects.filter(examination_type=examination_type, code=code).first()
    if known is None:
        shown = name.replace("_", " ")
        known = Condition.objects.create(
            examination_type=examination_type,
            code=code,
            name=shown.capitalize() if shown.islower() or shown.isupper() else shown,
            state=ConditionState.APPROVED,
            proposed_by=by,
        )
        audit.record("condition.create", by=by, target=known, reason="Named by an import.")
    condition = known.merged_into or known
    if condition.state == ConditionState.RETIRED:
        raise InvalidCondition(
            _("The condition %(code)s was retired.") % {"code": condition.code},
            mend=_("Bring it back into use, or map the label."),
        )
    if condition.state == ConditionState.PROPOSED:
        approve_condition(condition, by=by, reason="Named by an import.")
    return condition


def _require_decider(user: User) -> None:
    if not user.has_perm("diagnosis.change_condition"):
        raise NotAllowed(_("Only an administrator or a data steward decides about conditions."))

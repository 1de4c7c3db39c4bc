"""Change what is stored about a study, and who may see it."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit
from diagnosis.models import Study
from medimaging.common.errors import ApplicationError, NotAllowed, StaleVersion

STUDY_FIELDS = ("description", "patient_age_years")
EDITABLE = (*STUDY_FIELDS, "patient_sex")


class InvalidInformation(ApplicationError):
    """A value does not fit its field."""

    code = "invalid_information"


@transaction.atomic
def edit_information(
    study: Study,
    *,
    by: User,
    changes: Mapping[str, Any],
    reason: str,
    expected_revision: int | None = None,
) -> Study:
    """Change the stored information; the audit trail keeps before and after.

    `changes` maps any of `EDITABLE` to its new value; what equals the stored
    value is no change.

    Raises:
        StaleVersion: the study was changed since the caller read `expected_revision`.
    """
    _require_editor(study, by=by)
    unknown = set(changes) - set(EDITABLE)
    if unknown:
        raise InvalidInformation(
            _("These fields cannot be edited: %(fields)s.") % {"fields": ", ".join(sorted(unknown))}
        )
    if not reason.strip():
        raise InvalidInformation(_("A change needs a reason."), mend=_("Say why the information is changed."))
    locked = Study.objects.select_for_update().select_related("patient").get(pk=study.pk)
    if expected_revision is not None and locked.revision != expected_revision:
        raise StaleVersion(_("The study was changed since you loaded it."))
    before = {name: _read(locked, name) for name in changes}
    changed = {name: value for name, value in changes.items() if value != before[name]}
    if not changed:
        return locked
    for name, value in changed.items():
        _write(locked, name, value)
    locked.revision += 1
    _save(locked)
    audit.record(
        "study.edit",
        by=by,
        target=locked,
        reason=reason,
        details={"before": {name: before[name] for name in changed}, "after": changed},
    )
    return locked


@transaction.atomic
def share_study(study: Study, *, reader: User, by: User, reason: str = "") -> None:
    """Let another user see the study."""
    _require_editor(study, by=by)
    if not reader.is_active:
        raise InvalidInformation(_("The study can be shared with active users only."))
    study.readers.add(reader)
    audit.record("study.share", by=by, target=study, reason=reason, details={"reader": str(reader.pk)})


@transaction.atomic
def unshare_study(study: Study, *, reader: User, by: User, reason: str = "") -> None:
    """Take the study away from a user it was shared with."""
    _require_editor(study, by=by)
    study.readers.remove(reader)
    audit.record("study.unshare", by=by, target=study, reason=reason, details={"reader": str(reader.pk)})


def _require_editor(study: Study, *, by: User) -> None:
    """Readers edit what they may see; an administrator and a data steward edit everything."""
    sees = Study.objects.visible_to(by).filter(pk=study.pk).exists()
    if not sees or not (by.reads_studies or study.owner_id == by.pk):
        raise NotAllowed(_("You may not change this study."))


def _read(study: Study, name: str) -> Any:
    return study.patient.sex if name == "patient_sex" else getattr(study, name)


def _write(study: Study, name: str, value: Any) -> None:
    if name == "patient_sex":
        study.patient.sex = value
    else:
        setattr(study, name, value)


def _save(study: Study) -> None:
    try:
        study.patient.full_clean()
        study.full_clean()
    except ValidationError as error:
        fields = ", ".join(sorted(error.message_dict))
        raise InvalidInformation(
            _("These values are not valid: %(fields)s.") % {"fields": fields}, mend="; ".join(error.messages)
        ) from error
    study.patient.save(update_fields=["sex"])
    study.save(update_fields=[*STUDY_FIELDS, "revision"])

"""Share out the work: ask a reader to read studies, and keep what one looks for."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Role, User, UserStatus
from accounts.services import audit
from diagnosis.models import Assignment, SavedFilter, Study
from medimaging.common.errors import ApplicationError, NotAllowed

MOST_FILTERS = 30
READING_ROLES = (Role.READER, Role.DATA_STEWARD, Role.ADMINISTRATOR)


class NothingChosen(ApplicationError):
    """The form was sent without what it needs."""

    code = "nothing_chosen"
    mend = gettext_lazy("Go back, fill in what is missing, and send it again.")


def readers_to_assign() -> "QuerySet[User]":
    """Return the users who may be asked to read a study."""
    return User.objects.filter(status=UserStatus.ACTIVE, role__in=READING_ROLES).order_by(
        "full_name", "email"
    )


@transaction.atomic
def assign_studies(studies: Sequence[Study], *, reader: User, by: User) -> int:
    """Ask `reader` to read the studies, which shares them; return how many were not asked before."""
    if not by.assigns_studies:
        raise NotAllowed(
            _("You may not assign studies."), mend=_("Ask an administrator or a data steward to assign them.")
        )
    if not reader.reads_studies:
        raise NothingChosen(_("Only an active reader can be asked to read studies."))
    asked = set(
        Assignment.objects.filter(study__in=studies, reader=reader).values_list("study_id", flat=True)
    )
    made = 0
    for study in studies:
        if study.pk in asked:
            continue
        study.readers.add(reader)
        Assignment.objects.create(study=study, reader=reader, assigned_by=by)
        audit.record("study.assign", by=by, target=study, details={"reader": str(reader.pk)})
        made += 1
    return made


def note_assignment_seen(study: Study, *, by: User) -> None:
    """Remember that the reader has opened a study that they were asked to read."""
    Assignment.objects.filter(study=study, reader=by, seen_at=None).update(seen_at=timezone.now())


@transaction.atomic
def save_filter(user: User, *, name: str, query: str) -> SavedFilter:
    """Keep a query of the worklist under a name; a name that is taken gets the new query."""
    known = user.saved_filters.filter(name=name).exists()
    if not known and user.saved_filters.count() >= MOST_FILTERS:
        raise NothingChosen(
            _("You keep %(most)d filters already.") % {"most": MOST_FILTERS},
            mend=_("Delete one that you no longer use."),
        )
    saved, _created = SavedFilter.objects.update_or_create(user=user, name=name, defaults={"query": query})
    return saved


@transaction.atomic
def note_export(*, by: User, query: str, count: int) -> None:
    """Record that a user took the worklist out as a file."""
    audit.record("worklist.export", by=by, target=by, details={"query": query, "studies": count})

"""Rows that move through states: a map of allowed moves and one compare-and-set UPDATE."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from medimaging.common.errors import Conflict


class IllegalTransition(Conflict):
    """The state the row is in does not lead to the one asked for."""

    code = "illegal_transition"


class LostRace(Conflict):
    """Another process moved the row first."""

    code = "lost_race"
    mend = gettext_lazy("Load it again and repeat if it still applies.")


class StatefulModel(models.Model):
    """A row whose `STATE_FIELD` only ever changes along `TRANSITIONS`."""

    STATE_FIELD: ClassVar[str] = "state"
    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]]

    class Meta:
        abstract = True

    def can_transition_to(self, target: str) -> bool:
        """Tell whether the state the row was read in leads to `target`."""
        return target in self.TRANSITIONS.get(getattr(self, self.STATE_FIELD), frozenset())

    def transition_to(self, target: str, **changes: Any) -> Self:
        """Move to `target`, writing `changes` in the same statement.

        The UPDATE names the state it expects to find: when two workers race for
        one row, exactly one moves it and the other is told so.
        """
        current = getattr(self, self.STATE_FIELD)
        if not self.can_transition_to(target):
            raise IllegalTransition(
                _("This %(name)s is %(current)s and cannot become %(target)s.")
                % {"name": self._meta.verbose_name, "current": current, "target": target}
            )
        values = {self.STATE_FIELD: target, **changes}
        expected = {"pk": self.pk, self.STATE_FIELD: current}
        if not type(self)._base_manager.filter(**expected).update(**values):
            raise LostRace(
                _("This %(name)s is no longer %(current)s.")
                % {"name": self._meta.verbose_name, "current": current}
            )
        for name, value in values.items():
            setattr(self, name, value)
        return self


def one_of(field: str, choices: type[models.TextChoices], *, name: str) -> models.CheckConstraint:
    """Return the constraint that keeps `field` within `choices`."""
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": choices.values}), name=name)

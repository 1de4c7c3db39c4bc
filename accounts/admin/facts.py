"""The audit trail, and what allauth and Django keep on users: to look at, never to change."""

import re
from importlib import import_module

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.db.models.options import Options
from django.http import HttpRequest

from accounts.admin_base import CountlessPaginator, FactsAdmin
from accounts.models import AuditEntry, AuditHead, User

ACTION = re.compile(r"[a-z_.]+")
"""How actions are written; identifiers hold digits."""
OWN_APPS = ("accounts", "diagnosis", "mlcore")

# Their own pages would edit rows, and show the secrets of second factors and sessions.
for _app in ("allauth.account", "allauth.mfa", "allauth.usersessions", "django.contrib.auth"):
    import_module(f"{_app}.admin")
admin.site.unregister([EmailAddress, Authenticator, UserSession, Group])


class SightAdmin(FactsAdmin):
    """Rows that no action changes either."""

    paginator = CountlessPaginator

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse everybody."""
        return False


def own_kinds() -> "list[Options[Model]]":
    """Return what is known of each kind of thing that entries are about."""
    return [model._meta for app in OWN_APPS for model in apps.get_app_config(app).get_models()]


class TargetFilter(admin.SimpleListFilter):
    """Narrows the trail to one kind of thing; reading the kinds from the table would scan it."""

    title = "what it was done to"
    parameter_name = "target_type"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        """Return the kinds of things there are."""
        return sorted((kind.label_lower, str(kind.verbose_name)) for kind in own_kinds())

    def queryset(
        self, request: HttpRequest, queryset: "QuerySet[AuditEntry]"
    ) -> "QuerySet[AuditEntry] | None":
        """Return the entries on that kind of thing."""
        return queryset.filter(target_type=self.value()) if self.value() else None


@admin.register(AuditEntry)
class AuditEntryAdmin(SightAdmin):
    """The audit trail."""

    list_display = ["sequence", "at", "actor", "action", "target_type", "target_id", "reason"]
    list_filter = [TargetFilter, "at"]
    list_select_related = ["actor"]
    show_facets = admin.ShowFacets.NEVER
    search_fields = ["=target_id", "=actor__email", "^action"]
    search_help_text = "The identifier of what it was done to, an actor's address, or the start of an action."
    sortable_by = ["sequence"]

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[AuditEntry]", search_term: str
    ) -> "tuple[QuerySet[AuditEntry], bool]":
        """Ask one question, which an index answers; all three at once would read the whole trail."""
        term = search_term.strip().lower()
        if "@" in term:
            actors = User.objects.filter(email__iexact=term).values_list("pk", flat=True)
            return queryset.filter(actor__in=list(actors)), False
        if ACTION.fullmatch(term):
            return queryset.filter(action__startswith=term), False
        kinds = [kind.label_lower for kind in own_kinds()]
        return (queryset.filter(target_type__in=kinds, target_id=term) if term else queryset), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Let links narrow the list to one actor."""
        return lookup == "actor__id__exact" or super().lookup_allowed(lookup, value, request)


@admin.register(AuditHead)
class AuditHeadAdmin(SightAdmin):
    """The end of the audit trail, to note down elsewhere."""

    list_display = ["sequence", "hash"]


@admin.register(LogEntry)
class LogEntryAdmin(SightAdmin):
    """What Django's administration pages noted by themselves."""

    list_display = ["action_time", "user", "content_type", "object_repr", "action_flag"]
    list_filter = ["action_flag", "action_time"]
    list_select_related = ["user", "content_type"]
    search_fields = ["object_repr", "=user__email"]


@admin.register(EmailAddress)
class EmailAddressAdmin(SightAdmin):
    """Addresses and whether their users proved that they read them."""

    list_display = ["email", "user", "verified", "primary"]
    list_filter = ["verified"]
    list_select_related = ["user"]
    search_fields = ["email", "=user__email"]


@admin.register(Authenticator)
class AuthenticatorAdmin(SightAdmin):
    """Second factors, without their secrets."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    list_select_related = ["user"]
    search_fields = ["=user__email"]
    fields = ["user", "type", "created_at", "last_used_at"]


@admin.register(UserSession)
class UserSessionAdmin(SightAdmin):
    """Open sessions, without the keys that would open them."""

    list_display = ["user", "ip", "user_agent", "created_at", "last_seen_at"]
    list_select_related = ["user"]
    search_fields = ["=user__email", "=ip"]
    fields = ["user", "ip", "user_agent", "created_at", "last_seen_at"]

"""Users and their tokens: every change is an action that asks for a reason."""

from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.admin.resources import UserResource
from accounts.admin_actions import ReasonForm, reason_action
from accounts.admin_base import FactsAdmin
from accounts.admin_tables import AuditedExportMixin
from accounts.models import ApiToken, Role, User, UserStatus
from accounts.services import credentials, tokens, users


class RoleForm(ReasonForm):
    """Asks which role a user gets."""

    role = forms.ChoiceField(choices=Role, help_text="What each role may do is in docs/security-accounts.md.")
    field_order = ["role", "reason"]


approve = reason_action(
    "approve",
    label="Approve",
    consequence="They can log in from now on, and are told so by email.",
    form_class=RoleForm,
    perform=users.approve_user,
    applies=lambda user: user.status == UserStatus.PENDING,
)
reject = reason_action(
    "reject",
    label="Reject",
    consequence="The registration is refused and the account closed for good. The address stays taken.",
    perform=users.reject_user,
    applies=lambda user: user.status == UserStatus.PENDING,
)
suspend = reason_action(
    "suspend",
    label="Suspend",
    consequence="Their open sessions end at once and their tokens are revoked. They can be reinstated.",
    perform=users.suspend_user,
    applies=lambda user: user.status == UserStatus.ACTIVE,
)
reinstate = reason_action(
    "reinstate",
    label="Reinstate",
    consequence="They can log in again. Revoked tokens stay revoked.",
    perform=users.reinstate_user,
    applies=lambda user: user.status == UserStatus.SUSPENDED,
)
deactivate = reason_action(
    "deactivate",
    label="Deactivate for good",
    consequence="The account is closed and can never be opened again. What they did stays on record.",
    perform=users.deactivate_user,
    applies=lambda user: user.status != UserStatus.DEACTIVATED,
)
change_role = reason_action(
    "change_role",
    label="Change role",
    consequence="Their open sessions end and their tokens are revoked; they log in again in the new role.",
    form_class=RoleForm,
    perform=users.change_role,
)
log_out_everywhere = reason_action(
    "log_out_everywhere",
    label="Log out everywhere",
    consequence="Their open sessions end at once and their tokens are revoked. They can log in again.",
    perform=credentials.log_out_everywhere,
)
revoke_tokens = reason_action(
    "revoke_tokens",
    label="Revoke tokens",
    consequence="Every program that uses one of their tokens is refused at once. "
    "They stay logged in and can make new ones.",
    perform=credentials.revoke_tokens,
    applies=lambda user: user.token_count > 0,
)
force_password_reset = reason_action(
    "force_password_reset",
    label="Force a new password",
    consequence="Their password stops working, their open sessions end and their tokens are revoked. "
    "They get a link by email to set another one.",
    perform=credentials.force_password_reset,
    applies=lambda user: user.status == UserStatus.ACTIVE,
)
remove_second_factor = reason_action(
    "remove_second_factor",
    label="Remove second factor",
    consequence="For a lost telephone: they log in with the password alone until they set up another one. "
    "Make sure that it is they who ask.",
    perform=credentials.remove_second_factor,
    applies=lambda user: user.has_second_factor,
)
revoke = reason_action(
    "revoke",
    label="Revoke",
    consequence="What uses the token is refused at once. A revoked token stays revoked.",
    perform=tokens.revoke_token,
    applies=lambda token: token.revoked_at is None,
)


class NewUserForm(forms.ModelForm[User]):
    """A user whom an administrator makes; they set their own password by a link."""

    reason = forms.CharField(required=False, max_length=1000, help_text="Kept in the audit trail.")

    class Meta:
        model = User
        fields = ["email", "full_name", "role"]

    def clean_email(self) -> str:
        """Return the address as it is stored."""
        return str(self.cleaned_data["email"]).lower()


@admin.register(User)
class UserAdmin(AuditedExportMixin, FactsAdmin):
    """Who may do what here."""

    resource_classes = [UserResource]
    list_display = [
        "email",
        "full_name",
        "status",
        "role",
        "last_login",
        "second_factor",
        "usable_tokens",
        "registered_at",
    ]
    list_filter = ["status", "role", "registered_at", "last_login"]
    search_fields = ["email", "full_name"]
    ordering = ["-registered_at"]
    actions = [
        approve,
        reject,
        suspend,
        reinstate,
        deactivate,
        change_role,
        log_out_everywhere,
        revoke_tokens,
        force_password_reset,
        remove_second_factor,
    ]
    readonly_fields = ["second_factor", "usable_tokens", "audit_trail"]
    fieldsets = [
        (None, {"fields": ["email", "full_name", "status", "role"]}),
        ("Access", {"fields": ["last_login", "second_factor", "usable_tokens", "audit_trail"]}),
        ("Settings", {"fields": ["time_zone", "blind_first"]}),
        ("Times", {"fields": ["registered_at", "intended_use_acknowledged_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[User]":
        """Return users with the number of their usable tokens and whether they have a second factor."""
        usable = Q(api_tokens__revoked_at=None, api_tokens__expires_at__gt=Now(), status=UserStatus.ACTIVE)
        factors = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.annotate(
            token_count=Count("api_tokens", filter=usable), has_second_factor=Exists(factors)
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow whoever the role allows it."""
        return request.user.has_perm("accounts.add_user")

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> list[Any]:
        """Return everything, but for a user who is only being made."""
        return [] if obj is None else super().get_readonly_fields(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Return the fields of a user, or those that a new one needs."""
        new = [(None, {"fields": ["email", "full_name", "role", "reason"]})]
        return new if obj is None else super().get_fieldsets(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        """Return the form of a new user."""
        return super().get_form(request, obj, change, **options) if change else NewUserForm

    def save_model(
        self, request: HttpRequest, obj: User, form: "forms.ModelForm[User]", change: bool
    ) -> None:
        """Make the user, who gets a link to set a password."""
        made = users.create_user(
            email=obj.email,
            full_name=obj.full_name,
            role=obj.role,
            by=request.user,  # type: ignore[arg-type]
            reason=form.cleaned_data["reason"],
        )
        obj.pk = made.pk
        obj.refresh_from_db()

    @admin.display(description="Second factor", boolean=True)
    def second_factor(self, user: Any) -> bool:
        """Tell whether the user logs in with one."""
        return bool(user.has_second_factor)

    @admin.display(description="Usable tokens", ordering="token_count")
    def usable_tokens(self, user: Any) -> int:
        """Return how many tokens open something now."""
        return int(user.token_count)

    @admin.display(description="Audit trail")
    def audit_trail(self, user: User) -> str:
        """Return links to what was done to the user and what they did."""
        address = reverse("admin:accounts_auditentry_changelist")
        return format_html(
            '<a href="{}?q={}">Done to them</a> | <a href="{}?actor__id__exact={}">Done by them</a>',
            address,
            user.pk,
            address,
            user.pk,
        )


@admin.register(ApiToken)
class ApiTokenAdmin(FactsAdmin):
    """Tokens of the REST interface; the secrets are stored nowhere."""

    list_display = [
        "name",
        "prefix",
        "user",
        "scope_list",
        "created_at",
        "expires_at",
        "last_used_at",
        "usable",
    ]
    list_filter = ["revoked_at", "expires_at", "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__email"]
    actions = [revoke]
    readonly_fields = ["usable", "scope_list"]
    fields = [
        *("name", "prefix", "user", "scope_list", "usable"),
        *("created_at", "expires_at", "last_used_at", "revoked_at"),
    ]

    @admin.display(description="Usable", boolean=True)
    def usable(self, token: ApiToken) -> bool:
        """Tell whether the token opens anything now."""
        return token.is_usable

    @admin.display(description="Scopes")
    def scope_list(self, token: ApiToken) -> str:
        """Return the scopes as words."""
        return ", ".join(token.scopes)

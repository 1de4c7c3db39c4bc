"""A person or system that signs in, with a status and a role."""

import uuid
import zoneinfo
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from medimaging.common.states import StatefulModel, one_of


class UserStatus(models.TextChoices):
    PENDING = "pending", _("Pending")
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    DEACTIVATED = "deactivated", _("Deactivated")


class Role(models.TextChoices):
    READER = "reader", _("Reader")
    DATA_STEWARD = "data_steward", _("Data steward")
    ADMINISTRATOR = "administrator", _("Administrator")
    INTEGRATOR = "integrator", _("Integrator")
    AUDITOR = "auditor", _("Auditor")


STAFF_ROLES = frozenset({Role.ADMINISTRATOR, Role.DATA_STEWARD, Role.AUDITOR})
OVERSIGHT_ROLES = STAFF_ROLES
"""Roles that see every study."""
STEWARD_APPS = frozenset({"diagnosis", "mlcore"})


class UserManager(BaseUserManager["User"]):
    """Makes users; a new one waits for an administrator."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user; without a password nobody can sign in as them."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an active administrator, for the first one of an installation."""
        return self.create_user(
            email, password, **{"status": UserStatus.ACTIVE, "role": Role.ADMINISTRATOR, **fields}
        )

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by the address they sign in with, whatever its case."""
        return self.get(email__iexact=username)


def validate_time_zone(name: str) -> None:
    """Refuse what is not the name of a time zone, such as "Europe/Berlin"."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError("This is not the name of a time zone; an example is Europe/Berlin.")


class User(StatefulModel, AbstractBaseUser):
    """A user; what they may do follows from `status` and `role` alone."""

    STATE_FIELD = "status"
    TRANSITIONS: ClassVar = {
        UserStatus.PENDING: frozenset({UserStatus.ACTIVE, UserStatus.DEACTIVATED}),
        UserStatus.ACTIVE: frozenset({UserStatus.SUSPENDED, UserStatus.DEACTIVATED}),
        UserStatus.SUSPENDED: frozenset({UserStatus.ACTIVE, UserStatus.DEACTIVATED}),
        UserStatus.DEACTIVATED: frozenset(),
    }
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["full_name"]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=150)
    status = models.CharField(max_length=16, choices=UserStatus, default=UserStatus.PENDING)
    role = models.CharField(max_length=16, choices=Role, default=Role.READER)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    language = models.CharField(
        max_length=8, blank=True, choices=settings.LANGUAGES, help_text="Empty: as the browser asks."
    )
    blind_first = models.BooleanField(
        default=False, help_text="Hide the model's answer until the first read is stored."
    )
    key_bindings: "models.JSONField[dict[str, str], dict[str, str]]" = models.JSONField(
        default=dict, blank=True, help_text="Hot keys that the user chose, by action."
    )
    registered_at = models.DateTimeField(default=timezone.now, editable=False)
    intended_use_acknowledged_at = models.DateTimeField(null=True, blank=True)
    session_epoch = models.PositiveIntegerField(
        default=0, editable=False, help_text="Part of what a session proves; raising it ends them all."
    )

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        ordering = ["email"]
        constraints = [
            one_of("status", UserStatus, name="user_status_known"),
            one_of("role", Role, name="user_role_known"),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lowercase"),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session of this user must carry to stay open."""
        said = f"{self.session_epoch}:{self.password}"
        return salted_hmac("accounts.User.session", said, secret=secret, algorithm="sha256").hexdigest()

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Tell whether the user may sign in."""
        return self.status == UserStatus.ACTIVE

    @property
    def is_staff(self) -> bool:
        """Tell whether the user may open the administration pages."""
        return self.is_active and self.role in STAFF_ROLES

    @property
    def is_superuser(self) -> bool:
        """Tell whether the user is an administrator."""
        return self.is_active and self.role == Role.ADMINISTRATOR

    @property
    def sees_everything(self) -> bool:
        """Tell whether the user sees every study, not only their own."""
        return self.is_active and self.role in OVERSIGHT_ROLES

    @property
    def reads_studies(self) -> bool:
        """Tell whether the user may review and sign."""
        return self.is_active and self.role in {Role.READER, Role.ADMINISTRATOR, Role.DATA_STEWARD}

    @property
    def assigns_studies(self) -> bool:
        """Tell whether the user may ask others to read studies."""
        return self.is_active and self.role in {Role.ADMINISTRATOR, Role.DATA_STEWARD}

    @property
    def uploads_images(self) -> bool:
        """Tell whether the user may bring images in: everybody but auditors."""
        return self.is_active and self.role != Role.AUDITOR

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Answer Django's question `perm` ("app.action_model") from the role."""
        if not self.is_staff:
            return False
        if self.role == Role.ADMINISTRATOR:
            return True
        app_label, _, codename = perm.partition(".")
        if self.role == Role.AUDITOR:
            return codename.startswith("view_")
        return app_label in STEWARD_APPS

    def has_perms(self, perm_list: list[str], obj: Any = None) -> bool:
        """Tell whether the user has every one of `perm_list`."""
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Tell whether the user sees anything of `app_label` in the administration pages."""
        if self.role == Role.DATA_STEWARD:
            return self.is_staff and app_label in STEWARD_APPS
        return self.is_staff

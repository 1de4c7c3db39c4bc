"""The form by which strangers register."""

from allauth.account.adapter import get_adapter
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.internal.userkit import filter_users_by_email
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from accounts.services import audit


class RegistrationForm(AllauthSignupForm):  # type: ignore[misc]
    """Registers a user who waits, and never tells whether an address is known."""

    account_already_exists = False

    def validate_unique_email(self, value: str) -> str:
        """Note a known address; the answer is the same."""
        self.account_already_exists = bool(filter_users_by_email(value))
        return value

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Store the new user, or answer as if there were one."""
        if not self.account_already_exists:
            try:
                return self._register(request), None
            except IntegrityError:
                self.account_already_exists = True  # somebody registered it a moment ago
        User().set_password(self.cleaned_data["password1"])  # takes as long as storing one
        email = self.cleaned_data["email"]
        return None, get_adapter().respond_registered(request, email=email, user=None)

    @transaction.atomic
    def _register(self, request: HttpRequest) -> User:
        user: User = self.save(request)
        audit.record("user.register", by=user, target=user)
        return user

"""Forms of the accounts app."""

from django import forms
from django.http import HttpRequest

from accounts.models import User


class SignupForm(forms.Form):
    """What a registration asks for beside address and password."""

    full_name = forms.CharField(
        max_length=150, label="Full name", widget=forms.TextInput(attrs={"autocomplete": "name"})
    )

    def signup(self, request: HttpRequest, user: User) -> None:
        """Keep the name; the new user waits for an administrator."""
        user.full_name = self.cleaned_data["full_name"]
        user.save(update_fields=["full_name"])

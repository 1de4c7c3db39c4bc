"""The administration pages of the accounts app."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect

from accounts.admin import facts, users, webhooks

__all__ = ["facts", "users", "webhooks"]


def change_password(
    request: HttpRequest, extra_context: dict[str, Any] | None = None
) -> HttpResponseRedirect:
    """Send staff to the page on which everybody changes their password."""
    return redirect("account_change_password")


# Staff log in as everybody does, so that rate limits and the second factor hold for them too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.password_change = change_password  # type: ignore[method-assign,assignment]

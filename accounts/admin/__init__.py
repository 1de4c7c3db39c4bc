"""The administration pages of the accounts app."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin

from accounts.admin import facts, users

__all__ = ["facts", "users"]

# Staff log in as everybody does, so that rate limits and the second factor hold for them too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

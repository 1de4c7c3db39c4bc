"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the app."""

    name = "accounts"
    verbose_name = "Users and audit trail"
    default_auto_field = "django.db.models.BigAutoField"

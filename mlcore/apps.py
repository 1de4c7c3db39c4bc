"""The mlcore app."""

from django.apps import AppConfig


class MlcoreConfig(AppConfig):
    """Registers the app."""

    name = "mlcore"
    default_auto_field = "django.db.models.BigAutoField"

"""The mlcore app."""

from django.apps import AppConfig


class MlcoreConfig(AppConfig):
    """Registers the app."""

    name = "mlcore"
    verbose_name = "Models"
    default_auto_field = "django.db.models.BigAutoField"

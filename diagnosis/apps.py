"""The diagnosis app."""

from django.apps import AppConfig


class DiagnosisConfig(AppConfig):
    """Registers the app."""

    name = "diagnosis"
    verbose_name = "Studies and reviews"
    default_auto_field = "django.db.models.BigAutoField"

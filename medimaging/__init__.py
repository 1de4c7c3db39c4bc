"""The site: settings, addresses, and what every app shares."""

from medimaging.celery import app as celery_app

__all__ = ["celery_app"]

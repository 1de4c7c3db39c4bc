"""The Celery application. The broker only signals; the database is the queue of record."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medimaging.settings")

app = Celery("medimaging")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

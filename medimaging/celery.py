"""The Celery application. The broker only signals; the database is the queue of record."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medimaging.settings")

TRANSPORT_ALIASES["filesystem"] = "medimaging.common.broker:Transport"

app = Celery("medimaging")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

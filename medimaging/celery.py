"""The Celery application. The broker only signals; the database is the queue of record."""

import os

from celery import Celery
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu.transport import TRANSPORT_ALIASES

from medimaging.common.watchdog import Watchdog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medimaging.settings")

TRANSPORT_ALIASES["filesystem"] = "medimaging.common.broker:Transport"

app = Celery("medimaging")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)
app.steps["worker"].add(Watchdog)

"""A real worker tells a real receiver that an analysis came to its end."""

import time

import pytest
from pytest_django.fixtures import Settings
from standardwebhooks.webhooks import Webhook

from accounts.models import DeliveryState, Role, User, WebhookDelivery
from accounts.services import webhooks
from diagnosis.services.intake import receive
from mlcore.models import ModelVersion
from tests.factories import UserFactory
from tests.pictures import texture_png
from tests.receiver import receiving

pytestmark = pytest.mark.worker


def test_the_owner_of_an_image_is_told_and_a_stranger_is_not(
    worker: ModelVersion, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    owner: User = UserFactory.create(role=Role.INTEGRATOR)
    stranger: User = UserFactory.create(role=Role.INTEGRATOR)
    with receiving() as receiver, receiving() as elsewhere:
        mine = webhooks.create_endpoint(by=owner, url=receiver.url, events=["analysis.finished"])
        webhooks.create_endpoint(by=stranger, url=elsewhere.url, events=["analysis.finished"])
        upload = receive(texture_png(3), by=owner, source="rest", examination_type=worker.examination_type)
        assert upload.instance is not None
        receiver.wait_for(1)
        ((_, headers, body),) = receiver.received
        said = Webhook(mine.signing_secret).verify(body, headers)
        assert said["data"] == {
            "analysis": str(upload.instance.analyses.get().pk),
            "instance": str(upload.instance.pk),
            "study": str(upload.instance.series.study_id),
        }
        assert elsewhere.received == []
        assert WebhookDelivery.objects.count() == 1
    delivery = WebhookDelivery.objects.get()
    for _ in range(100):
        delivery.refresh_from_db()
        if delivery.state != DeliveryState.PENDING:
            break
        time.sleep(0.1)
    assert delivery.state == DeliveryState.DELIVERED

"""The front page of the administration, and what all of its pages keep to."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, UserStatus
from diagnosis.models import Analysis, ConditionState
from mlcore.models import ServingProcess
from tests.diagnosis.admin.test_access import every_page
from tests.factories import ConditionFactory, UserFactory

LogIn = Callable[[User], Client]
INLINE = re.compile(
    r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\b(src=|type=\"application/json\"))", re.IGNORECASE
)


def test_the_front_page_shows_what_waits_and_who_serves(
    administrator: User, failed: Analysis, log_in: LogIn
) -> None:
    UserFactory.create(status=UserStatus.PENDING)
    ConditionFactory.create(state=ConditionState.PROPOSED)
    version = failed.model_version
    ServingProcess.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    ServingProcess.objects.create(
        name="worker:7",
        started_at=timezone.now(),
        seen_at=timezone.now(),
        models_loaded={version.examination_type.code: str(version.pk)},
    )
    answer = log_in(administrator).get(reverse("admin:index"))
    content = answer.content.decode()
    assert "worker:7" in content
    assert "1 worker process<" in content
    assert re.search(r'state__exact=failed">1<', content)
    assert re.search(r'status__exact=pending">1<', content)
    assert re.search(r'state__exact=proposed">1<', content)


def test_the_front_page_says_what_is_wrong(administrator: User, log_in: LogIn) -> None:
    content = log_in(administrator).get(reverse("admin:index")).content.decode()
    assert "No worker process is alive" in content
    assert "No model is active" in content


@pytest.mark.parametrize("role", ["steward", "auditor"])
def test_all_staff_see_the_front_page(role: str, request: pytest.FixtureRequest, log_in: LogIn) -> None:
    assert log_in(request.getfixturevalue(role)).get(reverse("admin:index")).status_code == 200


def test_no_page_holds_a_style_or_a_script_of_its_own(
    administrator: User, analysis: Analysis, log_in: LogIn
) -> None:
    client = log_in(administrator)
    for page in [reverse("admin:index"), *every_page()]:
        answer = client.get(page)
        assert not INLINE.search(answer.content.decode()), page
        assert "unsafe-inline" not in answer["Content-Security-Policy"]

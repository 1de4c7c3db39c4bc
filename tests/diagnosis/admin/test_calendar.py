"""The years, months and days above a list."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from diagnosis.models import Study
from tests.diagnosis.admin.forms import address
from tests.factories import StudyFactory

LogIn = Callable[[User], Client]


@pytest.fixture
def client_of_dates(administrator: User, log_in: LogIn) -> Client:
    """Return the client of an administrator of studies from March 2024 to January 2026."""
    for moment in (
        datetime(2024, 3, 30, 12, tzinfo=UTC),
        datetime(2024, 4, 2, 12, tzinfo=UTC),
        datetime(2026, 1, 5, 12, tzinfo=UTC),
    ):
        StudyFactory.create(created_at=moment)
    return log_in(administrator)


def titles(client: Client, **chosen: int) -> tuple[str | None, list[str], int]:
    """Return the way back, what can be chosen, and how many studies are listed."""
    lookups = {f"created_at__{unit}": number for unit, number in chosen.items()}
    context = client.get(address(Study, "changelist"), lookups).context
    back = context["longer_period"]
    shown = [period.title for period in context["periods"]]
    return (back.title if back else None), shown, len(context["cl"].result_list)


def test_the_years_run_from_the_first_row_to_the_last(client_of_dates: Client) -> None:
    assert titles(client_of_dates) == (None, ["2024", "2025", "2026"], 3)


def test_a_year_offers_its_months_and_the_way_back(client_of_dates: Client) -> None:
    back, months, count = titles(client_of_dates, year=2024)
    assert (back, count) == ("All dates", 2)
    assert months[0] == "March 2024"
    assert months[-1] == "December 2024"


def test_a_month_offers_its_days(client_of_dates: Client) -> None:
    assert titles(client_of_dates, year=2024, month=3) == ("2024", ["March 30", "March 31"], 1)


def test_a_day_lists_its_studies(client_of_dates: Client) -> None:
    assert titles(client_of_dates, year=2024, month=4, day=2) == ("April 2024", ["April 2"], 1)


def test_the_links_lead_where_they_say(client_of_dates: Client) -> None:
    context = client_of_dates.get(address(Study, "changelist")).context
    page = address(Study, "changelist") + context["periods"][2].link
    assert len(client_of_dates.get(page).context["cl"].result_list) == 1


def test_an_empty_list_has_no_dates(administrator: User, log_in: LogIn) -> None:
    assert titles(log_in(administrator)) == (None, [], 0)


@pytest.mark.parametrize("nonsense", ["x", "99999", "-1", "0"])
def test_a_date_that_cannot_be_is_no_failure(client_of_dates: Client, nonsense: str) -> None:
    answer = client_of_dates.get(address(Study, "changelist"), {"created_at__year": nonsense})
    assert answer.status_code in {200, 302}
    answer = client_of_dates.get(
        address(Study, "changelist"), {"created_at__year": 2024, "created_at__month": nonsense}
    )
    assert answer.status_code in {200, 302}


def test_no_list_reads_the_dates_of_all_its_rows(client_of_dates: Client) -> None:
    with CaptureQueriesContext(connection) as asked:
        client_of_dates.get(address(Study, "changelist"))
    assert not [query["sql"] for query in asked if "DISTINCT" in query["sql"]]
    (count,) = [query["sql"] for query in asked if query["sql"].startswith("SELECT COUNT(*)")]
    assert "diagnosis_instance" not in count

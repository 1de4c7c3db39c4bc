"""A list costs as many queries for many rows as for one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from diagnosis.models import Condition
from tests.factories import (
    AnalysisFactory,
    ApiTokenFactory,
    ConditionFactory,
    ExplanationFactory,
    FindingFactory,
    ModelVersionFactory,
    ReviewFactory,
    ReviewFindingFactory,
    SimilarInstanceFactory,
    UploadFactory,
)
from tests.rest_fixture import Api

LISTS = {
    "analyses": 8,
    "conditions": 4,
    "explanations": 4,
    "examination-types": 4,
    "instances": 4,
    "model-versions": 4,
    "reviews": 5,
    "studies": 4,
    "tokens": 4,
    "uploads": 4,
}


def add_rows(reader: User, condition: Condition) -> None:
    kind = condition.examination_type
    analysis = AnalysisFactory.create(
        instance__series__study__owner=reader,
        instance__series__study__examination_type=kind,
        model_version=ModelVersionFactory.create(),
    )
    FindingFactory.create(analysis=analysis, condition=condition)
    ExplanationFactory.create(finding=FindingFactory.create(analysis=analysis))
    near = AnalysisFactory.create(instance__series__study__owner=reader).instance
    SimilarInstanceFactory.create(analysis=analysis, instance=near, rank=1)
    review = ReviewFactory.create(study=analysis.instance.series.study)
    ReviewFindingFactory.create(review=review, condition=condition)
    ReviewFindingFactory.create(review=review)
    ConditionFactory.create(examination_type=kind)
    UploadFactory.create(uploaded_by=reader, instance=analysis.instance)
    ApiTokenFactory.create(user=reader)


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize("name", LISTS)
def test_the_queries_of_a_list_do_not_grow_with_its_rows(
    api: Api, reader: User, condition: Condition, name: str, blind: bool
) -> None:
    reader.blind_first = blind
    reader.save()
    client = api(reader)
    counts, rows = [], []
    for _ in range(2):
        add_rows(reader, condition)
        add_rows(reader, condition)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            rows.append(len(client.get(f"/api/v1/{name}").json()["results"]))
        counts.append(len(queries))
    assert rows[1] > rows[0] > 1
    assert counts[1] <= counts[0] <= LISTS[name], [query["sql"] for query in queries]

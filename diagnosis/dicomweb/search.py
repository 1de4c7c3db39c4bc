"""Find studies, series and instances for QIDO-RS (PS3.18 10.6)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import User
from diagnosis.dicomweb.addresses import Addresses
from diagnosis.dicomweb.attributes import Level
from diagnosis.dicomweb.matching import conditions
from diagnosis.dicomweb.query import SearchQuery
from diagnosis.dicomweb.rows import Values, as_json, instance_values, series_values, study_values
from diagnosis.models import Instance, Series, Study
from diagnosis.selectors.dicom_files import DEFAULT_MODALITY


@dataclass(frozen=True)
class Page:
    """One page of a search."""

    rows: list[dict[str, Any]]
    more: bool


@dataclass(frozen=True)
class Scope:
    """What of the address narrows a search."""

    study: str = ""
    series: str = ""


def search_studies(user: User, query: SearchQuery, *, addresses: Addresses) -> Page:
    """Return the studies with an image that the user may see; of twins under one UID, the first."""
    visible = Study.objects.visible_to(user).filter(
        Exists(Instance.objects.visible_to(user).filter(series__study=OuterRef("pk")))
    )
    found = visible.filter(conditions(query, level=Level.STUDY)).filter(
        ~Exists(_earlier(visible, "study_instance_uid"))
    )
    rows, more = _page(found.select_related("patient").order_by("-created_at", "id"), query=query)
    facts = _study_facts(user, [study.study_instance_uid for study in rows])
    return Page(
        [
            _shown(
                {**study_values(study, addresses=addresses), **facts[study.study_instance_uid]},
                query=query,
                level=Level.STUDY,
            )
            for study in rows
        ],
        more,
    )


def search_series(user: User, query: SearchQuery, *, scope: Scope, addresses: Addresses) -> Page:
    """Return the series with an image that the user may see."""
    shown = Instance.objects.visible_to(user)
    visible = Series.objects.filter(Exists(shown.filter(series=OuterRef("pk"))))
    narrowed = visible.filter(study__study_instance_uid=scope.study) if scope.study else visible
    found = narrowed.filter(conditions(query, level=Level.SERIES)).select_related("study__patient")
    rows, more = _page(found.order_by("-study__created_at", "series_number", "id"), query=query)
    counts = dict(shown.filter(series__in=rows).values_list("series").annotate(Count("pk")).order_by())
    return Page(
        [
            _shown(
                {
                    **series_values(series, addresses=addresses),
                    "NumberOfSeriesRelatedInstances": counts.get(series.pk, 0),
                },
                query=query,
                level=Level.SERIES,
            )
            for series in rows
        ],
        more,
    )


def search_instances(user: User, query: SearchQuery, *, scope: Scope, addresses: Addresses) -> Page:
    """Return the instances that the user may see."""
    found = instances_in(user, scope).filter(conditions(query, level=Level.INSTANCE))
    rows, more = _page(found.order_by("-created_at", "id"), query=query)
    return Page(
        [
            _shown(instance_values(instance, addresses=addresses), query=query, level=Level.INSTANCE)
            for instance in rows
        ],
        more,
    )


def instances_in(user: User, scope: Scope) -> "QuerySet[Instance]":
    """Return the visible instances of a study or a series, with what is told of both."""
    narrowed = Q()
    if scope.study:
        narrowed &= Q(series__study__study_instance_uid=scope.study)
    if scope.series:
        narrowed &= Q(series__series_instance_uid=scope.series)
    visible: QuerySet[Instance] = Instance.objects.visible_to(user)
    return visible.filter(narrowed).select_related("series__study__patient")


def _earlier(visible: "QuerySet[Study]", uid: str) -> "QuerySet[Study]":
    """Return the visible studies under the same UID that came in before; another owner may have one."""
    earlier = Q(created_at__lt=OuterRef("created_at")) | Q(
        created_at=OuterRef("created_at"), pk__lt=OuterRef("pk")
    )
    return visible.filter(earlier, **{uid: OuterRef(uid)})


def _page(found: "QuerySet[Any]", *, query: SearchQuery) -> tuple[list[Any], bool]:
    rows = list(found[query.offset : query.offset + query.limit + 1])
    return rows[: query.limit], len(rows) > query.limit


def _study_facts(user: User, uids: Sequence[str]) -> dict[str, Values]:
    """Return modalities and counts for each study, in one query."""
    counted = (
        Instance.objects.visible_to(user)
        .filter(series__study__study_instance_uid__in=uids)
        .order_by()
        .values_list("series__study__study_instance_uid", "series__series_instance_uid", "series__modality")
        .annotate(Count("pk"))
    )
    modalities: defaultdict[str, set[str]] = defaultdict(set)
    series: defaultdict[str, set[str]] = defaultdict(set)
    instances: defaultdict[str, int] = defaultdict(int)
    for study_uid, series_uid, modality, count in counted:
        modalities[study_uid].add(modality or DEFAULT_MODALITY)
        series[study_uid].add(series_uid)
        instances[study_uid] += count
    return {
        uid: {
            "ModalitiesInStudy": sorted(modalities[uid]),
            "NumberOfStudyRelatedSeries": len(series[uid]),
            "NumberOfStudyRelatedInstances": instances[uid],
        }
        for uid in uids
    }


def _shown(values: Values, *, query: SearchQuery, level: Level) -> dict[str, Any]:
    return as_json(values, keywords=query.returned(level=level))

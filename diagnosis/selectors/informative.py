"""The studies of the worklist in the order in which the next training would gain most from their labels.

Only what is unread and was looked at by a model is ordered. An image whose result was
withheld stands behind those that have one: whether anything is to be learned from it is
for its reader to say. A reader who reads blind gets an order that is made without the
model's answers, which would else show through it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any
from uuid import UUID

import numpy as np
from django.core.cache import cache
from django.db.models import QuerySet

from accounts.models import User
from diagnosis.models import Analysis, Finding, Instance, Study
from mlcore.engine.inference.label_order import entropy, label_order
from mlcore.engine.types import FloatArray
from mlcore.models import Embedding

ORDERED = 1000
"""Unread studies that are ordered, the newest; older ones follow as they came."""
LABELED = 2000
"""Signed images that count as seen, the newest."""

KEPT_SECONDS = 300
LOOKED_UP = 100

Place = tuple[str, str]
"""An embedding version, and the instance that lies in its space."""


def most_informative(studies: "QuerySet[Any]", *, user: User) -> list[UUID]:
    """Return the keys of the first `ORDERED` of a list, in an order that is kept for `KEPT_SECONDS`.

    So whoever goes through it can go back, and waits for the order once. What was
    signed meanwhile has left it, and what has come stands at its end.
    """
    rows, name = list(_newest(studies)), _name(studies, user)
    kept = cache.get(name)
    if kept is None:
        kept = _in_order(rows, user=user)
        cache.set(name, kept, KEPT_SECONDS)
        return list(kept)
    there, known = {pk for pk, _ in rows}, set(kept)
    return [pk for pk in kept if pk in there] + [pk for pk, _ in rows if pk not in known]


def keys_in_order(studies: "QuerySet[Any]", *, user: User, begin: int, end: int) -> list[UUID]:
    """Return a slice of the order; what lies past the first `ORDERED` follows as it came."""
    kept = cache.get(_name(studies, user), [])
    first = list(islice(_still_there(kept, studies), end))
    if len(first) == end:
        return first[begin:]
    keys = most_informative(studies, user=user)
    if end > ORDERED:
        keys += studies.order_by("-created_at", "pk").values_list("pk", flat=True)[ORDERED:end]
    return keys[begin:end]


def _newest(studies: "QuerySet[Any]") -> "QuerySet[Any, tuple[UUID, UUID]]":
    """Return the keys of the first `ORDERED` and of their latest analyses."""
    return studies.order_by("-created_at", "pk").values_list("pk", "latest_analysis_id")[:ORDERED]


def _name(studies: "QuerySet[Any]", user: User) -> str:
    """Return the name under which the order of a list is kept for the user."""
    asked = (str(user.pk), user.blind_first, *_newest(studies).query.sql_with_params())
    return f"informative:{sha256(repr(asked).encode()).hexdigest()}"


def _still_there(kept: Sequence[UUID], studies: "QuerySet[Any]") -> Iterator[UUID]:
    """Yield those of a kept order that are on the list yet, looked up a few at a time."""
    left = iter(kept)
    while keys := list(islice(left, LOOKED_UP)):
        there = set(studies.order_by().filter(pk__in=keys).values_list("pk", flat=True))
        yield from (pk for pk in keys if pk in there)


def _in_order(rows: "Sequence[tuple[UUID, UUID]]", *, user: User) -> list[UUID]:
    """Order studies, given with their latest analyses, by seven queries."""
    places = _places([analysis for _, analysis in rows])
    uncertain = None if user.blind_first else _entropies(places)
    vectors = _vectors(places.values())
    labeled = _labeled({version for version, _ in vectors}, user=user)
    spaces: dict[str, list[tuple[UUID, float, FloatArray]]] = defaultdict(list)
    for pk, analysis in rows:
        place = places.get(analysis)
        if place in vectors:
            doubt = 1.0 if uncertain is None else uncertain.get(analysis, 0.0)
            spaces[place[0]].append((pk, doubt, vectors[place]))
    ranked = [_ranked(members, labeled=labeled[version]) for version, members in sorted(spaces.items())]
    order = [pk for _, pk in sorted((at, pk) for one in ranked for at, pk in enumerate(one))]
    placed = set(order)
    return [*order, *(pk for pk, _ in rows if pk not in placed)]


def _places(analyses: Sequence[UUID]) -> dict[UUID, Place]:
    """Return the space and the image of each analysis."""
    rows = Analysis.objects.filter(pk__in=analyses).order_by()
    facts = rows.values_list("pk", "model_version__embedding_version", "instance_id")
    return {pk: (version, str(instance)) for pk, version, instance in facts}


def _entropies(analyses: Iterable[UUID]) -> dict[UUID, float]:
    """Return how unsure each analysis is; one that was withheld is not among them."""
    said: dict[UUID, list[float]] = defaultdict(list)
    findings = Finding.objects.filter(analysis__in=list(analyses)).order_by()
    for pk, probability in findings.values_list("analysis_id", "probability"):
        said[pk].append(probability)
    return {pk: float(entropy(np.array(found, np.float32))) for pk, found in said.items()}


def _vectors(places: Iterable[Place]) -> dict[Place, FloatArray]:
    wanted = list(places)
    rows = Embedding.objects.filter(
        embedding_version__in={version for version, _ in wanted},
        source_id__in=[instance for _, instance in wanted],
    ).order_by()
    facts = rows.values_list("embedding_version", "source_id", "vector")
    return {(version, instance): _as_array(vector) for version, instance, vector in facts}


def _labeled(versions: set[str], *, user: User) -> Mapping[str, list[FloatArray]]:
    """Return, by space, where the signed images lie that the user may see."""
    # The studies first: nobody need look at every image of the site to find the newest signed ones.
    signed = Study.objects.visible_to(user).filter(is_signed=True).order_by("-created_at", "pk")
    studies = list(signed.values_list("pk", flat=True)[:LABELED])
    seen = Instance.objects.filter(series__study__in=studies, quarantined_at=None)
    seen = seen.order_by("-created_at", "id")
    keys = [str(pk) for pk in seen.values_list("pk", flat=True)[:LABELED]]
    found: dict[str, list[FloatArray]] = defaultdict(list)
    rows = Embedding.objects.filter(embedding_version__in=versions, source_id__in=keys).order_by()
    for version, vector in rows.values_list("embedding_version", "vector"):
        found[version].append(_as_array(vector))
    return found


def _ranked(
    members: Sequence[tuple[UUID, float, FloatArray]], *, labeled: Sequence[FloatArray]
) -> list[UUID]:
    vectors = np.stack([vector for _, _, vector in members])
    known = np.stack(labeled) if labeled else vectors[:0]
    doubts = np.array([doubt for _, doubt, _ in members], np.float32)
    return [members[at][0] for at in label_order(doubts, vectors, labeled=known)]


def _as_array(stored: bytes | memoryview) -> FloatArray:
    return np.asarray(np.frombuffer(bytes(stored), dtype="<f4"), np.float32)

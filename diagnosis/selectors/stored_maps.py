"""Which stored maps belong to whom: equal maps are one file."""

from django.db.models import QuerySet

from diagnosis.models import Explanation, Finding, Instance


def maps_of_nobody_else(instance: Instance) -> set[str]:
    """Return where the maps of an image are stored that no other image shows."""
    of_findings = Finding.objects.filter(analysis__instance=instance)
    of_explanations = Explanation.objects.filter(finding__analysis__instance=instance)
    keys = {*_keys(of_findings), *_keys(of_explanations)} - {""}
    others = Finding.objects.filter(saliency_key__in=keys).exclude(analysis__instance=instance)
    drawn = Explanation.objects.filter(saliency_key__in=keys).exclude(finding__analysis__instance=instance)
    return keys - {*_keys(others), *_keys(drawn)}


def maps_of_nobody(keys: set[str]) -> set[str]:
    """Return those of the keys that no row names."""
    named = {
        *_keys(Finding.objects.filter(saliency_key__in=keys)),
        *_keys(Explanation.objects.filter(saliency_key__in=keys)),
    }
    return keys - named


def _keys(rows: "QuerySet[Finding] | QuerySet[Explanation]") -> list[str]:
    return list(rows.values_list("saliency_key", flat=True))

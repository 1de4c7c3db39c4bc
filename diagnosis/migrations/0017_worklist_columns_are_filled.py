from django.db import migrations
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce


def fill(apps, _editor):
    """Enter for the studies that are there what new ones get as they go."""
    study = apps.get_model("diagnosis", "Study")
    analysis = apps.get_model("diagnosis", "Analysis")
    finding = apps.get_model("diagnosis", "Finding")
    shown = analysis.objects.filter(instance__series__study=OuterRef("pk"), instance__quarantined_at=None)
    latest = shown.order_by(Coalesce(F("requested_at"), F("requested_at")).desc(), "id").values("pk")[:1]
    top = finding.objects.filter(analysis=OuterRef("latest_analysis")).order_by("-probability")
    study.objects.update(latest_analysis=Subquery(latest))
    study.objects.update(ranked_probability=Coalesce(Subquery(top.values("probability")[:1]), -1.0))
    signed = apps.get_model("diagnosis", "Review").objects.filter(state="signed")
    study.objects.filter(pk__in=signed.values("study")).update(is_signed=True)


class Migration(migrations.Migration):
    dependencies = [("diagnosis", "0016_worklist_columns")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]

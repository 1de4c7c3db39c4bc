from django.db import migrations
from django.db.models import Exists, OuterRef, Q


def fill(apps, _editor):
    """Enter for the studies that are there what new ones get when a review is signed."""
    review = apps.get_model("diagnosis", "Review")
    finding = apps.get_model("diagnosis", "ReviewFinding")
    differs = finding.objects.filter(
        Q(verdict="present", suggested_by_model=False) | Q(verdict="absent", suggested_by_model=True),
        review=OuterRef("pk"),
    )
    later = review.objects.filter(amends=OuterRef("pk"), state="signed")
    standing = review.objects.filter(~Exists(later), Exists(differs), state="signed", study=OuterRef("pk"))
    apps.get_model("diagnosis", "Study").objects.update(reader_differs=Exists(standing))


class Migration(migrations.Migration):
    dependencies = [("diagnosis", "0018_readers_differ")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]

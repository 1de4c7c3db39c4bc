"""Patient -> study -> series -> instance, in DICOM's own words."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from mlcore.models import ExaminationType

NOT_RANKED = -1.0
"""Stands for a probability that there is none of, at the end of every order."""


class Sex(models.TextChoices):
    """DICOM (0010,0040)."""

    FEMALE = "F", _("Female")
    MALE = "M", _("Male")
    OTHER = "O", _("Other")


class Patient(models.Model):
    """A patient under a pseudonym; nothing here leads back to a name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pseudonym = models.CharField(max_length=64, unique=True)
    sex = models.CharField(max_length=1, choices=Sex, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pseudonym"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sex="") | models.Q(sex__in=Sex.values), name="patient_sex_known"
            )
        ]

    def __str__(self) -> str:
        return self.pseudonym


class StudyQuerySet(models.QuerySet["Study"]):
    """Choices of studies."""

    def visible_to(self, user: User) -> "StudyQuerySet":
        """Return the studies `user` may see: their own, those shared with them, or all."""
        if user.sees_everything:
            return self
        if not user.is_active:
            return self.none()
        shared = Study.readers.through.objects.filter(user_id=user.pk).values("study_id")
        return self.filter(models.Q(owner=user) | models.Q(pk__in=shared))

    def visible_one_by_one(self, user: User) -> "StudyQuerySet":
        """Return the same, asked of each study in turn: for a list that is left after a few of them."""
        if user.sees_everything or not user.is_active:
            return self.visible_to(user)
        shared = Study.readers.through.objects.filter(user_id=user.pk, study_id=models.OuterRef("pk"))
        return self.filter(models.Q(owner=user) | models.Exists(shared))


class Study(models.Model):
    """One examination of one patient, as one owner brought it in."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="owned_studies")
    readers = models.ManyToManyField(User, related_name="shared_studies", blank=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="studies")
    examination_type = models.ForeignKey(ExaminationType, on_delete=models.PROTECT, related_name="studies")
    study_instance_uid = models.CharField(max_length=64)
    description = models.CharField(max_length=200, blank=True)
    patient_age_years = models.PositiveSmallIntegerField(null=True, blank=True)
    study_date = models.DateField(
        null=True, blank=True, help_text="As in the DICOM files: moved by a number of days that nobody knows."
    )
    revision = models.PositiveIntegerField(default=1, help_text="Counts the changes to the information.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # What the worklist orders and filters by, kept here so that no list has to work it out of
    # all analyses and reviews: see diagnosis.latest.
    latest_analysis = models.ForeignKey(
        "Analysis", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    ranked_probability = models.FloatField(
        default=NOT_RANKED,
        editable=False,
        help_text="The highest one of the latest analysis; below zero where there is none.",
    )
    is_signed = models.BooleanField(
        default=False, editable=False, help_text="Whether any reader has signed a review."
    )
    reader_differs = models.BooleanField(
        default=False, editable=False, help_text="Whether a standing review says other than the model had."
    )

    objects: ClassVar = StudyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]
        verbose_name_plural = "studies"
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="study_by_owner"),
            models.Index(fields=["-created_at", "id"], name="study_by_time"),
            models.Index(fields=["patient", "-created_at"], name="study_by_patient"),
            models.Index(fields=["study_instance_uid"], name="study_by_uid"),
            models.Index(fields=["study_date"], name="study_by_date"),
            models.Index(fields=["-ranked_probability", "-created_at", "id"], name="study_by_probability"),
            models.Index(
                fields=["-created_at", "id"], name="study_unread", condition=models.Q(is_signed=False)
            ),
            models.Index(
                fields=["-created_at", "id"], name="study_disputed", condition=models.Q(reader_differs=True)
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["owner", "study_instance_uid"], name="study_uid_once_an_owner"),
            models.CheckConstraint(
                condition=models.Q(patient_age_years=None) | models.Q(patient_age_years__lte=120),
                name="study_age_possible",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.examination_type} of {self.patient}"


class Series(models.Model):
    """Images of one study that were taken together."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="series")
    series_instance_uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=16, blank=True)
    body_part_examined = models.CharField(max_length=16, blank=True)
    laterality = models.CharField(max_length=2, blank=True)
    series_number = models.IntegerField(null=True, blank=True)

    class Meta:
        ordering = ["series_number", "series_instance_uid"]
        verbose_name_plural = "series"
        indexes = [models.Index(fields=["series_instance_uid"], name="series_by_uid")]
        constraints = [
            models.UniqueConstraint(fields=["study", "series_instance_uid"], name="series_uid_once_a_study"),
        ]

    def __str__(self) -> str:
        return f"series {self.series_number or ''} of {self.study_id}"


class InstanceQuerySet(models.QuerySet["Instance"]):
    """Choices of instances."""

    def visible_to(self, user: User) -> "InstanceQuerySet":
        """Return the instances of the studies `user` may see; those in quarantine to oversight alone."""
        if user.sees_everything:
            return self
        return self.filter(series__study__in=Study.objects.visible_to(user), quarantined_at=None)


class Instance(models.Model):
    """One stored image. Its file is named by its content, so the same bytes are one instance."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="instances")
    sop_instance_uid = models.CharField(max_length=64)
    sop_class_uid = models.CharField(max_length=64, blank=True)
    instance_number = models.IntegerField(null=True, blank=True)
    content_key = models.CharField(max_length=200, unique=True)
    format = models.CharField(max_length=8)
    byte_count = models.PositiveBigIntegerField()
    rows = models.PositiveIntegerField()
    columns = models.PositiveIntegerField()
    frame_count = models.PositiveIntegerField(default=1)
    bits_stored = models.PositiveSmallIntegerField()
    photometric_interpretation = models.CharField(max_length=32)
    transfer_syntax_uid = models.CharField(max_length=64, blank=True)
    view_position = models.CharField(max_length=16, blank=True)
    pixel_spacing_row = models.FloatField(null=True, blank=True, help_text="mm")
    pixel_spacing_column = models.FloatField(null=True, blank=True, help_text="mm")
    window_center = models.FloatField(null=True, blank=True)
    window_width = models.FloatField(null=True, blank=True)
    burned_in_annotation = models.BooleanField(
        default=False, help_text="The file says that its pixels may show a name."
    )
    quarantined_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when only those who oversee the site may see it."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = InstanceQuerySet.as_manager()

    class Meta:
        ordering = ["series", "instance_number", "created_at", "id"]
        indexes = [
            models.Index(fields=["-created_at", "id"], name="instance_by_time"),
            models.Index(fields=["sop_instance_uid"], name="instance_by_uid"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["series", "sop_instance_uid"], name="instance_uid_once_a_series"),
        ]

    def __str__(self) -> str:
        return f"{self.format} {self.columns}x{self.rows}"

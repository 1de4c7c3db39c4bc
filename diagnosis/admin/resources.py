"""What goes out in a file, and comes in by one: conditions, and studies without identity."""

from typing import Any

from django.core.exceptions import ValidationError
from import_export import fields, resources, widgets

from accounts.services import audit
from diagnosis.models import Condition, ConditionState, Study
from mlcore.models import ExaminationType

MOST_CONDITIONS = 2000


class StudyResource(resources.ModelResource):  # type: ignore[misc]
    """Studies by their ids; no pseudonym, owner, UID or free text."""

    examination_type = fields.Field(column_name="examination_type", attribute="examination_type__code")
    images = fields.Field(column_name="images", attribute="image_count")
    signed_reviews = fields.Field(column_name="signed_reviews", attribute="review_count")

    class Meta:
        model = Study
        fields = (
            "id",
            "examination_type",
            "patient_age_years",
            "created_at",
            "images",
            "signed_reviews",
        )
        export_order = fields


class ExaminationTypeWidget(widgets.ForeignKeyWidget):  # type: ignore[misc]
    """An examination type by its code."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        """Return the type, or say which one there is not."""
        try:
            return super().clean(value, row, **kwargs)
        except ExaminationType.DoesNotExist as error:
            raise ValueError(f"There is no examination type with the code “{value}”.") from error


class ConditionResource(resources.ModelResource):  # type: ignore[misc]
    """Conditions, known by examination type and code. A new one is approved, as one that is added by hand.

    The state of a known one is not taken in: it changes by actions that ask for a reason.
    """

    examination_type = fields.Field(
        column_name="examination_type",
        attribute="examination_type",
        widget=ExaminationTypeWidget(ExaminationType, "code"),
    )
    state = fields.Field(column_name="state", attribute="state", readonly=True)

    class Meta:
        model = Condition
        import_id_fields = ("examination_type", "code")
        fields = ("examination_type", "code", "name", "coding_scheme", "coding_value", "state")
        export_order = fields
        clean_model_instances = True
        skip_unchanged = True
        report_skipped = True
        use_transactions = True

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        """Refuse a file of another kind or size before a row is looked at."""
        missing = {"examination_type", "code", "name"} - set(dataset.headers or ())
        if missing:
            raise ValidationError(f"The file lacks these columns: {', '.join(sorted(missing))}.")
        if len(dataset) > MOST_CONDITIONS:
            raise ValidationError(f"The file holds more than {MOST_CONDITIONS} conditions.")

    def save_instance(self, instance: Condition, is_create: bool, row: Any, **kwargs: Any) -> None:
        """Store one condition with its entry in the audit trail."""
        user = kwargs["user"]
        if is_create:
            instance.state, instance.proposed_by = ConditionState.APPROVED, user
        super().save_instance(instance, is_create, row, **kwargs)
        audit.record(
            "condition.create" if is_create else "condition.change",
            by=user,
            target=instance,
            reason="Imported from a file.",
            details={name: row.get(name) for name in ("name", "coding_scheme", "coding_value")},
        )

"""Studies as the REST interface shows them."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import UserBriefSerializer
from accounts.models import User
from diagnosis.api.serializers.blinding import BlindedSerializer
from diagnosis.models import AnalysisState, Instance, Patient, Series, Sex, Study
from diagnosis.services.studies import EDITABLE
from diagnosis.services.worklist import readers_to_assign
from mlcore.models import ExaminationType

OLDEST = 120


class PatientSerializer(serializers.ModelSerializer[Patient]):
    """A patient under a pseudonym."""

    class Meta:
        model = Patient
        fields = ["pseudonym", "sex"]


class SeriesSerializer(serializers.ModelSerializer[Series]):
    """Images that were taken together, by their ids."""

    instances = serializers.PrimaryKeyRelatedField[Instance](many=True, read_only=True)

    class Meta:
        model = Series
        fields = [
            "id",
            "series_instance_uid",
            "modality",
            "body_part_examined",
            "laterality",
            "series_number",
            "instances",
        ]


class StudySerializer(BlindedSerializer):
    """A study, with the state of its latest analysis and of its reading."""

    answer_fields = ("withheld_reason", "top_condition", "top_probability", "suggested", "disagreement")

    examination_type = serializers.SlugRelatedField[ExaminationType](slug_field="code", read_only=True)
    patient = PatientSerializer()
    owner = UserBriefSerializer()
    latest_state = serializers.ChoiceField(choices=AnalysisState.choices, allow_null=True)
    withheld_reason = serializers.CharField(allow_null=True)
    top_condition = serializers.CharField(allow_null=True)
    top_probability = serializers.FloatField(allow_null=True)
    suggested = serializers.BooleanField(allow_null=True)
    disagreement = serializers.BooleanField(allow_null=True, help_text="Reader and model disagree.")
    signed_at = serializers.DateTimeField(allow_null=True)
    signed_by_name = serializers.CharField(allow_null=True)

    class Meta:
        model = Study
        fields = [
            "id",
            "examination_type",
            "patient",
            "patient_age_years",
            "description",
            "study_instance_uid",
            "owner",
            "revision",
            "created_at",
            "latest_state",
            "answers_hidden",
            "withheld_reason",
            "top_condition",
            "top_probability",
            "suggested",
            "disagreement",
            "signed_at",
            "signed_by_name",
        ]


class StudyDetailSerializer(StudySerializer):
    """A study with its series and instances."""

    series = SeriesSerializer(many=True)

    class Meta(StudySerializer.Meta):
        fields = [*StudySerializer.Meta.fields, "series"]


class AssignmentSerializer(serializers.Serializer[Any]):
    """Who is asked to read a study."""

    reader = serializers.SlugRelatedField[User](
        slug_field="email", queryset=readers_to_assign(), help_text="Address of an active reader."
    )


class StudyChangeSerializer(serializers.Serializer[Any]):
    """What is to be changed about a study, and why."""

    description = serializers.CharField(required=False, allow_blank=True, max_length=200)
    patient_age_years = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=OLDEST
    )
    patient_sex = serializers.ChoiceField(required=False, allow_blank=True, choices=Sex.choices)
    reason = serializers.CharField(max_length=500)

    @property
    def changes(self) -> dict[str, Any]:
        """Return what was given of the information."""
        return {name: self.validated_data[name] for name in EDITABLE if name in self.validated_data}

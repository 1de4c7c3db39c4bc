"""Conditions as the REST interface shows them."""

from typing import Any

from rest_framework import serializers

from diagnosis.models import Condition
from mlcore.models import ExaminationType


class ConditionBriefSerializer(serializers.ModelSerializer[Condition]):
    """A condition, as a finding names it."""

    class Meta:
        model = Condition
        fields = ["id", "code", "name"]


class ConditionSerializer(serializers.ModelSerializer[Condition]):
    """A condition with its coding and its state."""

    examination_type = serializers.SlugRelatedField[ExaminationType](slug_field="code", read_only=True)
    merged_into = serializers.SlugRelatedField[Condition](slug_field="code", read_only=True, allow_null=True)

    class Meta:
        model = Condition
        fields = [
            "id",
            "examination_type",
            "code",
            "name",
            "coding_scheme",
            "coding_value",
            "state",
            "merged_into",
            "created_at",
        ]


class ProposalSerializer(serializers.Serializer[Any]):
    """A condition that is to be proposed."""

    examination_type = serializers.SlugRelatedField[ExaminationType](
        slug_field="code", queryset=ExaminationType.objects.all()
    )
    name = serializers.CharField(max_length=120)


class ConditionDecisionSerializer(serializers.Serializer[Any]):
    """Why it is decided so."""

    reason = serializers.CharField(max_length=1000)


class ConditionMergerSerializer(ConditionDecisionSerializer):
    """Which condition it becomes another name of, and why."""

    into = serializers.PrimaryKeyRelatedField[Condition](queryset=Condition.objects.all())

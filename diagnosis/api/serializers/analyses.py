"""What a model said of an instance, as the REST interface shows it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from diagnosis.api.serializers.blinding import BlindedSerializer
from diagnosis.api.serializers.conditions import ConditionBriefSerializer
from diagnosis.models import Analysis, Finding, SimilarInstance
from diagnosis.reporting.facts import NOTICE
from mlcore.api.serializers import ModelVersionBriefSerializer


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """The model's answer for one condition."""

    condition = ConditionBriefSerializer()
    overlay = serializers.HyperlinkedIdentityField(view_name="api:finding-overlay")

    class Meta:
        model = Finding
        fields = ["id", "condition", "probability", "operating_point", "suggested", "overlay"]


class FindingRowSerializer(FindingSerializer):
    """A finding outside of its analysis, and what it was found in."""

    analysis = serializers.UUIDField(source="analysis_id", read_only=True)
    instance = serializers.UUIDField(source="analysis.instance_id", read_only=True)  # type: ignore[assignment]
    study = serializers.UUIDField(source="analysis.instance.series.study_id", read_only=True)
    model_version = ModelVersionBriefSerializer(source="analysis.model_version", read_only=True)
    notice = serializers.SerializerMethodField(help_text="To be shown with every result.")

    class Meta(FindingSerializer.Meta):
        fields = [
            *FindingSerializer.Meta.fields,
            "analysis",
            "instance",
            "study",
            "model_version",
            "notice",
        ]

    def get_notice(self, finding: Finding) -> str:
        """Return the words that belong to every result."""
        return NOTICE


class SimilarInstanceSerializer(serializers.ModelSerializer[SimilarInstance]):
    """An instance near the analyzed one."""

    study = serializers.UUIDField(source="instance.series.study_id", read_only=True)

    class Meta:
        model = SimilarInstance
        fields = ["rank", "distance", "instance", "study"]


class AnalysisSerializer(BlindedSerializer):
    """One model version's answer about one instance; a withheld one carries no score."""

    answer_fields = ("findings", "similar_instances", "quality", "withheld_reason", "withheld_message")

    study = serializers.UUIDField(source="instance.series.study_id", read_only=True)
    model_version = ModelVersionBriefSerializer()
    findings = FindingSerializer(many=True)
    similar_instances = SimilarInstanceSerializer(many=True)
    quality = serializers.SerializerMethodField()
    withheld_reason = serializers.CharField(allow_null=True)
    withheld_message = serializers.CharField(allow_null=True)
    notice = serializers.SerializerMethodField(help_text="To be shown with every result.")

    class Meta:
        model = Analysis
        fields = [
            "id",
            "instance",
            "study",
            "model_version",
            "state",
            "requested_at",
            "started_at",
            "finished_at",
            "frame_index",
            "answers_hidden",
            "findings",
            "similar_instances",
            "quality",
            "saliency_method",
            "withheld_reason",
            "withheld_message",
            "failure_code",
            "failure_message",
            "notice",
        ]

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "number"}, "nullable": True})
    def get_quality(self, analysis: Analysis) -> dict[str, float]:
        """Return the measurements of the image."""
        return analysis.quality

    def get_notice(self, analysis: Analysis) -> str:
        """Return the words that belong to every result."""
        return NOTICE


class AnalysisRequestSerializer(serializers.Serializer[Any]):
    """Which image the active model is to look at, and why."""

    instance = serializers.UUIDField()
    reason = serializers.CharField(max_length=500)


class RetrySerializer(serializers.Serializer[Any]):
    """Why an analysis is repeated."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)

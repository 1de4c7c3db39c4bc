"""Examination types and model versions as the REST interface shows them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from mlcore.models import ExaminationType, ModelVersion


class ExaminationTypeSerializer(serializers.ModelSerializer[ExaminationType]):
    """A type of examination."""

    class Meta:
        model = ExaminationType
        fields = ["code", "name", "description", "modality", "body_part_examined"]


class OperatingPointSerializer(serializers.Serializer[Any]):
    """Where a probability becomes a suggestion, and what that was measured to give."""

    threshold = serializers.FloatField()
    sensitivity = serializers.FloatField()
    specificity = serializers.FloatField()
    sensitivity_interval = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    specificity_interval = serializers.ListField(child=serializers.FloatField(), allow_null=True)


class ModelVersionBriefSerializer(serializers.ModelSerializer[ModelVersion]):
    """A model version, as an answer names it."""

    class Meta:
        model = ModelVersion
        fields = ["id", "name", "version", "state"]


class ModelVersionSerializer(serializers.ModelSerializer[ModelVersion]):
    """A model version with what was measured of it."""

    examination_type = serializers.SlugRelatedField[ExaminationType](slug_field="code", read_only=True)
    classes = serializers.ListField(child=serializers.CharField())
    limits = serializers.ListField(child=serializers.CharField())
    operating_points = serializers.DictField(child=OperatingPointSerializer())
    metrics = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = [
            "id",
            "examination_type",
            "version",
            "state",
            "name",
            "architecture",
            "classes",
            "operating_points",
            "metrics",
            "intended_use",
            "limits",
            "embedding_version",
            "dataset_sha256",
            "artifact_sha256",
            "trained_at",
            "registered_at",
            "activated_at",
            "retired_at",
        ]

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "number"}})
    def get_metrics(self, version: ModelVersion) -> dict[str, float]:
        """Return the measured figures."""
        return version.metrics


class ActivationSerializer(serializers.Serializer[Any]):
    """Why a model version is activated."""

    reason = serializers.CharField(max_length=500)


class ChangeReportSerializer(serializers.Serializer[Any]):
    """What a model version changed; what is not known is null."""

    version = serializers.DictField()
    before = serializers.DictField(allow_null=True)
    changed = serializers.DictField()
    datasets = serializers.DictField(allow_null=True)
    plan = serializers.DictField(allow_null=True)
    gate = serializers.DictField(allow_null=True)
    decision = serializers.DictField(allow_null=True)

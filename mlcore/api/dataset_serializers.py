"""Datasets as the REST interface shows them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from mlcore.models import DatasetItem, DatasetLabel, DatasetVersion, ExaminationType


class DatasetVersionSerializer(serializers.ModelSerializer[DatasetVersion]):
    """A frozen dataset version."""

    examination_type = serializers.SlugRelatedField[ExaminationType](slug_field="code", read_only=True)
    counts = serializers.SerializerMethodField()

    class Meta:
        model = DatasetVersion
        fields = [
            "id",
            "examination_type",
            "number",
            "manifest_sha256",
            "item_count",
            "counts",
            "note",
            "created_at",
        ]

    @extend_schema_field(
        {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer"}},
        }
    )
    def get_counts(self, version: DatasetVersion) -> dict[str, dict[str, int]]:
        """Return, by fold, how many images there are (`*`) and how many with each condition present."""
        return version.counts


class FreezeSerializer(serializers.Serializer[Any]):
    """What is to be frozen."""

    examination_type = serializers.SlugRelatedField[ExaminationType](
        slug_field="code", queryset=ExaminationType.objects.all()
    )
    note = serializers.CharField(max_length=300, default="", allow_blank=True)


class RelabeledSerializer(serializers.Serializer[Any]):
    """The labels of one image in both versions."""

    before = serializers.DictField(child=serializers.BooleanField())
    after = serializers.DictField(child=serializers.BooleanField())


class ComparisonSerializer(serializers.Serializer[Any]):
    """How one version differs from another; images are named by the key of their content."""

    added = serializers.ListField(child=serializers.CharField())
    removed = serializers.ListField(child=serializers.CharField())
    relabeled = serializers.DictField(child=RelabeledSerializer())


class DatasetLabelSerializer(serializers.ModelSerializer[DatasetLabel]):
    """What a reader or an import said of an image."""

    class Meta:
        model = DatasetLabel
        fields = ["condition", "present", "labeled_by", "origin_id", "model_answer_seen", "labeled_at"]


class DatasetItemSerializer(serializers.ModelSerializer[DatasetItem]):
    """One image that may be learned from, with the labels that count."""

    examination_type = serializers.SlugRelatedField[ExaminationType](slug_field="code", read_only=True)
    labels = DatasetLabelSerializer(many=True)

    class Meta:
        model = DatasetItem
        fields = [
            "id",
            "examination_type",
            "source_id",
            "content_key",
            "group",
            "fold",
            "state",
            "state_reason",
            "near_duplicate_of",
            "labels",
            "added_at",
        ]


class DecisionSerializer(serializers.Serializer[Any]):
    """Why it is decided so."""

    reason = serializers.CharField(max_length=1000)


class ResolutionSerializer(DecisionSerializer):
    """Which labels hold."""

    labels = serializers.DictField(
        child=serializers.BooleanField(),
        allow_empty=False,
        help_text="By code of each disputed condition: whether it is present.",
    )

"""Instances and uploads as the REST interface shows them."""

from typing import Any

from rest_framework import serializers

from diagnosis.api.serializers.analyses import AnalysisSerializer
from diagnosis.models import Instance, Upload
from mlcore.models import ExaminationType

SMALLEST_SIDE = 16
LARGEST_SIDE = 8192
LAST_FRAME = 65535


class InstanceSerializer(serializers.ModelSerializer[Instance]):
    """A stored image; its pixels are at `image`."""

    study = serializers.UUIDField(source="series.study_id", read_only=True)
    image = serializers.HyperlinkedIdentityField(view_name="api:instance-image")

    class Meta:
        model = Instance
        fields = [
            "id",
            "study",
            "series",
            "sop_instance_uid",
            "sop_class_uid",
            "instance_number",
            "format",
            "byte_count",
            "rows",
            "columns",
            "frame_count",
            "bits_stored",
            "photometric_interpretation",
            "transfer_syntax_uid",
            "view_position",
            "pixel_spacing_row",
            "pixel_spacing_column",
            "window_center",
            "window_width",
            "burned_in_annotation",
            "created_at",
            "image",
        ]


class UploadSerializer(serializers.ModelSerializer[Upload]):
    """A file that was handed in, and its verdict."""

    class Meta:
        model = Upload
        fields = [
            "id",
            "source",
            "state",
            "byte_count",
            "instance",
            "duplicate",
            "rejection_code",
            "rejection_message",
            "received_at",
            "finished_at",
        ]


class NewInstanceSerializer(serializers.Serializer[Any]):
    """A file to hand in."""

    file = serializers.FileField(allow_empty_file=True, max_length=None)
    examination_type = serializers.SlugRelatedField[ExaminationType](
        slug_field="code",
        queryset=ExaminationType.objects.all(),
        required=False,
        help_text="Code; may be left out where only one type has an active model.",
    )
    patient_identifier = serializers.CharField(
        required=False,
        max_length=200,
        help_text="Becomes a pseudonym by keyed hash and is not stored. DICOM files bring their own.",
    )


class UploadAnswerSerializer(serializers.Serializer[Any]):
    """What became of a file that was handed in."""

    upload = serializers.UUIDField()
    duplicate = serializers.BooleanField(help_text="The same bytes were here before.")
    instance = InstanceSerializer()
    analysis = AnalysisSerializer(allow_null=True)


class PictureQuerySerializer(serializers.Serializer[Any]):
    """Which picture of an instance is wanted."""

    frame = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=LAST_FRAME,
        help_text="Counts from 0; the middle frame where not given.",
    )
    max_side = serializers.IntegerField(
        required=False,
        min_value=SMALLEST_SIDE,
        max_value=LARGEST_SIDE,
        help_text="Shrinks the picture, in pixels.",
    )

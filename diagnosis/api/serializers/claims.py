"""Who reads a study now, as the REST interface shows it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import UserBriefSerializer
from diagnosis.models import Claim
from diagnosis.selectors.claims import Nobody


class ClaimSerializer(serializers.Serializer[Any]):
    """A claim; where nobody reads the study, `reader` and the times are null."""

    reader = UserBriefSerializer(allow_null=True, read_only=True)
    claimed_at = serializers.DateTimeField(allow_null=True, read_only=True)
    expires_at = serializers.DateTimeField(allow_null=True, read_only=True)
    is_mine = serializers.SerializerMethodField()

    @extend_schema_field(bool)
    def get_is_mine(self, claim: Claim | Nobody) -> bool:
        """Tell whether the caller is the reader."""
        return claim.reader is not None and claim.reader.pk == self.context["request"].user.pk

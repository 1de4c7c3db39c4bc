"""Users and tokens as the REST interface shows them."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import ApiToken, Scope, User

DEFAULT_LIFETIME = timedelta(days=90)


class UserBriefSerializer(serializers.ModelSerializer[User]):
    """A user as others see them."""

    class Meta:
        model = User
        fields = ["id", "full_name"]


class MeSerializer(serializers.ModelSerializer[User]):
    """The caller."""

    scopes = serializers.SerializerMethodField(
        help_text="What the token used for this request may do; null for a browser session."
    )

    class Meta:
        model = User
        fields = [
            "id",
            "email",
            "full_name",
            "role",
            "status",
            "time_zone",
            "blind_first",
            "registered_at",
            "scopes",
        ]

    @extend_schema_field({"type": "array", "items": {"type": "string"}, "nullable": True})
    def get_scopes(self, user: User) -> list[str] | None:
        """Return the scopes of the token in use."""
        token = self.context["request"].auth
        return token.scopes if isinstance(token, ApiToken) else None


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token without its secret."""

    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))

    class Meta:
        model = ApiToken
        fields = [
            "id",
            "name",
            "prefix",
            "scopes",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
            "is_usable",
        ]


class NewTokenSerializer(serializers.Serializer[Any]):
    """What a new token shall be."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.MultipleChoiceField(choices=Scope.choices, allow_empty=False)
    expires_at = serializers.DateTimeField(required=False, help_text="In 90 days where not given.")


class IssuedTokenSerializer(TokenSerializer):
    """A new token, with the secret that is shown this once."""

    secret = serializers.CharField(read_only=True, help_text="Shown this once; store it safely.")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]

"""What of users goes out in a file: who may do what, and no secret."""

from import_export.resources import ModelResource

from accounts.models import User


class UserResource(ModelResource):  # type: ignore[misc]
    """The list of users."""

    class Meta:
        model = User
        fields = ("id", "email", "full_name", "status", "role", "registered_at", "last_login")
        export_order = fields

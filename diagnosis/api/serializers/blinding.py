"""Leave out the model's answer where it is hidden from the caller."""

from typing import Any, ClassVar

from rest_framework import serializers


class BlindedSerializer(serializers.ModelSerializer[Any]):
    """Shows `answer_fields` empty on a row whose `answers_hidden` is true."""

    answer_fields: ClassVar[tuple[str, ...]] = ()

    answers_hidden = serializers.BooleanField(
        read_only=True, help_text="True until a blind reader has signed a first read of the study."
    )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return the row, without the answer where it is hidden."""
        shown: dict[str, Any] = super().to_representation(instance)
        if instance.answers_hidden:
            shown |= {name: [] if isinstance(shown[name], list) else None for name in self.answer_fields}
        return shown

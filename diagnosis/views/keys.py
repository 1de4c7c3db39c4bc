"""Change one's own hot keys."""

from django.http import HttpResponseBase, JsonResponse
from django.views.decorators.http import require_POST

from diagnosis.services.keys import KeyRefused, rebind_key, reset_keys
from diagnosis.views.common import ReaderRequest, page


@page
@require_POST
def change_key(request: ReaderRequest) -> HttpResponseBase:
    """Give an action another key; a refusal is a sentence for the sheet."""
    try:
        binding = rebind_key(
            request.user,
            by=request.user,
            action=request.POST.get("action", ""),
            key=request.POST.get("key", ""),
        )
    except KeyRefused as error:
        return JsonResponse({"message": str(error)}, status=error.status)
    return JsonResponse({"key": binding.key, "shown": binding.shown})


@page
@require_POST
def restore_keys(request: ReaderRequest) -> HttpResponseBase:
    """Give every action its first key again."""
    reset_keys(request.user, by=request.user)
    return JsonResponse({})

"""Hot keys of one's own: chosen, refused with a sentence, restored."""

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from diagnosis.services.keys import ACTIONS, FIXED_KEYS, bindings_of
from tests.diagnosis.views.conftest import Read

CHANGE = "/profile/keys/"


def test_no_two_actions_share_a_first_key() -> None:
    keys = [action.default for action in ACTIONS.values()]
    assert len(set(keys)) == len(keys)
    assert not FIXED_KEYS & set(keys)


def test_a_chosen_key_is_kept_and_shown(page: Client, reader: User, read: Read) -> None:
    answer = page.post(CHANGE, {"action": "overlay", "key": "X"})
    assert answer.json() == {"key": "x", "shown": "X"}
    reader.refresh_from_db()
    assert bindings_of(reader)["overlay"].key == "x"
    assert 'data-key-of="overlay" data-key="x"' in page.get(f"/studies/{read.study.pk}/").content.decode()
    assert AuditEntry.objects.filter(action="user.edit", target_id=str(reader.pk)).count() == 1


@pytest.mark.parametrize(
    ("action", "key", "sentence"),
    [
        ("overlay", "i", "This key is taken by “Invert”."),
        ("overlay", "?", "always does the same"),
        ("overlay", "5", "always does the same"),
        ("overlay", "F5", "cannot be used"),
        ("overlay", "", "cannot be used"),
        ("explode", "x", "does not exist"),
    ],
)
def test_a_key_that_cannot_be_given_is_refused_with_a_sentence(
    page: Client, reader: User, action: str, key: str, sentence: str
) -> None:
    answer = page.post(CHANGE, {"action": action, "key": key})
    assert answer.status_code == 422
    assert sentence in answer.json()["message"]
    reader.refresh_from_db()
    assert reader.key_bindings == {}


def test_a_key_is_free_once_its_action_has_another(page: Client, reader: User) -> None:
    page.post(CHANGE, {"action": "invert", "key": "x"})
    assert page.post(CHANGE, {"action": "overlay", "key": "i"}).status_code == 200
    assert page.post(CHANGE, {"action": "invert", "key": "i"}).status_code == 422
    page.post("/profile/keys/restore/")
    reader.refresh_from_db()
    assert bindings_of(reader)["invert"].key == "i"


def test_keys_are_each_users_own(page: Client, charlie: User) -> None:
    page.post(CHANGE, {"action": "overlay", "key": "x"})
    charlie.refresh_from_db()
    assert bindings_of(charlie)["overlay"].key == "a"

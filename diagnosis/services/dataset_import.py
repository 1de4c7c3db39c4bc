"""Enter images that are labeled already: files of a folder or lines of a table.

No study is made of them: nobody owns such an image, nobody is to read it, and an
analysis of every one would only delay those that are waited for. The images go through
the same cleaning as uploads and stand under the same content keys, so that an image that
is uploaded later is the same dataset item.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

from django.db import transaction

from accounts.models import User
from accounts.services import audit
from diagnosis.dicom.pseudonyms import patient_id, pseudonym
from diagnosis.models import Patient
from diagnosis.services import cleaning
from diagnosis.services.curation import MAY_SHOW_A_NAME
from medimaging.common.identity import identity_key
from medimaging.common.storage import store_content
from mlcore.engine.imaging.decode import decode_image
from mlcore.engine.training.near_duplicates import Fingerprint, fingerprint
from mlcore.models import DatasetLabel, ExaminationType, ItemState, Supersession
from mlcore.selectors.datasets import IMPORT_PREFIX
from mlcore.services import datasets

NAME_LENGTH = 100


class Outcome(StrEnum):
    """What can become of a file."""

    IMPORTED = "imported"
    DUPLICATE = "of a content that was there"
    RELABELED = "labeled anew"
    KNOWN = "imported before"
    REFUSED = "refused"


@dataclass(frozen=True)
class Prepared:
    """A file that was cleaned and stored, ready to be entered."""

    origin_id: str
    labels: Mapping[str, bool]
    content_key: str
    group: str
    fingerprint: Fingerprint
    may_show_a_name: bool


@dataclass
class DatasetImport:
    """One import into an examination type, by somebody who decides about datasets."""

    examination_type: ExaminationType
    by: User
    name: str
    codes: Mapping[str, str | None]
    """By label: the code of its condition, or None where it says that none is present."""
    outcomes: "Counter[Outcome]" = field(default_factory=Counter)
    states: "Counter[str]" = field(default_factory=Counter)
    """Where the entered items came to stand."""

    def __post_init__(self) -> None:
        """Read what this import has entered before."""
        datasets.require_steward(self.by)
        self.labeled_by = f"{IMPORT_PREFIX}{self.name[:NAME_LENGTH]}"
        self.conditions = sorted({code for code in self.codes.values() if code})
        self.index = datasets.HashIndex()
        self.said = _said_before(self.examination_type, labeled_by=self.labeled_by)
        self.groups: dict[str, str] = {}

    def labels_for(self, given: Iterable[str]) -> dict[str, bool]:
        """Return what labels say: their own conditions are present, the others of the import absent."""
        present = {self.codes[label] for label in given}
        return {code: code in present for code in self.conditions}

    def origin_of(self, content: bytes, *, name: str) -> str:
        """Return what stands for this file of this import; it does not give the name away."""
        said = "\x1f".join([self.name, name, hashlib.sha256(content).hexdigest()])
        return hmac.new(identity_key(), said.encode(), hashlib.sha256).hexdigest()

    def prepare(self, content: bytes, *, name: str, labels: Iterable[str], group: str) -> Prepared | None:
        """Clean and store one file; None where it was entered before with the same labels.

        Raises:
            ImageError: what is wrong with the file, and how to mend it.
        """
        origin_id = self.origin_of(content, name=name)
        wanted = self.labels_for(labels)
        if self.said.get(origin_id) == wanted:
            self.outcomes[Outcome.KNOWN] += 1
            return None
        image = cleaning.clean(content, patient_identifier=group)
        picture = fingerprint(decode_image(image.content).pixels)
        patient = pseudonym(group, key=identity_key()) if group.strip() else image.patient_pseudonym
        return Prepared(
            origin_id=origin_id,
            labels=wanted,
            content_key=store_content(image.content, kind="instances", extension=image.extension),
            group=self._group_of(patient),
            fingerprint=picture,
            may_show_a_name=bool(image.instance_values.get("burned_in_annotation")),
        )

    @transaction.atomic
    def enter(self, batch: Iterable[Prepared]) -> None:
        """Enter some prepared files, either all of them or none, and compare them with all that is there."""
        ExaminationType.objects.select_for_update().get(pk=self.examination_type.pk)
        self.index = datasets.load_index(self.examination_type)
        for prepared in batch:
            self._enter(prepared)

    def finish(self) -> None:
        """Write down what the import did."""
        with transaction.atomic():
            audit.record(
                "dataset.import",
                by=self.by,
                target=self.examination_type,
                details={
                    "name": self.name,
                    "files": {outcome.value: count for outcome, count in self.outcomes.items()},
                    "states": dict(self.states),
                },
            )

    def _enter(self, prepared: Prepared) -> None:
        stem = PurePosixPath(prepared.content_key).stem
        item = datasets.enter_item(
            self.examination_type,
            source_id=f"{IMPORT_PREFIX}{stem}"[:64],
            content_key=prepared.content_key,
            group=prepared.group,
        )
        before = item.state != ItemState.CANDIDATE
        reading = datasets.Reading(
            origin_id=prepared.origin_id, labeled_by=self.labeled_by, labels=prepared.labels
        )
        changed = datasets.add_labels(item, reading=reading)
        if not before and prepared.may_show_a_name:
            item.transition_to(ItemState.EXCLUDED, state_reason=MAY_SHOW_A_NAME)
        elif not before:
            datasets.place_item(item, prepared.fingerprint, index=self.index)
        else:
            item.refresh_from_db(fields=["state"])
        again = prepared.origin_id in self.said
        self.said[prepared.origin_id] = dict(prepared.labels)
        self.outcomes[_outcome(again=again, before=before, changed=changed)] += 1
        self.states[item.state] += 1

    def _group_of(self, patient_pseudonym: str) -> str:
        if patient_pseudonym not in self.groups:
            known = Patient.objects.filter(pseudonym=patient_pseudonym).values_list("pk", flat=True).first()
            self.groups[patient_pseudonym] = str(known or patient_id(patient_pseudonym))
        return self.groups[patient_pseudonym]


def _said_before(examination_type: ExaminationType, *, labeled_by: str) -> dict[str, dict[str, bool]]:
    """Return the labels of an import by origin, those included that others ended."""
    said: dict[str, dict[str, bool]] = {}
    rows = DatasetLabel.objects.filter(item__examination_type=examination_type, labeled_by=labeled_by)
    kept = rows.exclude(superseded_because=Supersession.AMENDED).order_by("id")
    for origin_id, condition, present in kept.values_list("origin_id", "condition", "present"):
        said.setdefault(origin_id, {})[condition] = present
    return said


def _outcome(*, again: bool, before: bool, changed: bool) -> Outcome:
    if again:
        return Outcome.RELABELED if changed else Outcome.KNOWN
    return Outcome.DUPLICATE if before else Outcome.IMPORTED

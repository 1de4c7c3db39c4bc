"""What a machine said is shown in the reader's language, with its numbers."""

import json
import zipfile
from pathlib import Path

import pytest
from django.utils import translation

from diagnosis.models import Analysis
from diagnosis.selectors.sentences import NUMBER, SENTENCES, in_readers_language, withheld_words
from mlcore import learning
from mlcore.engine.explanation.facts import ExplanationFigures
from mlcore.engine.inference.patient_age import check_age
from mlcore.engine.inference.quality import QualityLimits, check_quality
from mlcore.engine.inference.refusal import CROPPED, INVERTED, TOO_FAR, TURNED
from mlcore.engine.training import chest
from mlcore.engine.training.chest import INTENDED_USE

SOUND = {"brightness": 0.5, "spread": 0.5, "noise": 0.0, "sharpness": 1.0, "constant": 0.0}
POOR = (
    {"spread": 0.0, "brightness": 0.0},
    {"spread": 0.0, "brightness": 1.0},
    {"spread": 0.0},
    {"constant": 1.0},
    {"noise": 9.0},
    {"sharpness": 0.0},
)
FIGURES = ExplanationFigures("occlusion", 30, 11, 0.1, 40, 17, *[0.0] * 6)
SHIPPED = Path("mlcore/shipped/paediatric-chest-radiograph.mmodel")


def said_of_images() -> list[str]:
    """Return every sentence with which an answer is withheld."""
    limits = QualityLimits()
    poor = [check_quality(SOUND | measured, limits=limits) for measured in POOR]
    aged = check_age(63, validated=(1, 5))
    with zipfile.ZipFile(SHIPPED) as artifact:
        refusal = json.loads(artifact.read("manifest.json"))["settings"]["refusal"]
    found = [one.message for one in [*poor, aged] if one is not None]
    assert len(set(found)) == len(POOR) + 1
    return [TOO_FAR, CROPPED, INVERTED, *TURNED.values(), *found, refusal["outside"]["message"]]


@pytest.mark.parametrize("sentence", [INTENDED_USE, *chest.LIMITS, *learning.LIMITS, FIGURES.sentence])
def test_what_the_models_made_here_say_of_themselves_is_said_in_the_second_language(sentence: str) -> None:
    with translation.override("de"):
        assert in_readers_language(sentence) != sentence


@pytest.mark.parametrize("sentence", said_of_images())
def test_every_reason_to_withhold_is_said_in_the_second_language(sentence: str) -> None:
    with translation.override("en"):
        assert in_readers_language(sentence) == sentence
    with translation.override("de"):
        assert in_readers_language(sentence) != sentence


def test_every_sentence_is_translated_with_as_many_numbers() -> None:
    with translation.override("de"):
        for sentence in SENTENCES:
            said = in_readers_language(sentence.replace("{}", "7"))
            assert said != sentence
            assert len(NUMBER.findall(said)) == sentence.count("{}")


def test_a_sentence_that_nobody_translated_stays_as_it_is() -> None:
    with translation.override("de"):
        assert in_readers_language("The file holds {braces} and 3 numbers.") == (
            "The file holds {braces} and 3 numbers."
        )


def test_a_row_without_words_says_that_the_image_is_too_far() -> None:
    with translation.override("en"):
        assert withheld_words(Analysis()) == TOO_FAR

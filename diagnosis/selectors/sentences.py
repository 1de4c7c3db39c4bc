"""What a machine said of an image, or a model file of itself, in the language of whoever reads it.

What is stored, and what REST answers, is the machine's own sentence, in English.
"""

import re

from django.utils.translation import gettext, gettext_noop

from diagnosis.models import Analysis
from diagnosis.selectors.safety_words import safety_words

SENTENCES = (
    gettext_noop("This image is too far from the images this model was validated on, so no result is shown."),
    gettext_noop("The image shows only a part of the chest: send the whole radiograph."),
    gettext_noop("The gray values are inverted: send the image with air black and bone white."),
    gettext_noop("The image lies on its side: turn it a quarter to the right and send it again."),
    gettext_noop("The image is upside down: turn it by half and send it again."),
    gettext_noop("The image lies on its side: turn it a quarter to the left and send it again."),
    gettext_noop(
        "The image is almost entirely black: check the exposure and the window it was exported with."
    ),
    gettext_noop(
        "The image is almost entirely white: check the exposure and the window it was exported with."
    ),
    gettext_noop(
        "The image holds almost no contrast: check the exposure and the window it was exported with."
    ),
    gettext_noop(
        "Most of the image is one single gray value: send the image uncovered and without wide borders."
    ),
    gettext_noop("The image is mostly noise: repeat the exposure or export it again."),
    gettext_noop("The image is too blurred to be read: send the image at its full resolution."),
    gettext_noop(
        "The patient's recorded age is {} years; this model was validated on patients of {} to {} years, "
        "so no result is shown."
    ),
    gettext_noop(
        "This looks like an adult's radiograph; this model was validated on children of one to five years, "
        "so no result is shown."
    ),
    gettext_noop(
        "The analysis was given up after {} attempts, because the worker stopped each time. "
        "Retry it, or ask an administrator to look at the worker's log."
    ),
    gettext_noop("The worker stopped each time the map was drawn. Ask for another map."),
    gettext_noop(
        "The training was given up after {} attempts, because the worker stopped each time. "
        "Retry it, or ask an administrator to look at the worker's log."
    ),
    gettext_noop(
        "Where an opacity drawn into a healthy radiograph changed the answer, the peak of this map lay "
        "within it in {} of {}; where a part of a sick lung did, in {} of {} (by chance {})."
    ),
    gettext_noop(
        "A second look at frontal chest radiographs of children of one to five years, for findings of "
        "pneumonia. Preliminary; not for stand-alone clinical decisions; does not rule out disease."
    ),
    gettext_noop(
        "Learned from one hospital (Guangzhou Women and Children's Medical Center) "
        "and never tried at another."
    ),
    gettext_noop("Not for adults: most of their radiographs are withheld, but not all."),
    gettext_noop(
        "Probabilities hold where {} % of the children have pneumonia; where it is rarer they are too high."
    ),
    gettext_noop("Knows pneumonia alone; any other finding goes unmentioned."),
    gettext_noop("The reference standard is the reading of radiographs, without laboratory tests."),
    gettext_noop("Learned from what was signed at this installation, and never tried at another."),
    gettext_noop("The stored file is missing. Restore it from a backup."),
    gettext_noop("A stored file is missing. Restore it from a backup."),
)
"""Those that have a translation; `{}` stands for each number."""

NUMBER = re.compile(r"\d+")


def in_readers_language(sentence: str) -> str:
    """Return the sentence in the active language, or as it is where nobody has translated it."""
    pattern = NUMBER.sub("{}", sentence)
    if pattern not in SENTENCES:
        return sentence
    return gettext(pattern).format(*NUMBER.findall(sentence))


def withheld_words(analysis: Analysis) -> str:
    """Return why there is no answer; an older row may not say."""
    return in_readers_language(analysis.withheld_message) or str(safety_words()[2])

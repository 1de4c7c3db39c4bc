"""Results in the words of other systems: DICOM SR and FHIR. Built from facts, free of Django."""

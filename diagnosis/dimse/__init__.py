"""DICOM over its own network protocol (PS3.7, PS3.8): a process of its own that takes images in."""

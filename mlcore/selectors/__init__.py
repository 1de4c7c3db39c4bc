"""Reads that others need of the registry and of the datasets."""

from mlcore.selectors.registry import active_version, is_served, live_processes, sole_examination_type

__all__ = ["active_version", "is_served", "live_processes", "sole_examination_type"]

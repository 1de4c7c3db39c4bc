"""Reads that join models for one page or one question."""

"""Imaging and learning, free of Django: arrays in, frozen dataclasses out."""

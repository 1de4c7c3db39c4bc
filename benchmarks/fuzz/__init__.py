"""Damaged files and damaged requests by the hundred thousand, each of which must be refused in peace."""

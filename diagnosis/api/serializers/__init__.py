"""Rows as the REST interface shows them; no logic lives here."""

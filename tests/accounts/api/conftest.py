"""Fixtures of the REST interface."""

from tests.rest_fixture import api, own_rate_limits, session

__all__ = ["api", "own_rate_limits", "session"]

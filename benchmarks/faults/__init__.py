"""Kills parts of a running site at random moments, and checks that nothing acknowledged is lost."""

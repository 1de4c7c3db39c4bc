"""Endpoints about studies and what is said of them; they translate and delegate."""

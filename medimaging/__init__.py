"""The site: settings, addresses, and what every app shares."""

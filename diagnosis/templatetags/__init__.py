"""What the templates of the readers' pages need beyond Django's own."""

"""What the results say, before anybody draws it."""

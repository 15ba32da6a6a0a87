"""From scores to rankings, from rankings to errors, and what the errors say."""

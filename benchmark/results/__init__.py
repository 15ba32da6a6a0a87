"""A run's folder: what is recorded of each cell, written once and read once."""

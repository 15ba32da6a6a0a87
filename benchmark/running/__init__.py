"""A run: its plan, its cells, each in a process of its own, and what is said meanwhile."""

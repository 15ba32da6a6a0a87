"""The harness: one loader, one scorer, one report. Knows no method by name and never imports torch.

``LAYERS`` is the order of its files and folders from the ground up: each imports only from those before it, also
inside functions; within a folder no imports go in a circle. ``tests/test_boundaries.py`` holds it to that.
"""

LAYERS = (
    "errors",
    "families",
    "conditions",
    "specs",
    "config",
    "scoring",
    "data",
    "results",
    "contenders",
    "probes",
    "report",
    "running",
    "loaded",
    "interface",
    "command",
    "data_cli",
    "cli",
    "__main__",
)

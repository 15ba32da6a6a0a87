"""The harness: one loader, one scorer, one report. Knows no method by name and never imports torch."""

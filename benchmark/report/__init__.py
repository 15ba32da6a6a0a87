"""The report: figures, tables and one self-contained page, made from stored results alone."""

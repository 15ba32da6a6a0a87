"""The commands of ``topfive data``."""

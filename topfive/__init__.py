"""topfive: hand-engineered features against deep networks, on your images."""

from pathlib import Path

# In a checkout the packages lie beside this one: it then finds them without an installation, and never another copy's.
_beside = Path(__file__).resolve().parents[1]
if (_beside / "setup.cfg").is_file():
    __path__.append(str(_beside))

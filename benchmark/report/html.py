"""HTML from the templates: everything escaped, one style sheet and one script inlined, written atomically."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ..families import MARKERS
from .charts.style import style_sheet
from .charts.svg import key
from .numbers import percent, short


def html(template: str, **values: Any) -> str:
    """A page from a template of this folder. Its only script is the one whose hash its security policy names."""
    script = _read("script.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(_read)
    )
    environment.filters |= {"percent": percent, "short": short}
    environment.globals |= {
        "shapes": {tone: key(tone) for tone in MARKERS},
        "style": Markup(style_sheet() + _read("style.css")),
        "script": Markup(script),
        "script_hash": Markup(f"sha256-{digest}"),
    }
    return environment.get_template(template).render(**values)


def _read(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def data(value: object) -> Markup:
    """JSON that cannot end the script element it stands in, whatever the names hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def write(path: Path, page: str) -> None:
    """Atomically; names that are not valid text (undecodable file names) lose what cannot be written."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".report-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(page.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

"""HTML from the templates: everything escaped, one style sheet and one script inlined, written whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from topfive.common.files import write_atomic

from ...families import MARKERS
from ..charts.style import style_sheet
from ..charts.svg import key
from ..numbers import percent, short


def html(template: str, scripts: Sequence[str] = ("script.js", "fold.js"), **values: Any) -> str:
    """A page from a template of this folder. Its only script is the one whose hash its security policy names."""
    script = "".join(map(_read, scripts))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = {"script": Markup(script), "script_hash": Markup(f"sha256-{digest}")}
    return _environment().get_template(template).render(**page, **values)


def snippet(template: str, **values: Any) -> Markup:
    """A part of a page, from a template of the folder of sections."""
    return Markup(_environment().get_template(template).render(**values))


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(_read)
    )
    environment.filters |= {"percent": percent, "short": short}
    environment.globals |= {
        "shapes": {tone: key(tone) for tone in MARKERS},
        "style": Markup(style_sheet() + _read("style.css")),
    }
    return environment


def _read(name: str) -> str:
    """A file of this folder, or of the folder of sections."""
    here = files(__package__)
    beside = files(__package__.rpartition(".")[0]) / "sections"
    return next(folder / name for folder in (here, beside) if (folder / name).is_file()).read_text(encoding="utf-8")


def data(value: object) -> Markup:
    """JSON that cannot end the script element it stands in, whatever the names hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def write(path: Path, page: str) -> None:
    """Whole or not at all; names that are no valid text lose what cannot be written."""
    write_atomic(path, page.encode("utf-8", "replace"))

"""What a run is asked to do: the command line's flags and a TOML file's keys are the same names; flags win."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .errors import InputError
from .specs import nearest

DEFAULT = Path(__file__).with_name("default.toml")
STUDIES = Path(__file__).with_name("studies")
LISTS = frozenset({"data", "method", "probe", "seed", "per_class", "plugin"})  # keys that may be several
DEVICES = re.compile(r"auto|cuda|cpu(,cpu)*|cuda:\d+(,(cuda:)?\d+)*")


class RunConfig(BaseModel):
    """One run. ``output`` None: ``reports/`` below the current folder, named after the study and the data."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    data: list[str] = Field(min_length=1)
    method: list[str] = Field(min_length=1)
    probe: list[str] = []
    seed: list[int] = [0]
    per_class: list[Annotated[int, Field(ge=1)]] = []
    output: str | None = None
    jobs: int = Field(1, ge=1)
    device: str = "auto"
    limit: int | None = Field(None, ge=1)
    timeout: float | None = Field(None, gt=0)
    fail_fast: bool = False
    fresh: bool = False
    dry_run: bool = False
    plugin: list[str] = []
    scheduler: str | None = None
    quiet: bool = False
    study: str | None = None

    @field_validator("device")
    @classmethod
    def _known_device(cls, device: str) -> str:
        if not DEVICES.fullmatch(device):
            raise ValueError(f"{device} is none; give auto, cpu, cuda, cuda:N, or several: cuda:0,1")
        return device


def load(file: Path | None, flags: dict[str, Any]) -> RunConfig:
    """The TOML ``file`` (the built-in one where None), ``flags`` over it; flags that are None or empty are unset."""
    given = {key: value for key, value in flags.items() if value not in (None, [], ())}
    if file is not None and file.parent == STUDIES:
        given["study"] = file.stem
    base = DEFAULT if file is None else file
    try:
        values = tomllib.loads(base.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the config {base}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{base} is not valid TOML: {error}") from None
    known_keys = [key for key in RunConfig.model_fields if key != "study"]
    for key in values:
        if key not in known_keys:
            raise InputError(f"{base}: {nearest(key, known_keys, 'key')}")
    listed = {key: [value] if key in LISTS and not isinstance(value, list) else value for key, value in values.items()}
    if file is not None:
        defaults = tomllib.loads(DEFAULT.read_text(encoding="utf-8"))
        listed = {**defaults, **listed}
    try:
        return RunConfig(**{**listed, **given})
    except ValidationError as error:
        first = error.errors()[0]
        where = "--" + str(first["loc"][0]).replace("_", "-") if first["loc"] else "config"
        raise InputError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None


def studies() -> dict[str, Path]:
    """The studies that ship with the package, by name: configurations of a run."""
    return {path.stem: path for path in sorted(STUDIES.glob("*.toml"))}


def study(name: str) -> Path:
    """The file of a study. Raises InputError with the nearest name."""
    known = studies()
    if name not in known:
        raise InputError(f"{nearest(name, known, 'study')} (`topfive list studies` shows all)")
    return known[name]

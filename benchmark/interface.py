"""``import topfive``: the same as the command line, from Python and with pandas.

The names here are what ``topfive`` offers, which finds them when they are first used. Bad input is an ``InputError``
with one clear line, the same that the command line prints.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import config as configuration
from . import specs
from .contenders.discovery import CONTENDER, PROBE, Entry, discover, resolve
from .errors import InputError

if TYPE_CHECKING:  # these take a second to import, so each waits for the function that needs it
    import pandas as pd

    from .contenders.checks import Finding
    from .data import Dataset
    from .loaded import LoadedRun

ALSO = {"methods": "method", "probes": "probe", "seeds": "seed", "plugins": "plugin", "out": "output"}


def run(
    config: str | Path | None = None,
    *,
    data: Any = None,
    methods: Any = None,
    probes: Any = None,
    seeds: Any = None,
    per_class: Any = None,
    out: str | Path | None = None,
    study: str | None = None,
    quiet: bool = False,
    **more: Any,
) -> LoadedRun:
    """Run the benchmark, as ``topfive run`` does, and load what came of it; what is finished already is kept.

    Every key of a config file, that is every flag of ``topfive run`` but ``dry_run``, is an argument, with the same
    meaning and the same default; lists may be given as one value, and go by their plural too (``method``, ``methods``).

    config     a TOML file; arguments win over it
    data       a name or a path; images held in Python as ``(images, labels)`` or a DataFrame with path and label (see
               ``open_dataset``); or a list of these
    methods    contenders: their names, ``"NAME[key=value,…]"``, or scikit-learn estimators of classes that lie in a
               module, which are fitted anew, each in a process of its own
    per_class  numbers of training images per class, for a learning curve
    out        the run's folder, else ``reports/<data>``
    study      the name of a study that ships with topfive
    quiet      without the line of progress, which only a terminal or a notebook shows
    more       ``jobs``, ``device``, ``limit``, ``timeout``, ``fail_fast``, ``fresh``, ``plugin``, ``scheduler``

    A contender that fails is a row with its reason, not an exception. Raises InputError.

    >>> run = topfive.run(data="photos[per_class=4]", methods=["chance", "color-histogram"], out="reports/small")
    >>> run.table()[["method", "status", "n"]]
                method status   n
    0           chance   done  20
    1  color-histogram   done  20
    """
    given = {"data": data, "methods": methods, "probes": probes, "seeds": seeds, "per_class": per_class, "out": out}
    keys: dict[str, Any] = {}
    for name, value in [*given.items(), *more.items()]:
        key = ALSO.get(name, name)
        if key not in configuration.RunConfig.model_fields or key in ("dry_run", "study"):
            known = [*given, *(k for k in configuration.RunConfig.model_fields if k not in ALSO.values())]
            raise InputError(f"topfive.run: {specs.nearest(name, {*known} - {'dry_run'}, 'argument')}")
        if keys.get(key) is not None and value is not None:
            other = next(one for one in given if ALSO.get(one, one) == key)
            raise InputError(f"topfive.run: {other} and {name} are the same; give one of them")
        keys[key] = keys.get(key) if value is None else value
    if study is not None and config is not None:
        raise InputError("topfive.run: give a config or a study, not both")
    file = configuration.study(study) if study is not None else None if config is None else Path(config)
    keys["data"] = [_data(one) for one in _listed(keys["data"])]
    keys["method"] = [method_spec(one) for one in _listed(keys["method"])]
    keys = {key: _plain(key, value) for key, value in keys.items()}
    command = _command(file, keys)

    from .loaded import LoadedRun
    from .running.progress import OneLine, is_watched
    from .running.runner import perform

    keys["quiet"] = quiet or not is_watched()
    done = perform(configuration.load(file, keys), command=command, display=OneLine)
    assert done is not None  # as after a dry run
    return LoadedRun([done.run])


def load(*folders: str | Path) -> LoadedRun:
    """The results of a run that lie in a folder; of several folders together, as ``topfive report A B`` takes them.

    Raises InputError where a folder is not a run's.

    >>> run = topfive.load("reports/photos")
    >>> run.datasets, run.report
    (['photos'], PosixPath('reports/photos/report.html'))
    """
    from .loaded import LoadedRun
    from .results.run import open_run

    if not folders:
        raise InputError("topfive.load: give at least one run's folder")
    return LoadedRun([open_run(Path(folder)) for folder in folders])


def open_dataset(images: Any, labels: Any = None, **options: Any) -> Dataset:
    """A data set by its name or path; or of images and labels held in Python.

    images: a name or a path; or (n, H, W) or (n, H, W, 3) uint8 RGB, a list of such pictures of any sizes, a list of
    paths, or a DataFrame whose columns are those of a manifest. labels: n words or numbers, of what is held in Python.
    Options are those of ``benchmark.data.open_dataset`` (``seed``, ``limit``, ``per_class`` …), and for what is held in
    Python also ``splits`` and ``name``. Raises InputError.

    >>> data = topfive.open_dataset("photos", per_class=4)
    >>> len(data.classes), len(data.train), len(data.val), data.train.images[0].dtype
    (20, 80, 20, dtype('uint8'))
    """
    if isinstance(images, str | Path) and labels is None:
        from .data import open_dataset as by_name

        return by_name(str(images), **options)
    from .data.tools.given import open_images

    return open_images(images, labels, **options)


def check(method: Any) -> pd.DataFrame:
    """Does a contender, or a probe, keep its contract? As ``topfive check``: a row a finding, with how to mend it.

    method: a name with parameters, ``module:Class``, a ``.py`` file; a class, or an estimator as ``run`` takes it.
    Raises InputError.

    >>> found = topfive.check("chance")
    >>> bool(found["passed"].all()), list(found.columns)
    (True, ['method', 'check', 'passed', 'message'])
    """
    import pandas as pd

    rows = [
        (entry.name, finding.name, finding.passed, finding.message) for entry, finding in findings(method_spec(method))
    ]
    return pd.DataFrame(rows, columns=["method", "check", "passed", "message"])


def findings(method: str) -> Iterator[tuple[Entry, Finding]]:
    """Each finding on what ``method`` names: a contender, a probe, or all of them in a file. Raises InputError."""
    from .contenders import checks, probe_checks

    if "" not in sys.path:
        sys.path.append("")  # module:Class is looked for in this folder too, as it is in a run
    spec = specs.parse(method)
    is_file = spec.name.endswith(".py")
    files = [spec.name] if is_file else []
    contenders, probes = (discover(files, kind) for kind in (CONTENDER, PROBE))
    if is_file:
        mine = [e for found in (contenders, probes) for e in found.values() if e.origin == Path(spec.name).name]
    else:
        is_probe = spec.name in probes and spec.name not in contenders
        mine = [resolve(spec, probes, PROBE) if is_probe else resolve(spec, contenders)]
    for entry in mine:
        found = probe_checks.check(spec, entry) if entry in probes.values() else checks.check(spec, entry)
        for finding in found:
            yield entry, finding


def method_spec(method: Any) -> str:
    """``NAME[key=value,…]`` of a contender: as it is, or of a class or an estimator that lies in a module.

    Raises InputError for one that no other process could make: its class lies in no module, or a parameter of it
    cannot be written.
    """
    if isinstance(method, str | Path):
        return str(method)
    kind = method if inspect.isclass(method) else type(method)
    name = f"{kind.__module__}:{kind.__qualname__}"
    save = "save it in a file and give plugin=FILE, with its name among the methods"
    if not hasattr(kind, "fit"):
        raise InputError(f"{method!r} is no contender: give a name, or a class or an estimator with fit")
    if kind.__module__ == "__main__" or "<locals>" in name:
        raise InputError(
            f"{kind.__qualname__} exists in this session only, and each contender runs in a process of its own: {save}"
        )
    params: dict[str, Any] = {}
    if not inspect.isclass(method):
        if not hasattr(method, "get_params"):
            raise InputError(f"{kind.__qualname__} has no get_params to tell its parameters; {save}")
        defaults = {key: one.default for key, one in inspect.signature(kind).parameters.items()}
        set_ = method.get_params(deep=False)
        params = {key: value for key, value in set_.items() if value is not defaults[key] and value != defaults[key]}
    named = [entry.name for entry in discover().values() if entry.target == name]
    spec = specs.Spec(named[0] if named else name, params)
    if specs.parse(str(spec)) != spec:
        raise InputError(
            f"the parameters of {kind.__qualname__} ({', '.join(params)}) cannot be written as key=value: write a "
            "function in a file that makes it, and give plugin=FILE or module:function"
        )
    return str(spec)


def _data(data: Any) -> str:
    """What a config's ``data`` says of it; images held in Python are written into the cache folder first."""
    if isinstance(data, str | Path):
        return str(data)
    from .data import Dataset
    from .data.tools.given import save_images

    if isinstance(data, Dataset):
        raise InputError("topfive.run opens its data itself: give the name or path that open_dataset was given")
    return str(save_images(*data) if isinstance(data, tuple) else save_images(data))


def _listed(value: Any) -> list[Any]:
    """``value`` itself where it is a list; a tuple of names is one too, one of images and labels is not."""
    if isinstance(value, tuple) and all(isinstance(one, str | Path) for one in value):
        return list(value)
    return value if isinstance(value, list) else [] if value is None else [value]


def _plain(key: str, value: Any) -> Any:
    """As a config file has it: lists for what is several, Python's own numbers, text for paths."""
    if key in configuration.LISTS and value is not None:
        value = [value] if isinstance(value, str | Path) or not hasattr(value, "__iter__") else list(value)
        return [_plain("", one) for one in value]
    return str(value) if isinstance(value, Path) else value.item() if hasattr(value, "item") else value


def _command(file: Path | None, keys: Mapping[str, Any]) -> list[str]:
    """The command that does the same, which the report shows."""
    words = ["topfive", "run", *([] if file is None else [str(file)])]
    for key, value in keys.items():
        flag = "--" + key.replace("_", "-")
        if key == "per_class" and value:
            words += [flag, ",".join(map(str, value))]
        elif isinstance(value, list):
            words += [word for one in value for word in (flag, str(one))]
        elif value is True:
            words.append(flag)
        elif value not in (None, False):
            words += [flag, str(value)]
    return words

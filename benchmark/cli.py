"""The command line. Bad input ends in one clear line and exit status 2; imports wait until a command needs them."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .errors import InputError

KEYS = r"\[key=value,…]"  # help is rich's markup, which would take a plain bracket for a style and swallow it

app = typer.Typer(
    name="topfive",
    help="Hand-engineered features against deep networks, on your images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def run(
    config: Annotated[Path | None, typer.Argument(help="TOML file; its keys are the flags' names, flags win.")] = None,
    data: Annotated[
        list[str] | None, typer.Option("-d", "--data", help=f"photos, or a path to images; with {KEYS}.")
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option("-m", "--method", help=f"A contender, with {KEYS}; see `topfive list`.")
    ] = None,
    probe: Annotated[
        list[str] | None, typer.Option(help=f"What to ask the fitted, with {KEYS}; see `topfive list probes`.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Repeat for several.")] = None,
    per_class: Annotated[
        str | None, typer.Option(help="5,10,50: train on so many images of each class, for a learning curve.")
    ] = None,
    output: Annotated[str | None, typer.Option("-o", "--output", help=r"The run's folder.  \[reports/<data>]")] = None,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", help="Cells at a time; they share the cores.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N, or several: cuda:0,1.")] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many images a split; not comparable.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds that one cell may take.")] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first cell that fails.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what is stored in the run's folder.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and stop.")] = False,
    plugin: Annotated[list[str] | None, typer.Option(help="A Python file of contenders, probes, sections.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="A Dask scheduler's address: cells run there.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Run the benchmark: everything on the built-in photographs, or what you name. Run it again to go on."""
    given = {name: None if value is False else value for name, value in locals().items() if name != "config"}
    from . import config as configuration
    from .running.runner import run as run_all

    raise typer.Exit(run_all(configuration.load(config, given | {"per_class": _numbers(per_class)})))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def study(context: typer.Context, name: Annotated[str, typer.Argument(help="One of `topfive list studies`.")]) -> None:
    """Run a study that ships with topfive: contenders, sizes and probes for one question. Takes all flags of `run`."""
    from . import config as configuration

    command: Any = typer.main.get_command(app)
    with command.commands["run"].make_context("topfive study", [str(configuration.study(name)), *context.args]) as run_:
        command.commands["run"].invoke(run_)


def _numbers(text: str | None) -> list[int] | None:
    if text is None:
        return None
    if not all(part.strip().isdecimal() for part in text.split(",")):
        raise InputError(f"--per-class {text}: give whole numbers joined by commas, such as 5,10,50")
    return [int(part) for part in text.split(",")]


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="methods, data, probes, studies, or one's name.")] = "methods",
    plugin: Annotated[list[str] | None, typer.Option(help="A Python file of contenders, probes, sections.")] = None,
) -> None:
    """Show what can be named: contenders, data sets, probes, studies; or one of them with its parameters."""
    from .contenders import listing
    from .contenders.discovery import PROBE, discover

    if what == "data":
        listing.datasets()
    elif what == "studies":
        listing.studies()
    elif what == "methods":
        listing.contenders(discover(plugin).values())
    elif what == "probes":
        listing.probes(discover(plugin, PROBE).values())
    else:
        listing.one(what, discover(plugin), discover(plugin, PROBE))


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished runs; several make one report.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help=r"Where to.  \[the first run's folder]")] = None,
    formats: Annotated[str, typer.Option("--figures", help="Formats of the figures: png,svg,pdf.")] = "png,svg,pdf",
    plugin: Annotated[list[str] | None, typer.Option(help="A Python file of sections of your own.")] = None,
) -> None:
    """Rebuild the report from the stored results."""
    from .report.render import render

    wanted = formats.split(",")
    if not set(wanted) <= {"png", "svg", "pdf"}:
        raise InputError(f"--figures {formats}: give png, svg or pdf, several joined by commas")
    print(render(runs, output or runs[0], wanted, plugin or []))


@app.command()
def score(
    predictions: Annotated[Path, typer.Argument(help="CSV, JSONL, Parquet, or ILSVRC's five numbers a line.")],
    data: Annotated[str, typer.Option("-d", "--data", help=f"The data set that they are for; with {KEYS}.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A run's folder that they should join.")] = None,
    name: Annotated[str | None, typer.Option(help=r"What to call the contender.  \[the file's name]")] = None,
    family: Annotated[str, typer.Option(help="Its colour in the report; docs/contenders.md lists them.")] = "other",
) -> None:
    """Score a predictions file: a contender in any language."""
    from .running.display import Display, ranking
    from .running.scorefile import score as score_file

    record = score_file(predictions, data, name=name, family=family, output=output)
    display = Display(0)
    ranking([record], display.console)
    if output is not None:
        display.say(f"report: {output / 'report.html'}")


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Empty it; everything can be made again.")] = False,
) -> None:
    """Show what the cache holds and where; or clear it."""
    from .data.storage.cache import root
    from .running import stage_cache

    if clear:
        print(f"{stage_cache.clear() / 1e6:,.1f} MB removed")
    for kind in stage_cache.kinds():
        print(f"{kind.name:10} {kind.files:7,} files {kind.size / 1e6:12,.1f} MB")
    print(f"in {root()}; stages are kept up to {stage_cache.limit() / 1e9:,.1f} GB, the oldest go first")


@app.command()
def check(
    method: Annotated[str, typer.Argument(help=f"A name (contender or probe), module:Class, or a file; with {KEYS}.")],
) -> None:
    """Does a contender, or a probe, keep its contract? Each finding says how to mend it."""
    # For a few dozen images one thread is enough, and quickest where the machine does something else beside. Numerical
    # libraries read this when they are imported.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from .interface import findings

    failed, before = 0, None
    for entry, finding in findings(method):
        if entry != before:
            print(f"{entry.name} ({entry.target})")
            before = entry
        print(f"  {'ok  ' if finding.passed else 'FAIL'}  {finding.name:20}{finding.message}", flush=True)
        failed += not finding.passed
    print("keeps the contract" if not failed else f"{failed} to mend")
    raise typer.Exit(1 if failed else 0)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What to call your contender, such as mean-color.")],
    into: Annotated[Path, typer.Option(help="Where to put it.")] = Path(),
) -> None:
    """Write a small plugin package that works, for you to fill in."""
    from .contenders.scaffold import write

    folder = write(name, into)
    print(
        f"{folder} is written. Next:\n  pip install -e {folder}\n  topfive check {name}\n  topfive run -m {name} -m hog"
    )


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="A run's folder.")],
    after: Annotated[Path, typer.Argument(help="Another's, on the same images.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the comparison as a page here.")] = None,
) -> None:
    """Say what changed between two runs, with significance."""
    from .report.compare import compare as compare_runs

    found = compare_runs(before, after)
    print("\n".join(found.lines()))
    if output is not None:
        print(f"page: {found.render(output)}")


data_app = typer.Typer(no_args_is_help=True, help="Look at, fetch and pack images.")
app.add_typer(data_app, name="data")


@data_app.command("inspect")
def data_inspect(
    path: Annotated[str, typer.Argument(help="A folder or an archive; or photos.")],
    problems: Annotated[int, typer.Option(help="List at most so many unreadable images.")] = 10,
    html: Annotated[str | None, typer.Option(help="Also write a page into this file, with pictures.")] = None,
) -> None:
    """Say what lies at a path: layout, counts, classes, sizes, problems, fingerprint."""
    from topfive.common.machine import cores

    from .data.tools.inspect import inspect
    from .data.tools.inspect_page import write_page

    found = inspect(path, n_jobs=cores()) if html is None else write_page(path, html, n_jobs=cores())
    print(found.text(problems))
    if html is not None:
        print(f"page: {html}")
    if found.error is not None:
        raise typer.Exit(2)


@data_app.command("ids")
def data_ids(data: Annotated[str, typer.Argument(help=f"photos, or a path to images; with {KEYS}.")]) -> None:
    """List the validation images by the ids that a predictions file uses, one a line."""
    from .data import data_spec, open_dataset

    spec = data_spec(data)
    params: dict[str, Any] = dict(spec.params)
    print("\n".join(open_dataset(spec.name, **params).val.ids))


@data_app.command("export")
def data_export(
    data: Annotated[str, typer.Argument(help=f"photos, or a path to images; with {KEYS}.")],
    folder: Annotated[str, typer.Argument(help="The folder to write; it is not there yet.")],
) -> None:
    """Write the images as PNG files with train.csv and val.csv, for programs in any language; -d takes the folder."""
    from topfive.common.machine import cores

    from .data import data_spec, open_dataset
    from .data.tools.export import export

    spec = data_spec(data)
    params: dict[str, Any] = dict(spec.params)
    written = export(open_dataset(spec.name, n_jobs=cores(), **params), folder)
    print(f"{written}: train.csv and val.csv (path,label,image_id), classes.csv (class,name)")


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="tiny-imagenet, imagenette or cifar-10.")],
    folder: Annotated[str, typer.Option("-o", "--output", help="Where to put it.")] = "data",
) -> None:
    """Fetch a public data set: resumed where it stopped, checked by its checksum, unpacked safely."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    from .data.tools.download import get

    with Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), transient=True) as bar:
        task = bar.add_task(name, total=None)
        path = get(name, folder, progress=lambda done, total: bar.update(task, completed=done, total=total))
    print(f"{path}\nnext: topfive run -d {path}")


@data_app.command("pack")
def data_pack(
    path: Annotated[str, typer.Argument(help="A data set in any layout.")],
    out: Annotated[str, typer.Option("-o", "--output", help="The file to write.")],
    side: Annotated[int, typer.Option(help="Short sides are shrunk to at most so many pixels.")] = 256,
) -> None:
    """Write one file of small images with its index, for repeated fast epochs; it can be given to -d."""
    from topfive.common.machine import cores

    from .data.tools.pack import pack

    packed = pack(path, side, out, n_jobs=cores())
    print(f"{packed}: {packed.stat().st_size / 1e6:,.1f} MB\nnext: topfive run -d {packed}")


def main() -> None:
    """The console script: run a command, answer bad input with one line and status 2."""
    try:
        app()
    except InputError as error:
        print(f"topfive: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("topfive: stopped", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        what = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
        print(f"topfive: {what}; what was finished is kept, run the same command again to go on", file=sys.stderr)
        sys.exit(1)

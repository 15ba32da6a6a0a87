"""The command line. Bad input ends in one clear line and exit status 2; imports wait until a command needs them."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .command import KEYS, Command
from .data_cli import data_app
from .errors import InputError

app = typer.Typer(
    name="topfive",
    help="Hand-engineered features against deep networks, on your images: who wins, and is the difference real?",
    epilog="`topfive run` alone needs no data of yours and takes minutes; `topfive run -d PATH` takes your images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: no boxes, and brackets stay what they are
    context_settings={"help_option_names": ["-h", "--help"]},
)
Plugins = Annotated[
    list[str] | None, typer.Option("--plugin", metavar="FILE", help="A Python file of contenders, probes or sections.")
]


def _say_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"topfive {version('topfive')}")
        raise typer.Exit


@app.callback()
def every(
    version: Annotated[
        bool, typer.Option("--version", help="Say the version and stop.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """What every command has."""


@app.command(cls=Command)
def run(
    config: Annotated[
        Path | None,
        typer.Argument(metavar="CONFIG.toml", help="A file whose keys are the flags' names; flags win."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("-d", "--data", metavar="DATA", help=f"A path to images, or photos; with {KEYS}."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option("-m", "--method", metavar="NAME", help=f"A contender (topfive list), with {KEYS}."),
    ] = None,
    per_class: Annotated[
        str | None, typer.Option(metavar="N,N,…", help="Train on so many images of each class.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(metavar="N", help="Repeat the flag for several training runs.")
    ] = None,
    probe: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Ask more (topfive list probes): damage, attacks.")
    ] = None,
    plugin: Plugins = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FOLDER", help="Where to write. [reports/DATA]")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:N or cuda:0,1.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", metavar="N", help="Contenders at a time; they share the cores.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="The most that one contender may take.")
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Use N images a split: a trial, not a result.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run and how long; run nothing.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first contender that fails.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the results stored in FOLDER.")] = False,
    scheduler: Annotated[str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler: run there.")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Run contenders on images, and write a report.

    Without flags: six of them on built-in photographs. -d, -m, --probe, --seed and --plugin may be given several times.
    The same command again goes on where it stopped.

    \b
    topfive run -d PATH -m sift-fisher -m alexnet
    topfive run -d PATH -m "alexnet[epochs=5]" -m hog --per-class 5,20,80
    topfive run --plugin mine.py -m my-method -m hog -o reports/mine
    """
    given = {name: None if value is False else value for name, value in locals().items() if name != "config"}
    from . import config as configuration
    from .running.runner import run as run_all

    raise typer.Exit(run_all(configuration.load(config, given | {"per_class": _numbers(per_class)})))


@app.command(cls=Command, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def study(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of `topfive list studies`.")],
) -> None:
    """Answer one question with a run made for it.

    Contenders, sizes and probes are chosen for the question; all flags of run go over them.

    \b
    topfive study data                   how many images until the network wins?
    topfive study brittleness -d PATH    on your images
    topfive study algorithms --dry-run   what would it cost?
    """
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


@app.command("list", cls=Command)
def list_(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="methods, data, probes, studies, or the name of one.")
    ] = "methods",
    plugin: Plugins = None,
) -> None:
    """Show contenders, data sets, probes or studies, or one of them.

    \b
    topfive list            the contenders, and which to begin with
    topfive list alexnet    what it is, and the parameters of alexnet[key=value,…]
    topfive list probes
    """
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


@app.command(cls=Command)
def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Folders of finished runs; several make one report.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FOLDER", help="Where to write. [the first run's folder]")
    ] = None,
    formats: Annotated[str, typer.Option("--figures", metavar="FORMATS", help="Of the figures.")] = "png,svg,pdf",
    plugin: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="A Python file of sections of your own.")
    ] = None,
    lesson: Annotated[
        bool, typer.Option("--lesson", help="Write lesson.html instead: the results in steps, for a class.")
    ] = False,
) -> None:
    """Write the report again from the stored results.

    \b
    topfive report reports/photos
    topfive report reports/monday reports/friday -o reports/both
    topfive report reports/photos --lesson
    """
    from .report.lesson import write_lesson
    from .report.render import render

    if lesson:
        print(write_lesson(runs, output or runs[0]))
        return

    wanted = formats.split(",")
    if not set(wanted) <= {"png", "svg", "pdf"}:
        raise InputError(f"--figures {formats}: give png, svg or pdf, several joined by commas")
    print(render(runs, output or runs[0], wanted, plugin or []))


@app.command(cls=Command)
def score(
    predictions: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, JSONL, Parquet, or ILSVRC's five numbers a line.")
    ],
    data: Annotated[
        str, typer.Option("-d", "--data", metavar="DATA", help=f"The images that they are for; with {KEYS}.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FOLDER", help="A run's folder that they should join.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call the contender. [the file's name]")
    ] = None,
    family: Annotated[
        str, typer.Option(metavar="FAMILY", help="Its side: hand-engineered, deep, pre-trained, floor …")
    ] = "other",
) -> None:
    """Score a file of predictions, of a contender in any language.

    `topfive data ids` has the images' ids.

    \b
    topfive score answers.csv -d PATH
    topfive score answers.csv -d PATH --name my-matlab-code -o reports/PATH
    """
    from .running.display import Display, ranking
    from .running.scorefile import score as score_file

    record = score_file(predictions, data, name=name, family=family, output=output)
    display = Display(0)
    ranking([record], display.console)
    if output is not None:
        display.say(f"report: {output / 'report.html'}")


@app.command(cls=Command)
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Empty it; everything can be made again.")] = False,
) -> None:
    """Show what is kept between runs, and where; or clear it."""
    from .data.storage.cache import root
    from .running import stage_cache

    if clear:
        print(f"{stage_cache.clear() / 1e6:,.1f} MB removed")
    for kind in stage_cache.kinds():
        print(f"{kind.name:10} {kind.files:7,} files {kind.size / 1e6:12,.1f} MB")
    print(f"in {root()}; stages are kept up to {stage_cache.limit() / 1e9:,.1f} GB, the oldest go first")


@app.command(cls=Command)
def check(
    method: Annotated[
        str, typer.Argument(metavar="WHAT", help=f"A contender or probe, module:Class, or a file; with {KEYS}.")
    ],
) -> None:
    """Check that a contender or a probe keeps its contract.

    Each finding says how to mend it.

    \b
    topfive check mine.py
    topfive check "my_package:MyMethod[alpha=0.1]"
    """
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


@app.command(cls=Command)
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call your contender, such as mean-color.")],
    into: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to put it. [here]", show_default=False)] = Path(),
) -> None:
    """Write a small plugin package that works, to fill in."""
    from .contenders.scaffold import write

    folder = write(name, into)
    print(
        f"{folder} is written. Next:\n  pip install -e {folder}\n  topfive check {name}\n  topfive run -m {name} -m hog"
    )


@app.command(cls=Command)
def compare(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="A run's folder.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="Another's, with the same contenders and images.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PATH", help="Also a page: FILE.html, or a folder for it.")
    ] = None,
) -> None:
    """Say what got better or worse between two runs.

    Each contender is held against itself, image by image: is the change more than luck?

    \b
    topfive compare reports/before reports/after
    topfive compare reports/before reports/after -o changes.html
    """
    from .report.compare import compare as compare_runs

    found = compare_runs(before, after)
    print("\n".join(found.lines()))
    if output is not None:
        print(f"page: {found.render(output)}")


app.add_typer(data_app, name="data")


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

"""``topfive data``: the commands that look at images, fetch, export and pack them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .command import KEYS, Command

data_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at, fetch and pack images.")


@data_app.command("inspect", cls=Command)
def data_inspect(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A folder or an archive; or photos.")],
    problems: Annotated[int, typer.Option(metavar="N", help="List at most N unreadable images.")] = 10,
    html: Annotated[str | None, typer.Option(metavar="FILE", help="Also write a page with pictures there.")] = None,
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


@data_app.command("ids", cls=Command)
def data_ids(
    data: Annotated[str, typer.Argument(metavar="DATA", help=f"A path to images, or photos; with {KEYS}.")],
) -> None:
    """List the validation images by the ids that a predictions file uses, one a line."""
    from .data import data_spec, open_dataset

    spec = data_spec(data)
    params: dict[str, Any] = dict(spec.params)
    print("\n".join(open_dataset(spec.name, **params).val.ids))


@data_app.command("export", cls=Command)
def data_export(
    data: Annotated[str, typer.Argument(metavar="DATA", help=f"A path to images, or photos; with {KEYS}.")],
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The folder to write; it is not there yet.")],
) -> None:
    """Write the images as PNG files with train.csv and val.csv, for programs in any language; -d takes the folder."""
    from topfive.common.machine import cores

    from .data import data_spec, open_dataset
    from .data.tools.export import export

    spec = data_spec(data)
    params: dict[str, Any] = dict(spec.params)
    written = export(open_dataset(spec.name, n_jobs=cores(), **params), folder)
    print(f"{written}: train.csv and val.csv (path,label,image_id), classes.csv (class,name)")


@data_app.command("get", cls=Command)
def data_get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="tiny-imagenet, imagenette or cifar-10.")],
    folder: Annotated[str, typer.Option("-o", "--output", metavar="FOLDER", help="Where to put it.")] = "data",
) -> None:
    """Fetch a public data set: resumed where it stopped, checked by its checksum, unpacked safely."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    from .data.tools.download import get

    with Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), transient=True) as bar:
        task = bar.add_task(name, total=None)
        path = get(name, folder, progress=lambda done, total: bar.update(task, completed=done, total=total))
    print(f"{path}\nnext: topfive run -d {path}")


@data_app.command("pack", cls=Command)
def data_pack(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A data set in any layout.")],
    out: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")],
    side: Annotated[int, typer.Option(metavar="PIXELS", help="Shrink short sides to at most so many.")] = 256,
) -> None:
    """Write one file of small images with its index, for repeated fast epochs; it can be given to -d."""
    from topfive.common.machine import cores

    from .data.tools.pack import pack

    packed = pack(path, side, out, n_jobs=cores())
    print(f"{packed}: {packed.stat().st_size / 1e6:,.1f} MB\nnext: topfive run -d {packed}")

"""How a command of ``topfive`` shows its help."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

KEYS = "[key=value,…]"


class Command(TyperCommand):
    """A command whose help names its arguments as people do: typer's own way is ``{RUN}... <list[str]>``."""

    def _arguments(self, ctx: Any) -> list[Any]:
        return [each for each in self.get_params(ctx) if each.param_type_name == "argument"]

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """ "[OPTIONS]", "RUN...", "[CONFIG.toml]"."""
        names = [
            (f"{each.metavar}..." if each.nargs != 1 else str(each.metavar), each) for each in self._arguments(ctx)
        ]
        return ["[OPTIONS]", *(name if each.required else f"[{name}]" for name, each in names)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The arguments, then the options."""
        options = [each.get_help_record(ctx) for each in self.get_params(ctx) if each.param_type_name == "option"]
        arguments = [(each.metavar, each.help) for each in self._arguments(ctx)]
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl([row for row in rows if row is not None])

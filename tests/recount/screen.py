"""The first screen of a report as lines, numbers and drawings."""

from __future__ import annotations

import re
from html.parser import HTMLParser

NUMBER = re.compile(r"<?[ \u00a0]?−?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
BLOCKS = {"p", "h2", "h3", "li", "tr", "caption", "figcaption"}
DESCRIBED = re.compile(r'<dl class="who-is">.*?</dl>', re.DOTALL)  # what each is, as its docstring has it
VOID = {"br", "img", "input", "meta", "link", "hr", "line", "rect", "circle", "polygon", "path"}


def tokens(line: str, names: list[str]) -> list[str]:
    """The names and numbers of a line, in their order."""
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    found = re.finditer(rf"(?<![\w-])(?:{known})(?![\w-])|{NUMBER.pattern}", line)
    return [match.group() if match.group() in names else re.sub(r"[\s\u00a0]", "", match.group()) for match in found]


class Page(HTMLParser):
    """The first screen of a report: its ``lines``, its tables' ``raw`` numbers, and what is ``drawn``."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.raw: list[list[str]] = []
        self.drawn: list[tuple[str, dict[str, str], str]] = []  # (class, attributes, text)
        self._open: list[tuple[str, dict[str, str]]] = []
        self._text: list[str] = []
        start = html.index('<div class="ranking"')
        self.feed(DESCRIBED.sub("", html[start : html.index("<section", start)]))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        kind = given.get("class", "")
        if "data-tip" in given:
            self.lines.append(given["data-tip"])
        if "aria-label" in given:
            self.lines.append(given["aria-label"])
        if tag == "svg" and "fig" in kind:
            self.drawn.append(("svg", given, ""))
        if tag == "rect" and kind.startswith("interval"):
            self.drawn.append(("interval", given, ""))
        if tag in ("td", "th"):
            self._text.append(" | ")
            self.raw[-1:] = [[*self.raw[-1], given["data-v"]]] if "data-v" in given else self.raw[-1:]
        if tag == "tr":
            self.raw.append([])
        if tag in BLOCKS or (tag == "div" and kind.startswith("t-")) or tag == "text":
            self._text = ["row"] if tag == "tr" else []
        if tag in ("dd", "dt") and self._text:
            self._text.append(" | ")
        if tag not in VOID:
            self._open.append((tag, given))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        name, given = self._open.pop()
        assert name == tag, (name, tag)
        text = " ".join("".join(self._text).replace("\u00a0", " ").split())
        if tag == "text":
            self.drawn.append((given.get("class", ""), given, text))
            if given.get("class") in ("note", "axis"):
                self.lines.append(text)
        elif tag in BLOCKS or (tag == "div" and given.get("class", "").startswith("t-")):
            self.lines.append(text)
        if tag in BLOCKS or tag == "text":
            self._text = []


def number(value: float) -> str:
    text = f"{abs(value):.1f}"
    return f"−{text}" if value < 0 and float(text) else text


def p_value(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def duration(value: float) -> list[str]:
    """The numbers of a duration: of "40 ms", "3.2 s", "4 min 10 s", "2 h 5 min"."""
    if value < 60:
        return [f"{value:.3g}" if value >= 1 else f"{1000 * value:.3g}"]
    if value < 3600:
        whole = round(value)
        return [str(whole // 60), str(whole % 60)] if whole % 60 and whole < 600 else [str(round(value / 60))]
    minutes = round(value / 60)
    return [str(minutes // 60), str(minutes % 60)] if minutes % 60 and minutes < 48 * 60 else [str(minutes // 60)]


def rounded(needed: tuple[int, int]) -> list[str]:
    """Every "about" within the range: up to two digits."""
    found = set()
    for size in range(needed[0], needed[1] + 1):
        step = 10 ** max(len(str(size)) - 2, 0)
        found.add(f"{-(-size // step) * step:,}")
    return sorted(found)

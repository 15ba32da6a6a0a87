"""What they are made of: the answers to the probe ``parts``."""

from __future__ import annotations

from ..analysis.asked import told
from ..analysis.contest import Contest
from ..numbers import named
from ..page.html import snippet
from .parts import Html, Part, Section
from .pictures import Picture, gallery, may_be_shown


class MadeOf:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where nobody showed anything."""
        answered = {one.contender: one for one in reversed(told(contest, "parts"))}
        lines = [
            {
                "name": named(contest.ranked[i].title),
                "tone": contest.ranked[i].tone,
                "steps": [row["step"] for row in answered[i].rows("steps")],
            }
            for i in sorted(answered)
        ]
        lines = [line for line in lines if line["steps"]]
        parts: list[Part] = [Html(snippet("pipeline.html", lines=lines))] if lines else []
        shown: list[Picture] = []
        for i in sorted(answered) if may_be_shown(contest) else ():
            for row in answered[i].rows("pictures"):
                is_image = row["name"] == "image"
                if row["image"] == 0 and not (is_image and shown):
                    tone = "" if is_image else contest.ranked[i].tone
                    note = "" if is_image else named(contest.ranked[i].title)
                    shown.append(Picture(row["picture"], row["name"], note, tone))
        parts += [gallery("The same image as each takes it apart", shown, across=4)] if shown else []
        if not parts:
            return None
        sentence = (
            "On one side every step but the last was designed, and only the last sees the labels; on the other all "
            "weights are learned from them together."
        )
        return Section("made-of", "What they are made of", sentence, parts, lead=len(parts))

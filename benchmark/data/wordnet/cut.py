"""Cut wordnet.tsv.gz out of WordNet 3.0: the ancestors of the synsets of ILSVRC-2012 and Tiny ImageNet-200.

    python -m topfive.benchmark.data.wordnet.cut /usr/share/wordnet/data.noun SYNSETS...

data.noun is WordNet 3.0's (Debian's package wordnet-base has it); SYNSETS are text files whose lines begin with a
WordNet id: the list of ILSVRC-2012's 1,000 and Tiny ImageNet's wnids.txt.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

HERE = Path(__file__).parent


def read_nouns(path: Path) -> dict[str, tuple[tuple[str, ...], str]]:
    """Synset → (hypernyms, instances' hypernyms among them; words). The format is wndb(5WN) of WordNet."""
    nouns = {}
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith("  "):
            continue  # the licence
        fields = line.partition(" | ")[0].split()
        n_words = int(fields[3], 16)
        names = [word.replace("_", " ") for word in fields[4 : 4 + 2 * n_words : 2]]
        pointers = fields[5 + 2 * n_words :]
        parents = tuple("n" + pointers[i + 1] for i in range(0, len(pointers) - 3, 4) if pointers[i] in ("@", "@i"))
        nouns["n" + fields[0]] = parents, ", ".join(names)
    return nouns


def cut(nouns: dict[str, tuple[tuple[str, ...], str]], wanted: set[str]) -> list[str]:
    """Lines of wnid, hypernyms, words: the wanted synsets and all their ancestors, sorted."""
    kept: set[str] = set()
    waiting = sorted(wanted)
    while waiting:
        wnid = waiting.pop()
        if wnid not in kept:
            kept.add(wnid)
            waiting.extend(nouns[wnid][0])
    return [f"{wnid}\t{' '.join(nouns[wnid][0])}\t{nouns[wnid][1]}\n" for wnid in sorted(kept)]


def main() -> None:
    """Write the table and the licence notice beside this file."""
    source, *lists = map(Path, sys.argv[1:])
    wanted = {
        line.split()[0] for file in lists for line in file.read_text(encoding="utf-8").splitlines() if line[:1] == "n"
    }
    lines = cut(read_nouns(source), wanted)
    # No file name and no time inside: the same input gives the same bytes.
    (HERE / "wordnet.tsv.gz").write_bytes(gzip.compress("".join(lines).encode(), 9, mtime=0))
    notice = [line for line in source.read_text(encoding="ascii").splitlines() if line.startswith("  ")]
    text = "\n".join(line.strip().partition(" ")[2].rstrip() for line in notice)
    (HERE / "wordnet_license.txt").write_text(text + "\n", encoding="ascii")
    edges = sum(len(line.split("\t")[1].split()) for line in lines)
    print(f"{len(lines):,} synsets, {edges:,} edges")


if __name__ == "__main__":
    main()

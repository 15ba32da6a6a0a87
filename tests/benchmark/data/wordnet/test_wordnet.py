"""The is-a tree: hand-worked costs, and the cut that made it."""

from __future__ import annotations

import numpy as np
import pytest
from topfive.benchmark.data import wordnet
from topfive.benchmark.data.wordnet import cut

GOLDFISH, TENCH, SHARK = "n01443537", "n01440764", "n01484850"
TABBY, PERSIAN, MINIVAN = "n02123045", "n02123394", "n03770679"


def test_the_table_is_the_one_expected():
    table = wordnet.table()
    assert len(table) == 1860
    assert sum(len(parents) for parents, _ in table.values()) == 1937
    assert [wnid for wnid, (parents, _) in table.items() if not parents] == ["n00001740"]
    assert wordnet.words(GOLDFISH) == "goldfish, Carassius auratus"
    assert wordnet.words("n99999999") == "n99999999"


def test_cost_on_a_tree_worked_by_hand(monkeypatch):
    r"""
    root(3) - a(2) - b(1) - x, y        heights in brackets
           \      \- z
            \- c(1) - w, and w also under a
    """
    tree = {
        "root": ((), ""),
        "a": (("root",), ""),
        "b": (("a",), ""),
        "c": (("root",), ""),
        "x": (("b",), ""),
        "y": (("b",), ""),
        "z": (("a",), ""),
        "w": (("c", "a"), ""),
        "v": (("c",), ""),
    }
    monkeypatch.setattr(wordnet, "table", lambda: tree)
    wordnet.ancestors.cache_clear()
    wordnet.heights.cache_clear()
    try:
        cost = wordnet.hierarchical_cost(["x", "y", "z", "w", "v"]) * 3
    finally:
        wordnet.ancestors.cache_clear()
        wordnet.heights.cache_clear()
    assert np.array_equal(
        cost,
        [
            [0, 1, 2, 2, 3],  # x: y by b, z by a, w by a (not by root), v by root
            [1, 0, 2, 2, 3],
            [2, 2, 0, 2, 3],
            [2, 2, 2, 0, 1],  # w and v by c
            [3, 3, 3, 1, 0],
        ],
    )


def test_costs_of_real_synsets():
    names = [GOLDFISH, TENCH, SHARK, TABBY, PERSIAN, MINIVAN]
    cost = wordnet.hierarchical_cost(names)
    assert np.array_equal(cost, cost.T)
    assert (np.diag(cost) == 0).all()
    height = wordnet.heights()
    # cyprinid; fish; domestic cat; vertebrate; whole
    for other, common in ((1, "n01439121"), (2, "n02512053"), (3, "n01471682"), (5, "n00003553")):
        assert cost[0, other] == pytest.approx(height[common] / height["n00001740"])
    assert cost[3, 4] == pytest.approx(height["n02121808"] / 18)
    with pytest.raises(KeyError):
        wordnet.hierarchical_cost(["n99999999", GOLDFISH])


def test_known_and_branches():
    assert wordnet.known([GOLDFISH, TABBY])
    assert not wordnet.known([GOLDFISH, "cat"])
    assert not wordnet.known([])
    assert [wordnet.branch(wnid) for wnid in (GOLDFISH, TABBY, MINIVAN, "cat")] == [
        "other animals",
        "other mammals",
        "vehicles",
        "other",
    ]


def test_names_are_words_only_where_all_classes_are_synsets():
    assert wordnet.readable((GOLDFISH, MINIVAN)) == ("goldfish, Carassius auratus", "minivan")
    assert wordnet.readable((GOLDFISH, "big_cat")) == (GOLDFISH, "big cat")


def test_the_cut_keeps_ancestors_only(tmp_path):
    source = tmp_path / "data.noun"
    source.write_text(
        "  1 a licence  \n"
        "00000001 03 n 01 entity 0 001 ~ 00000002 n 0000 | a gloss with | a bar\n"
        "00000002 03 n 02 living_thing 0 beast 0 001 @ 00000001 n 0000 | g\n"
        "00000003 03 n 01 rock 0 001 @ 00000001 n 0000 | g\n"
        "00000004 03 n 01 Rex 0 002 @i 00000002 n 0000 #m 00000003 n 0000 | g\n"
    )
    lines = cut.cut(cut.read_nouns(source), {"n00000004"})
    assert lines == [
        "n00000001\t\tentity\n",
        "n00000002\tn00000001\tliving thing, beast\n",
        "n00000004\tn00000002\tRex\n",
    ]

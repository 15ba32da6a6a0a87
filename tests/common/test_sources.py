"""A digest that changes with any source, its place, and nothing else."""

from __future__ import annotations

from pathlib import Path

from topfive.common.sources import source_digest


def test_it_changes_with_text_name_and_place_of_python_files_only(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "below" / "b.py").write_text("2")

    def digest() -> str:
        source_digest.cache_clear()
        return source_digest(tmp_path)

    first = digest()
    (tmp_path / "notes.txt").write_text("nothing")
    assert digest() == first
    (tmp_path / "below" / "b.py").write_text("3")
    second = digest()
    assert second != first
    (tmp_path / "below" / "b.py").rename(tmp_path / "b.py")
    assert digest() != second

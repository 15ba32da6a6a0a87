"""What is installed and what is handed on: the wheel runs without the repository, the sdist can be built and tested."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")
PACKAGES = ("benchmark", "baselines", "cnn")

pytest.importorskip("setuptools", minversion="77", reason="building needs setuptools 77 or newer")


def tracked(*folders: str) -> set[str]:
    """Files below ``folders`` that belong to the project: what tools leave behind is not looked at."""
    left = {"__pycache__", ".DS_Store"}
    found = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in found if not left & set(path.parts) and path.suffix != ".pyc"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel made from it, by the setuptools that is there: nothing is downloaded."""
    source, out = tmp_path_factory.mktemp("source") / "topfive", tmp_path_factory.mktemp("dist")
    unwanted = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "reports", "build", "dist")
    shutil.copytree(ROOT, source, ignore=unwanted)
    make_sdist = "from setuptools import build_meta; import sys; build_meta.build_sdist(sys.argv[1])"
    make_wheel = "from setuptools import build_meta; import sys; build_meta.build_wheel(sys.argv[1])"
    run([sys.executable, "-c", make_sdist, str(out)], source)
    (sdist,) = out.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(out / "unpacked", filter="data")
    (unpacked,) = (out / "unpacked").iterdir()
    run([sys.executable, "-c", make_wheel, str(out)], unpacked)
    return out


def run(command: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_sdist_holds_what_a_reader_needs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = tracked("topfive", *PACKAGES, "docs", "examples", "tests")
    needed |= {"README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "constraints.txt", "setup.cfg"}
    assert needed - names == set()
    assert [name for name in names if name.endswith(".pyc")] == []


def test_the_wheel_holds_the_packages_and_their_data(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        points = configparser.ConfigParser(delimiters="=")
        (listed,) = [name for name in names if name.endswith("entry_points.txt")]
        points.read_string(archive.read(listed).decode())
        (metadata,) = [name for name in names if name.endswith("METADATA")]
        described = archive.read(metadata).decode()
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == {f"topfive/{name}" for name in tracked(*PACKAGES)} | tracked("topfive")
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "topfive/benchmark/data/wordnet/wordnet_license.txt" in names
    assert len(points["topfive.methods"]) == SETUP["options.entry_points"]["topfive.methods"].count(" = ")
    assert points["console_scripts"]["topfive"] == "topfive.benchmark.cli:main"
    assert "Requires-Python: >=3.11" in described
    assert "BSD-3-Clause" in described.partition("\n\n")[0]


def test_it_runs_where_it_cannot_write_beside_itself(built: Path, tmp_path: Path) -> None:
    """The wheel's own files, not the repository's: unpacked, without write permission, first on the path."""
    (wheel,) = built.glob("*.whl")
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    before = sorted(site.rglob("*"))
    for path in [site, *before]:
        path.chmod(path.stat().st_mode & ~0o222)
    places = {"PYTHONPATH": str(site), "TOPFIVE_CACHE": str(tmp_path / "cache")}
    where = run([sys.executable, "-c", "import topfive.cnn as c; print(c.__file__)"], elsewhere, **places)
    assert where.startswith(str(site))
    words = ["run", "-m", "chance", "-d", "photos[per_class=2]", "-o", "out"]
    run([sys.executable, "-m", "topfive.benchmark", *words], elsewhere, **places)
    assert (elsewhere / "out" / "report.html").is_file()
    # Root may write all the same; then too nothing is left but Python's own cache.
    assert [path for path in sorted(site.rglob("*")) if "__pycache__" not in path.parts] == before
    for path in [site, *before]:
        path.chmod(0o755)  # so that it can be deleted

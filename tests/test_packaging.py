"""What is installed and what is handed on: the wheel runs without the repository, the sdist can be built and tested."""

from __future__ import annotations

import ast
import configparser
import importlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import topfive

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
    needed |= {"CITATION.cff", "action.yml"}
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


@pytest.fixture(scope="module")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel as pip installs it, first on the path of what is run with ``places(site)``."""
    (wheel,) = built.glob("*.whl")
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-compile", "--target"]
    run([*pip, str(site), str(wheel)], built)
    return site


def places(site: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(site), "TOPFIVE_CACHE": str(site.with_name("cache"))}


def test_the_installed_command_and_import_are_the_wheels(site: Path, tmp_path: Path) -> None:
    said = run([str(site / "bin" / "topfive"), "list"], tmp_path, **places(site))
    for line in SETUP["options.entry_points"]["topfive.methods"].split("\n")[1:]:
        assert line.partition(" = ")[0] in said
    code = "import topfive, topfive.cnn, topfive.baselines\n"
    code += "print(topfive.__file__, topfive.cnn.__file__, topfive.baselines.__file__, topfive.run.__module__)"
    *files, module = run([sys.executable, "-c", code], tmp_path, **places(site)).split()
    assert [Path(file).is_relative_to(site) for file in files] == [True, True, True]
    assert module == "topfive.benchmark.interface"


def test_types_are_handed_on(site: Path) -> None:
    """A type checker reads a package that is marked, and finds what ``topfive/__init__.py`` hands on where it says."""
    for package in (".", *PACKAGES):
        assert (site / "topfive" / package / "py.typed").is_file()
    tree = ast.parse((site / "topfive" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [one for one in tree.body if isinstance(one, ast.If) and ast.unparse(one.test) == "TYPE_CHECKING"]
    told = {
        (one.module, alias.name, alias.asname)
        for one in block.body
        if isinstance(one, ast.ImportFrom)
        for alias in one.names
    }
    assert {name for _, name, _ in told} == set(topfive.__all__)
    for module, name, again in told:
        assert again == name  # else it is not re-exported
        assert getattr(importlib.import_module(module or ""), name) is getattr(topfive, name)


def test_it_runs_where_it_cannot_write_beside_itself(site: Path, tmp_path: Path) -> None:
    """The wheel's own files, without write permission."""
    before = sorted(path for path in site.rglob("*") if "__pycache__" not in path.parts)
    for path in [site, *before]:
        path.chmod(path.stat().st_mode & ~0o222)
    code = "import topfive\n"
    code += "run = topfive.run(data='photos[per_class=2]', methods='chance', out='out')\n"
    code += "print(*run.table()['status'])"
    assert run([sys.executable, "-c", code], tmp_path, **places(site)) == "done\n"
    assert (tmp_path / "out" / "report.html").is_file()
    # Root may write all the same; then too nothing is left but Python's own cache.
    assert sorted(path for path in site.rglob("*") if "__pycache__" not in path.parts) == before
    for path in [site, *before]:
        path.chmod(0o755)  # so that it can be deleted


def test_the_citation_is_of_this_version() -> None:
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {SETUP['metadata']['version']}" in lines
    assert f"license: {SETUP['metadata']['license']}" in lines
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with the extra cluster")
    cited = yaml.safe_load("\n".join(lines))
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()

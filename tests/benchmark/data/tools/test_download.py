"""``get`` against a server on localhost: resumed, checked, unpacked safely."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from topfive.benchmark.data import sources
from topfive.benchmark.data.tools import download
from topfive.benchmark.errors import InputError


@dataclass
class Server:
    url: str = ""
    content: bytes = b""
    cut: int | None = None  # send so many bytes, then hang up
    ranges: bool = True
    length: str | None = None  # instead of the true one
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            start = int(wanted[6:-1]) if wanted and state.ranges else 0
            if self.path.endswith("/missing.zip"):
                self.send_error(404)
                return
            if start >= len(state.content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", state.length or str(len(state.content) - start))
            self.end_headers()
            self.wfile.write(state.content[start : state.cut])

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        state.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield state
        running.shutdown()
        thread.join()


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def offer(server: Server, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, most: int = 10**6) -> None:
    server.content = content
    checksum = "md5:" + hashlib.md5(content).hexdigest()
    source = sources.Source(f"{server.url}/{name}", checksum, "small-set", most)
    monkeypatch.setitem(sources.SOURCES, "small", source)


def test_fetched_unpacked_and_not_fetched_again(server, tmp_path, monkeypatch):
    offer(server, monkeypatch, "small.zip", zipped({"outer/a/1.txt": b"one", "outer/b.txt": b"two"}))
    seen = []
    target = download.get("small", str(tmp_path), progress=lambda have, total: seen.append((have, total)))
    assert target == tmp_path / "small-set"
    assert (target / "a" / "1.txt").read_bytes() == b"one"
    assert seen[-1] == (len(server.content), len(server.content))
    assert [path.name for path in tmp_path.iterdir()] == ["small-set"]
    assert download.get("small", str(tmp_path)) == target
    assert len(server.asked) == 1


@pytest.mark.parametrize("length", ["²", "9" * 5000])
def test_a_length_that_is_no_number_is_not_believed(server, tmp_path, monkeypatch, length):
    offer(server, monkeypatch, "small.zip", zipped({"a.txt": b"one"}))
    server.length = length
    seen = []
    target = download.get("small", str(tmp_path), progress=lambda have, total: seen.append((have, total)))
    assert (target / "a.txt").read_bytes() == b"one"
    assert seen[-1] == (len(server.content), None)


@pytest.mark.parametrize("ranges", [True, False])
def test_resumed_after_a_cut(server, tmp_path, monkeypatch, ranges):
    offer(server, monkeypatch, "small.zip", zipped({"x/a.bin": bytes(range(256)) * 500}))
    server.cut, server.ranges = 70_000, ranges
    with pytest.raises(InputError, match="run it again to go on") as caught:
        download.get("small", str(tmp_path))
    assert "\n" not in str(caught.value)
    assert (tmp_path / "small.zip.part").stat().st_size == 65_536
    server.cut = None
    target = download.get("small", str(tmp_path))
    assert server.asked == [None, "bytes=65536-"]
    assert (target / "a.bin").read_bytes() == bytes(range(256)) * 500


def test_a_wrong_checksum_is_not_unpacked_and_starts_anew(server, tmp_path, monkeypatch):
    good = zipped({"x/a.txt": b"good"})
    offer(server, monkeypatch, "small.zip", good)
    server.content = zipped({"x/a.txt": b"evil"})
    with pytest.raises(InputError, match="published checksum"):
        download.get("small", str(tmp_path))
    assert not (tmp_path / "small-set").exists()
    server.content = good
    assert (download.get("small", str(tmp_path)) / "a.txt").read_bytes() == b"good"


def test_missing_and_unknown(server, tmp_path, monkeypatch):
    offer(server, monkeypatch, "missing.zip", b"x")
    with pytest.raises(InputError, match="404"):
        download.get("small", str(tmp_path))
    with pytest.raises(InputError, match="did you mean 'imagenette'"):
        download.get("imagenete", str(tmp_path))


def tarred(members: list[tarfile.TarInfo]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return file.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    return info


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tgz", tarred([member("ok", size=1), member("../out", size=1)]), "outside"),
        ("a.tgz", tarred([member("/etc/out", size=1)]), "outside"),
        ("a.tgz", tarred([member("link", tarfile.SYMTYPE, link="/etc/passwd")]), "link"),
        ("a.tgz", tarred([member("link", tarfile.LNKTYPE, link="other")]), "link|unpacked"),
        ("a.tgz", tarred([member("pipe", tarfile.FIFOTYPE)]), "link or a device"),
        ("a.tgz", tarred([member("big", size=3000)]), "more than 2,000 bytes"),
        ("a.zip", zipped({"../out": b"x"}), "outside"),
        ("a.zip", zipped({"C:\\out": b"x"}), "outside"),
        ("a.zip", zipped({"big": b"x" * 3000}), "more than 2,000 bytes"),
        ("a.zip", b"PK nothing", "cannot be unpacked"),
        ("a.tgz", b"\x1f\x8bnothing", "cannot be unpacked"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,  # the bytes hold the time at which they were made
)
def test_unsafe_archives_leave_nothing(tmp_path: Path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        download.unpack(tmp_path / name, tmp_path / "set", 2000)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert not (tmp_path.parent / "out").exists()

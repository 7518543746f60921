"""A stand-in for the hub on 127.0.0.1: what huggingface_hub asks of it for one repository."""

import contextlib
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What the stand-in does, and what it was asked.

    Attributes:
        repo: The one repository that it has.
        folder: Its files.
        revisions: Commits, branches and tags that it knows; all are the same files.
        token: The only token that is let in; none need be sent.
        refuse: Status and X-Error-Code to refuse files with, if any.
        cut_at: Bytes of a file after which its next download breaks off, by name.
        hangs_up: Whether downloads break off there each time, and not only once.
        hold_at: Bytes of a file after which its downloads stall until `release`, by name.
        holding: Set once one stalls.
        answer: A page that is the answer to everything, as a login page is.
        requests: (method, path, Range) of all that was asked.
        url: Where it listens.
    """

    repo: str
    folder: Path
    revisions: set[str] = field(default_factory=lambda: {"main", COMMIT})
    token: str = ""
    refuse: tuple[int, str] | None = None
    cut_at: dict[str, int] = field(default_factory=dict)
    hangs_up: bool = False
    hold_at: dict[str, int] = field(default_factory=dict)
    holding: threading.Event = field(default_factory=threading.Event)
    answer: str = ""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self._released = threading.Event()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        # The default poll of half a second is what closing would wait for.
        serve = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        serve.start()

    def close(self) -> None:
        """Stop."""
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def hold(self) -> None:
        """Stall."""
        self.holding.set()
        self._released.wait()

    def release(self) -> None:
        """Go on with what stalls."""
        self._released.set()

    def fetched(self) -> list[str]:
        """Names of the files whose content was asked for, in order."""
        resolved = re.compile(rf"/{self.repo}/resolve/[^/]+/(.+)")
        asked = [resolved.fullmatch(path) for method, path, _ in self.requests if method == "GET"]
        return [match[1] for match in asked if match]

    def ranges(self, name: str) -> list[str]:
        """Range headers of the downloads of one file, in order."""
        return [
            wanted
            for method, path, wanted in self.requests
            if method == "GET" and path.endswith(f"/{name}")
        ]


class _Server(ThreadingHTTPServer):
    """Listens on a free port, for one stand-in."""

    daemon_threads = True

    def __init__(self, hub: Hub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        hub = self.server.hub
        path = self.path.split("?")[0]
        hub.requests.append((self.command, path, self.headers.get("Range", "")))
        api = re.fullmatch(rf"/api/models/{hub.repo}(?:/revision/([^/]+))?", path)
        tree = re.fullmatch(rf"/api/models/{hub.repo}/tree/([^/]+)", path)
        file = re.fullmatch(rf"/{hub.repo}/resolve/[^/]+/(.+)", path)
        revision = next((match[1] for match in (api, tree) if match), None) or "main"
        if hub.answer:
            self._send(hub.answer.encode(), "text/html")
        elif self.headers.get("Authorization", f"Bearer {hub.token}") != f"Bearer {hub.token}":
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif revision not in hub.revisions:
            self._refuse(404, "RevisionNotFound")
        elif api:
            siblings = _siblings(hub)
            self._send_json({"id": hub.repo, "sha": self._commit(), "siblings": siblings})
        elif tree:
            self._send_json(_tree(hub))
        elif file and hub.refuse:
            self._refuse(*hub.refuse)
        elif file and (hub.folder / file[1]).is_file():
            self._send_file(file[1])
        else:
            self._refuse(404, "EntryNotFound" if file else "RepoNotFound")

    def _send_json(self, value: Any) -> None:
        self._send(json.dumps(value).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self._send_head(200, {"Content-Type": kind}, len(body))
        self.wfile.write(body)

    def _refuse(self, status: int, code: str, message: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self._send_head(status, {name: text for name, text in headers.items() if text}, 0)

    def _send_file(self, name: str) -> None:
        content = (self.server.hub.folder / name).read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        headers = {"ETag": f'"{_etag(content)}"', "X-Repo-Commit": self._commit()}
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send_head(206 if wanted else 200, headers, len(content) - start)
        if self.command == "GET":
            self._send_body(name, content, start)

    def _commit(self) -> str:
        commit = re.search(r"/(?:resolve|revision)/([0-9a-f]{40})(?:/|$)", self.path)
        return commit[1] if commit else COMMIT

    def _send_body(self, name: str, content: bytes, start: int) -> None:
        hub = self.server.hub
        end = len(content)
        if name in hub.cut_at:
            end = hub.cut_at[name] if hub.hangs_up else hub.cut_at.pop(name)
            self.close_connection = True
        with contextlib.suppress(ConnectionError):  # Whoever asked has stopped.
            if name in hub.hold_at:
                self.wfile.write(content[start : hub.hold_at[name]])
                start = hub.hold_at[name]
                hub.hold()
            self.wfile.write(content[start:end])

    def _send_head(self, status: int, headers: dict[str, str], length: int) -> None:
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()


def _names(hub: Hub) -> list[str]:
    return sorted(
        str(path.relative_to(hub.folder)) for path in hub.folder.rglob("*") if path.is_file()
    )


def _siblings(hub: Hub) -> list[dict[str, str]]:
    return [{"rfilename": name} for name in _names(hub)]


def _tree(hub: Hub) -> list[dict[str, Any]]:
    return [
        {
            "type": "file",
            "path": name,
            "size": (hub.folder / name).stat().st_size,
            "oid": _etag((hub.folder / name).read_bytes()),
        }
        for name in _names(hub)
    ]


def _etag(content: bytes) -> str:
    """As the hub makes it for large files."""
    return hashlib.sha256(content).hexdigest()

"""Over a real SSH server on this machine: what a dropped line costs, and how tmux helps."""

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import ENDLESS_TOKENS, app_command, stored_replies
from tests.support.processes import is_there, wait_until
from tests.support.terminal import ROOT, Terminal, app_environ

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")

pytestmark = [
    pytest.mark.skipif(SSHD is None, reason="there is no sshd here (Debian: openssh-server)"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh here"),
]


@dataclass(frozen=True)
class Server:
    """An SSH server with keys and a port of its own."""

    folder: Path
    port: int

    def command(self, remote: str) -> list[str]:
        """`ssh` with a terminal, running something there."""
        options = {
            "UserKnownHostsFile": self.folder / "known_hosts",
            "StrictHostKeyChecking": "no",
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
        }
        given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "none", *given, "-i", str(self.folder / "key"), "-tt",
                "-p", str(self.port), f"{getpass.getuser()}@127.0.0.1", remote]  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The server, ended with the test."""
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host_key", "key"):
        make_key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(make_key, check=True)
    (folder / "key.pub").rename(folder / "authorized_keys")
    _make_privilege_separation_folder()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nPidFile none\nStrictModes no\n"
        "UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    log = (folder / "log").open("w")
    process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", folder / "config"], stderr=log)
    try:
        wait_until(lambda: _answers(port), lambda: (folder / "log").read_text())
        yield Server(folder, port)
    finally:
        process.kill()
        process.wait()
        log.close()


def _make_privilege_separation_folder() -> None:
    """What a server that root starts by hand insists on."""
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)


def _answers(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def _remote(home: Path, model: Path, *arguments: str, tokens: int = ENDLESS_TOKENS) -> str:
    """The app as a command line for the other side; its process id goes to home/pid."""
    settings = app_environ(home) | {
        "PYTHONPATH": str(ROOT),
        "PHI3V_TUI_MAX_NEW_TOKENS": str(tokens),
    }
    assignments = [f"{name}={value}" for name, value in settings.items()]
    line = shlex.join(["env", *assignments, *app_command(model, *arguments)])
    return f"cd {shlex.quote(str(home))}; echo $$ > pid; exec {line}"


def _ask_and_wait_for_text(link: Terminal, home: Path) -> None:
    link.wait_for("F1 help")
    link.type("Hello")
    link.press("enter")
    link.wait_for(lambda _: any(text for text, _ in stored_replies(home)))


def test_cut_link_costs_nothing_that_had_come(server, home, endless):
    with Terminal(server.command(_remote(home, endless)), environ=app_environ(home)) as link:
        _ask_and_wait_for_text(link, home)
        pid = int((home / "pid").read_text())
        assert is_there(pid)
        os.kill(link.pid, signal.SIGKILL)
        wait_until(lambda: not is_there(pid))
    ((partial, state),) = stored_replies(home)
    assert partial
    # On a machine too busy to end the app in good order it ends without, and keeps what was saved.
    assert state in ("cancelled", "in_progress")
    resume = server.command(_remote(home, endless, "--resume"))
    with Terminal(resume, environ=app_environ(home)) as link:
        link.wait_for(lambda screen: "stopped" in screen or "interrupted" in screen)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")
def test_answer_goes_on_within_tmux_while_the_link_is_cut(server, home, endless):
    tmux = f"tmux -S {shlex.quote(str(home / 'tmux'))} -f /dev/null"
    begin = f"{tmux} new-session -s chat {shlex.quote(_remote(home, endless, tokens=8000))}"
    try:
        with Terminal(server.command(begin), environ=app_environ(home)) as link:
            _ask_and_wait_for_text(link, home)
            os.kill(link.pid, signal.SIGKILL)
            assert stored_replies(home)[0][1] == "in_progress"
        with Terminal(server.command(f"{tmux} attach"), environ=app_environ(home)) as link:
            link.wait_for(lambda _: stored_replies(home)[0][1] == "length", seconds=300)
            link.wait_for("tokens in")
            link.press("ctrl+q")
            wait_until(lambda: not is_there(int((home / "pid").read_text())))
    finally:
        subprocess.run(shlex.split(f"{tmux} kill-server"), check=False, capture_output=True)
    assert len(stored_replies(home)) == 1

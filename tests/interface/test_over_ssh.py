"""How a file comes from one's own computer."""

from pathlib import Path

import pytest

from phi3v_tui.interface.over_ssh import scp_command


@pytest.mark.parametrize(
    ("connection", "command"),
    [
        ("198.51.100.7 50000 192.0.2.1 22", "scp /a.png ann@192.0.2.1:"),
        ("198.51.100.7 50000 192.0.2.1 2222", "scp -P 2222 /a.png ann@192.0.2.1:"),
        ("2001:db8::7 50000 2001:db8::1 22", "scp /a.png ann@[2001:db8::1]:"),
    ],
)
def test_the_command_names_address_port_and_person(connection, command, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ann")
    assert scp_command(Path("/a.png"), connection) == command

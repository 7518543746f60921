"""Pictures from the web: what is fetched, what is refused, and what it says then."""

import io
import itertools
import socket
import threading

import pytest
from PIL import Image

from phi3v_tui import web_pictures
from phi3v_tui.errors import AttachmentError
from phi3v_tui.web_pictures import WebLimits, fetch_picture


@pytest.fixture
def picture():
    buffer = io.BytesIO()
    Image.effect_noise((200, 100), 90).save(buffer, "PNG")
    return buffer.getvalue()


def resolving_to(monkeypatch, **hosts):
    """Names that lead to addresses, without a name server."""

    def getaddrinfo(host, port, *_, **__):
        addresses = hosts.get(host.replace(".", "_").replace("-", "_"), [host])
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    monkeypatch.setattr(web_pictures.socket, "getaddrinfo", getaddrinfo)


def test_a_picture_is_fetched_and_tells_how_far_it_is(server, picture):
    url = server.serve("/pics/my%20cat.png?size=big", picture)
    steps = []
    attached = fetch_picture(url, True, lambda done, total: steps.append((done, total)))
    assert attached.data == picture
    assert (attached.name, attached.origin) == ("my cat.png", url)
    assert steps[-1] == (len(picture), len(picture))


def test_redirects_are_followed(server, picture):
    server.serve("/b/cat.png", picture)
    server.redirect("/hop", "/b/cat.png", 307)
    url = server.redirect("/a", server.url("/hop"))
    assert fetch_picture(url, True).data == picture


def test_too_many_redirects_are_refused(server):
    url = server.redirect("/a", "/a")
    with pytest.raises(AttachmentError, match="redirects more than 5 times"):
        fetch_picture(url, True)
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254",
        "100.64.0.1", "0.0.0.0", "224.0.0.1", "[::1]", "[fe80::1]", "[fc00::1]",
        "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "2130706433", "127.1",
    ],
)  # fmt: skip
def test_private_addresses_are_refused_in_any_writing(host, monkeypatch):
    monkeypatch.setattr(
        web_pictures.http.SyncBackend, "connect_tcp", lambda *_, **__: pytest.fail("connected")
    )
    with pytest.raises(AttachmentError, match="not a public address") as caught:
        fetch_picture(f"http://{host}/a.png")
    assert "allow_private_urls" in caught.value.remedy


def test_names_that_lead_to_a_private_address_are_refused(monkeypatch):
    resolving_to(monkeypatch, pics_example=["93.184.216.34", "127.0.0.1"])
    with pytest.raises(AttachmentError, match=r"pics\.example is not a public address"):
        fetch_picture("http://pics.example/a.png")


def test_redirects_to_a_private_address_are_refused(server, monkeypatch, picture):
    inside = server.serve("/secret.png", picture)
    outside = server.redirect("/a", inside).replace("127.0.0.1", "public.example")
    resolving_to(monkeypatch, public_example=["127.0.0.1"])
    monkeypatch.setattr(web_pictures, "_is_public", lambda address: calls.pop(0))
    calls = [True, False]
    with pytest.raises(AttachmentError, match=r"127\.0\.0\.1 is not a public address"):
        fetch_picture(outside)
    assert server.asked == ["/a"]


def test_the_connection_goes_to_the_address_that_was_checked(server, monkeypatch, picture):
    """A name that is resolved again might lead elsewhere the second time."""
    resolved = itertools.chain([["127.0.0.1"]], itertools.repeat(["203.0.113.1"]))
    monkeypatch.setattr(web_pictures, "_resolve", lambda host, port: next(resolved))
    url = server.serve("/a.png", picture).replace("127.0.0.1", "pics.example")
    assert fetch_picture(url, True).data == picture


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://example.org/a.png", "not an http or https address"),
        ("http://", "not an http or https address"),
        ("http://[bad/a.png", "not an http or https address"),
        ("http://example.org:99999/a.png", "not an http or https address"),
        ("http://ann:secret@example.org/a.png", "name or a password"),
    ],
)
def test_odd_addresses_are_refused(url, sentence):
    with pytest.raises(AttachmentError, match=sentence):
        fetch_picture(url)


def test_redirects_to_other_schemes_are_refused(server):
    url = server.redirect("/a", "file:///etc/passwd")
    with pytest.raises(AttachmentError, match="not an http or https address"):
        fetch_picture(url, True)


def test_announced_and_unannounced_size_is_limited(server, picture):
    url = server.serve("/a.png", picture)
    small = WebLimits(max_bytes=len(picture) - 1)
    with pytest.raises(AttachmentError, match="too large"):
        fetch_picture(url, True, limits=small)

    def without_length(handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(picture)

    server.answers["/b.png"] = without_length
    with pytest.raises(AttachmentError, match="too large"):
        fetch_picture(server.url("/b.png"), True, limits=small)
    assert fetch_picture(server.url("/b.png"), True).data == picture


def test_time_is_limited_also_where_bytes_go_on_coming(server, picture):
    gate = threading.Event()
    url = server.trickle("/a.png", picture, gate)
    seconds = itertools.count(0, 5)
    with pytest.raises(AttachmentError, match="did not come within 60 seconds"):
        fetch_picture(url, True, clock=lambda: float(next(seconds)))
    gate.set()


def test_a_download_can_be_given_up(server, picture):
    gate, given_up = threading.Event(), threading.Event()
    url = server.trickle("/a.png", picture, gate)
    with pytest.raises(AttachmentError, match="cancelled"):
        fetch_picture(url, True, lambda done, total: given_up.set(), given_up.is_set)
    gate.set()


@pytest.mark.parametrize(
    ("kind", "body", "status", "sentence"),
    [
        ("text/html; charset=utf-8", b"<html>", 200, "web page"),
        ("image/png", b"<html>", 200, "not a picture"),
        ("image/png", b"", 404, "answered 404"),
    ],
)
def test_what_is_no_picture_is_said(server, kind, body, status, sentence):
    url = server.serve("/a.png", body, kind, status)
    with pytest.raises(AttachmentError, match=sentence):
        fetch_picture(url, True)


def test_a_server_that_is_not_there_is_said():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(AttachmentError, match="could not be fetched"):
        fetch_picture(f"http://127.0.0.1:{port}/a.png", True)


def test_a_name_that_is_not_known_is_said(monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(web_pictures.socket, "getaddrinfo", fail)
    with pytest.raises(AttachmentError, match=r"No computer named nowhere\.example"):
        fetch_picture("https://nowhere.example/a.png")


@pytest.mark.parametrize("target", ["http://[", "http://\u00e4..example/a.png"])
def test_redirects_that_make_no_sense_are_refused(server, target):
    url = server.redirect("/a", target.encode().decode("latin-1"))
    with pytest.raises(AttachmentError, match="is not an http or https address"):
        fetch_picture(url, True)


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("93.184.215.14", True),
        ("2606:4700::1111", True),
        ("64:ff9b::5db8:d70e", True),
        ("64:ff9b:1::7f00:1", False),
        ("fec0::1", False),
        ("::ffff:0:7f00:1", False),
        ("::7f00:1", False),
    ],
)
def test_what_is_wrapped_in_an_address_counts(address, is_public):
    assert web_pictures._is_public(address) is is_public


def test_a_page_of_a_document_is_taken_by_its_number(server):
    buffer = io.BytesIO()
    pages = [Image.new("RGB", (20 + number, 10)) for number in range(3)]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    url = server.serve("/scan.tif", buffer.getvalue(), "image/tiff")
    assert fetch_picture(f"{url}#page=2", True).width == 21
    with pytest.raises(AttachmentError, match="has 3 pages, and no page 4"):
        fetch_picture(f"{url}#page=4", True)

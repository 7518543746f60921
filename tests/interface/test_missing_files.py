"""What is said of a file that is not here."""

from pathlib import Path

import pytest

from phi3v_tui.errors import AttachmentError
from phi3v_tui.interface.picture_files import picture_paths, read_picture


@pytest.fixture(autouse=True)
def charts(tmp_path, monkeypatch):
    """A folder that is here, and the current one; the home folder is beside it."""
    folder = tmp_path / "charts"
    folder.mkdir()
    (folder / "chart.png").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture(params=["here", "over ssh"])
def anywhere(request, monkeypatch):
    """The same with and without SSH."""
    if request.param == "over ssh":
        over_ssh(monkeypatch)


def over_ssh(monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "198.51.100.7 50000 192.0.2.1 22")


def words_on(path) -> str:
    with pytest.raises(AttachmentError) as caught:
        read_picture(Path(path))
    return str(caught.value)


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("place", ["charts", "{folder}", "./charts"])
def test_a_misspelt_name_is_answered_with_the_nearest_one(place, charts):
    words = words_on(f"{place.format(folder=charts)}/chrt.png")
    assert words == f"There is no file chrt.png in {charts}. Did you mean chart.png?"


@pytest.mark.usefixtures("anywhere")
def test_a_name_like_no_other_is_said_to_be_missing_from_its_folder(charts):
    assert (
        words_on("charts/zebra.png") == f"There is no file zebra.png in {charts}. Check its name."
    )


def test_over_ssh_a_folder_that_both_computers_have_comes_with_the_command(charts, monkeypatch):
    over_ssh(monkeypatch)
    words = words_on(charts / "zebra.png")
    assert words.startswith(f"There is no file zebra.png in {charts}. Check its name; ")
    assert f"scp {charts}/zebra.png ann@192.0.2.1: and attach ~/zebra.png." in words


def test_over_ssh_a_folder_that_is_not_here_is_on_ones_own_computer(tmp_path, monkeypatch):
    over_ssh(monkeypatch)
    assert "this path is on your computer, not on" in words_on("/Users/ann/chart.png")
    words = words_on(tmp_path / "home" / "my pictures" / "chart.png")
    assert "There is no ~/my pictures/chart.png here" in words
    assert "scp ~/'my pictures/chart.png' ann@192.0.2.1:" in words


@pytest.mark.usefixtures("anywhere")
def test_a_link_that_leads_nowhere_is_said_to_be_one(charts):
    (charts / "link.png").symlink_to("/nowhere/at/all.png")
    assert words_on("charts/link.png") == (
        f"{charts}/link.png is a link to /nowhere/at/all.png, which is not there. "
        "Mend the link, or attach the file itself."
    )


@pytest.mark.usefixtures("anywhere")
def test_for_a_pattern_there_is_a_command(charts):
    assert words_on("charts/*.png") == f"*.png is a pattern. Type: /attach {charts}/*.png"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("charts/chart.png", ["charts/chart.png"]),
        ("'charts/chart.png' chart 2.png", []),
        ("chart 2.png", ["chart 2.png"]),
        ("'chart 2.png' charts/chart.png", ["chart 2.png", "charts/chart.png"]),
        ("charts/chart.png#page=2", ["charts/chart.png#page=2"]),
        ("/a/scan.tif#page=3", ["/a/scan.tif#page=3"]),
        ("What is in chart.png", []),
        ("no.png", []),
        ("", []),
    ],
)
def test_what_is_taken_for_a_picture_and_not_for_a_prompt(charts, text, names):
    (charts.parent / "chart 2.png").touch()
    assert picture_paths(text) == [Path(name) for name in names]


@pytest.mark.usefixtures("anywhere")
def test_an_address_that_is_not_of_the_web_is_no_path():
    assert words_on("ftp://example.org/a.png") == (
        "Nothing is fetched by ftp, only by http and https. "
        "Download the picture, and attach the file."
    )

"""What is remembered from one start to the next."""

from phi3v_tui.remembered import Remembered


def test_what_was_set_is_there_at_the_next_start(tmp_path):
    path = tmp_path / "new" / "remembered.json"
    Remembered(path).set("theme", "nord")
    Remembered(path).set("other", "ü")
    assert Remembered(path).get("theme") == "nord"
    assert Remembered(path).get("other") == "ü"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_damaged_file_is_as_good_as_none(tmp_path):
    path = tmp_path / "remembered.json"
    for text in ("{", "[]", '{"theme": 3}', "\udcff"):
        path.write_text(text, "utf-8", "surrogateescape")
        assert Remembered(path).get("theme") == ""
    Remembered(path).set("theme", "nord")
    assert Remembered(path).get("theme") == "nord"


def test_where_nothing_can_be_written_it_forgets(tmp_path):
    (tmp_path / "file").write_text("")
    remembered = Remembered(tmp_path / "file" / "remembered.json")
    remembered.set("theme", "nord")
    assert remembered.get("theme") == ""

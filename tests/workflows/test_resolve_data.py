from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tumorscope.config import SlicesConfig
from tumorscope.errors import PhantomError
from tumorscope.workflows import slices
from tumorscope.workflows.slices import resolve_data


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    """A working folder and a cache of its own."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def resolved(**settings):
    """What a config is resolved to, and what is said about it."""
    said = []
    config = SlicesConfig(**{"phantom_count": 3} | settings)
    return resolve_data(config, "training", said.append), said


def make_file(*parts: str) -> None:
    path = Path(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_a_folder_is_read_where_it_is():
    data, said = resolved(data="elsewhere/set")

    assert (data.folder, data.origin, data.name) == (Path("elsewhere/set"), "folder", "set")
    assert said == ["Reading slices from elsewhere/set/."]


def test_auto_reads_the_folder_data_if_a_picture_is_in_it():
    make_file("data", "set", "yes", "one.jpg")

    data, said = resolved(data="auto")

    assert (data.folder, data.origin) == (Path("data"), "folder")
    assert said == ["Reading slices from data/."]


def test_auto_draws_phantoms_where_the_folder_data_holds_no_picture():
    make_file("data", "README.md")
    make_file("data", "yes", ".hidden.png")
    make_file("data", ".cache", "one.png")

    data, said = resolved(data="auto")

    assert (data.origin, data.name) == ("phantom", "phantom")
    assert said == ["No slices in data/: training on 3 phantoms."]


def test_auto_draws_phantoms_where_there_is_no_folder_data():
    assert resolved(data="auto")[0].origin == "phantom"


def test_phantom_draws_them_even_where_there_are_slices(tmp_path):
    make_file("data", "yes", "one.jpg")

    data, said = resolved(data="phantom", phantom_seed=5)

    assert data.folder.parent == tmp_path / "cache" / "tumorscope" / "phantoms"
    assert data.folder.name.startswith("3-seed5-128px-")
    assert len(list(data.folder.glob("*/0000?.png"))) >= 3
    assert said == ["Training on 3 phantoms."]


def test_phantoms_are_drawn_once():
    first, _ = resolved(data="phantom")
    written = (first.folder / "manifest.csv").stat().st_mtime_ns

    second, _ = resolved(data="phantom")

    assert second == first
    assert (second.folder / "manifest.csv").stat().st_mtime_ns == written


def test_other_phantoms_have_a_folder_of_their_own(monkeypatch):
    folders = {resolved(data="phantom", phantom_seed=seed)[0].folder for seed in (0, 1)}
    folders.add(resolved(data="phantom", phantom_count=2)[0].folder)
    monkeypatch.setattr(slices, "version", lambda library: "another")
    folders.add(resolved(data="phantom")[0].folder)

    assert len(folders) == 4


def test_what_a_killed_drawing_left_is_not_believed_but_removed():
    first, _ = resolved(data="phantom")
    left_behind = first.folder.with_name(f".{first.folder.name}.12345678.part")
    first.folder.rename(left_behind)
    (left_behind / "manifest.csv").unlink()

    again, _ = resolved(data="phantom")

    assert (again.folder / "manifest.csv").is_file()
    assert not left_behind.exists()


def test_two_at_once_draw_one_folder():
    drawn = []
    config = SlicesConfig(data="phantom", phantom_count=3)

    def resolve(_: int) -> Path:
        return resolve_data(config, "training", progress=lambda *done: drawn.append(done)).folder

    with ThreadPoolExecutor(2) as pool:
        folders = set(pool.map(resolve, range(2)))

    assert len(folders) == 1
    assert drawn == [(3, 3)]


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    with pytest.raises(PhantomError, match="cache folder .* set XDG_CACHE_HOME to one that can be"):
        resolved(data="phantom")

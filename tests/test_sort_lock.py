"""dvc.lock in one order, whatever ran first."""

import random

import pytest
import yaml

from stages.shared import layout
from tests.conftest import ROOT
from tools import lockfile, sort_lock

LOCKS = sorted([ROOT / layout.LOCK, *ROOT.glob("results/*/dvc.lock")])


def shuffled(text):
    """The same stages in another order."""
    lock = lockfile.parse(text)
    names = list(lock.entries)
    random.Random(0).shuffle(names)
    assert names != sorted(names)
    return "".join([lock.head, *(lock.entries[name] for name in names), lock.tail])


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_stages_are_put_in_order_and_nothing_else_changes(path, tmp_path, monkeypatch):
    text = path.read_text()
    mixed = shuffled(text)
    file = tmp_path / "dvc.lock"
    file.write_text(mixed)
    monkeypatch.chdir(tmp_path)
    sort_lock.main([])
    ordered = file.read_text()
    content = yaml.safe_load(ordered)
    assert content == yaml.safe_load(mixed)
    assert list(content["stages"]) == sorted(content["stages"])
    assert lockfile.parse(ordered).entries == lockfile.parse(text).entries


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_committed_files_are_in_order(path):
    assert lockfile.parse(path.read_text()).text == path.read_text()


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_stage_needs_and_makes_is_in_the_order_that_dvc_writes(path):
    for stage in yaml.safe_load(path.read_text())["stages"].values():
        for what in ("deps", "outs"):
            paths = [one["path"] for one in stage.get(what, ())]
            assert paths == sorted(paths)


def test_a_file_in_order_is_not_written(tmp_path):
    file = tmp_path / "dvc.lock"
    file.write_bytes((ROOT / "results/article/dvc.lock").read_bytes())
    before = file.stat()
    sort_lock.main([str(file)])
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


A = "  'a@1':\n    cmd: y\n"
B = "  b:\n    cmd: |-\n      z\n\n      x\n"  # a text of several lines, one of them empty
HEAD, TAIL = "schema: '2.0'\nstages:\n", "datasets:\n- name: x\n"  # DVC may write more than stages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("schema: '2.0'\nstages: {}\n", "schema: '2.0'\nstages: {}\n"),
        (HEAD + B + A, HEAD + A + B),
        (HEAD + B + "\n" + A + TAIL, HEAD + A + B + "\n" + TAIL),
    ],
)
def test_every_line_stays_with_its_stage(text, expected):
    assert lockfile.parse(text).text == expected


def test_a_missing_file_is_one_line(project):
    (project.folder / "dvc.lock").unlink()
    output = project.tool("sort_lock", code=1)
    assert output == "error: dvc.lock: No such file or directory\n"

"""The promises of dvc.yaml: every stage declares the code that it imports and the parameters that it uses."""

import ast
import copy
import re

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from denoising.files import InputError
from stages import schema as params
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def stages():
    with Repo(ROOT) as repo:
        return {stage.addressing: stage for stage in repo.index.stages}


@pytest.fixture(scope="module")
def content():
    return YAML(typ="safe").load(ROOT / "params.yaml")


def imported_files(module):
    """Files of this repository that a module imports, directly or not; itself included."""
    seen, queue = set(), [module]
    while queue:
        name = queue.pop()
        path = ROOT / (name.replace(".", "/") + ".py")
        package = ROOT / name.replace(".", "/") / "__init__.py"
        file = path if path.is_file() else package
        if not file.is_file() or file in seen:
            continue
        seen.add(file)
        queue += [name.rpartition(".")[0]]  # importing a module imports its package
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                queue += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                queue += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return {str(file.relative_to(ROOT)) for file in seen}


def declared(stage):
    return {dep.def_path for dep in stage.deps}


def test_every_stage_declares_exactly_the_code_it_imports(stages):
    for name, stage in stages.items():
        module = stage.cmd.split()[2]
        expected = imported_files(module)
        if module == "stages.train":  # imports by name
            run = params.load(ROOT / "params.yaml").runs[stage.cmd.split()[-1]]
            expected |= imported_files(f"denoising.networks.{run.model}")
        if module == "studies.clipping.measure":
            expected |= imported_files("denoising.networks.win5rb")
        code = {path for path in declared(stage) if path.endswith(".py")}
        assert code == expected, (
            f"{name}: declared - imported {code - expected}, missing {expected - code}"
        )


def leaves(content, path=()):
    for key, value in content.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


ALTERNATIVES = {
    "budget": ["smoke", "article"],
    "model": ["cae", "cnn"],
    "target": ["noisy", "clean"],
    "precision": ["float32"],
    "convolution": ["direct"],
    "schedule": ["constant", "cosine"],
    "selection": ["shuffled"],
    "redraw": ["every_epoch"],
    "initializer": ["he_uniform"],
    "output_activation": ["sigmoid"],
}


def changed(content, path, value):
    """The parameters with one leaf changed to another valid value; None where there is no other."""
    others = ALTERNATIVES.get(path[-1], [])
    if isinstance(value, bool):
        others = [not value]
    elif isinstance(value, (int, float)):
        others = [value + 2, value - 2, value / 2, value - 1]
    for other in others:
        if other == value:
            continue
        result = copy.deepcopy(content)
        place = result
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = other
        try:
            return params.validate(result)
        except InputError:
            continue
    return None


SETTINGS = {
    "stages.corrupt": "corrupt_settings",
    "stages.train": "train_settings",
    "stages.evaluate": "evaluate_settings",
    "stages.evaluate_debiased": "debiased_settings",
    "stages.evaluate_filter": "filter_settings",
    "stages.report": "report_settings",
}


def test_every_stage_declares_the_parameters_it_uses(stages, content):
    """Change every number in turn: where a stage's settings change, it must have declared that number."""
    unchanged = params.validate(content)
    tried = 0
    for path, value in leaves(content):
        after = changed(content, path, value)
        if after is None:
            continue
        tried += 1
        for name, stage in stages.items():
            module, *arguments = stage.cmd.split()[2:]
            if module.startswith("studies."):  # has parameters of its own
                continue
            if module not in SETTINGS:
                assert not stage.params
                continue
            before, now = (getattr(p, SETTINGS[module])(*arguments) for p in (unchanged, after))
            keys = [key for param in stage.params for key in param.params]
            is_declared = any(
                ".".join(path) == key or ".".join(path).startswith(f"{key}.") for key in keys
            )
            if path[0] == "budget":  # chooses which budget's keys are declared
                is_declared |= any(key.startswith("budgets.") for key in keys)
            assert before == now or is_declared, (
                f"{name} uses {'.'.join(path)}, which it does not declare"
            )
    assert tried > 60


def test_every_stage_gets_nothing_but_its_settings():
    """`work(params)` of each stage may touch the whole file only through its own settings."""
    for module, method in SETTINGS.items():
        tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text())
        attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        used = {
            node.attr
            for node in attributes
            if isinstance(node.value, ast.Name) and node.value.id == "params"
        }
        assert used == {method}, module


def test_lock_entries_are_stages_and_every_stage_has_a_description(stages):
    lock = YAML(typ="safe").load(ROOT / "dvc.lock")
    assert set(lock["stages"]) <= set(stages)
    assert all(stage.desc for stage in stages.values())


def test_every_stage_but_the_report_can_be_restored_from_the_run_cache(stages):
    for name, stage in stages.items():
        uncached = [
            out for out in stage.outs if not out.use_cache and not (out.is_metric or out.is_plot)
        ]
        assert not uncached or name.split(":")[-1] == "report", f"{name}: {uncached}"


def test_the_library_does_not_know_the_pipeline():
    for file in (ROOT / "denoising").rglob("*.py"):
        assert not re.search(r"^\s*(from|import) (stages|dvc)\b", file.read_text(), re.MULTILINE), (
            file
        )


def test_tensorflow_is_called_in_one_file_only():
    files = [f for folder in ("denoising", "stages") for f in (ROOT / folder).rglob("*.py")]
    callers = [
        file.name
        for file in files
        if re.search(r"^\s*(import|from) tensorflow", file.read_text(), re.MULTILINE)
    ]
    assert callers == ["backend.py"]

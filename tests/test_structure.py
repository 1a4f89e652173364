"""The promises of dvc.yaml, and which part of the code may know which.

Every stage declares the code that it imports and the parameters that it uses, and nothing that it
does not need.
"""

import ast
import copy
import functools
import importlib
import re

import pytest
from dvc.repo import Repo

from denoising.files import InputError
from denoising.sections import kinds
from denoising.training import checkpoints
from stages import schema
from stages.shared import params
from tests.conftest import ROOT

# it refuses a bad params.yaml as a whole and alters nothing, so no result depends on it
COMPOSITION = "stages.schema"


@pytest.fixture(scope="module")
def stages():
    with Repo(ROOT) as repo:
        found = {stage.addressing: stage for stage in repo.index.stages}
    # a user's own pipelines may lie in the tree
    return {
        name: stage for name, stage in found.items() if not name.startswith(("own/", "sweeps/"))
    }


@pytest.fixture(scope="module")
def content():
    return params.read(ROOT / "params.yaml")


@functools.cache  # files are looked at for each of many stages
def is_only_a_docstring(file):
    body = ast.parse(file.read_text()).body
    return all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) for one in body)


@functools.cache
def imports_of(file):
    """Names of the modules that a file imports, in functions too."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def imported_files(*modules):
    """Files of this repository that modules import, directly or not; themselves included."""
    seen, queue = set(), list(modules)
    while queue:
        name = queue.pop()
        path = ROOT / (name.replace(".", "/") + ".py")
        package = ROOT / name.replace(".", "/") / "__init__.py"
        file = path if path.is_file() else package
        if not file.is_file() or file in seen or name == COMPOSITION:
            continue
        seen.add(file)
        queue += [name.rpartition(".")[0], *imports_of(file)]  # importing imports the package
    return {str(file.relative_to(ROOT)) for file in seen if not is_only_a_docstring(file)}


def declared_code(stage):
    """Files and folders of code among a stage's dependencies."""
    paths = {dep.def_path for dep in stage.deps}
    folders = {path for path in paths if re.match(r"(denoising|stages|studies)/.*[^/]$", path)}
    return {path for path in folders if path.endswith(".py") or list((ROOT / path).glob("*.py"))}


def by_name(stage, content):
    """Modules that a stage imports by a name in params.yaml."""
    name, _, key = stage.addressing.partition("@")
    if name == "fetch":
        return [f"denoising.sources.{content['sources'][key]['name']}"]
    if name == "corrupt":
        return [f"denoising.noise.{content['datasets'][key]['noise']['name']}"]
    if name == "train":
        run = content["runs"][key]
        method = run["method"]["name"]
        return [f"denoising.networks.{run['network']}", f"denoising.methods.{method}"]
    if name.startswith("studies/clipping") and "measure" in name:
        return ["denoising.networks.win5rb"]
    if name.startswith("studies/decision"):
        return [module for part in DECISION if part in name for module in DECISION[part]()]
    if name.startswith("studies/advice"):
        return [module for part in ADVICE if part in name for module in ADVICE[part]()]
    return []


ADVICE = {  # by stage: what it may import by a name in its own params.yaml
    "images": lambda: [f"denoising.sources.{one}" for one in ("bsd", "mnist", "polyu")],
    "look": lambda: all_of("noise", "methods"),
    "measure": lambda: [
        *all_of("noise", "methods"),
        *all_of("networks", only=("blind_spot", "unet")),
    ],
}


def learned():
    return [
        *all_of("methods", "networks"),
        *all_of("noise", only=("gaussian", "measured", "real")),
    ]


DECISION = {  # likewise
    ":images": ADVICE["images"],
    "choose": ADVICE["look"],
    "measure": learned,
    "cost": learned,
}


def all_of(*packages, only=None):
    return [
        f"denoising.{package}.{one}"
        for package in packages
        for one in kinds(package)
        if only is None or one in only
    ]


def covers(path, file):
    return file == path or file.startswith(f"{path}/")


def test_every_stage_declares_the_code_it_imports_and_needs_all_it_declares(stages, content):
    for name, stage in stages.items():
        imported = imported_files(stage.cmd.split()[2], *by_name(stage, content))
        declared = declared_code(stage)
        missing = {file for file in imported if not any(covers(path, file) for path in declared)}
        assert not missing, f"{name} imports what it does not declare"
        if name.startswith("fetch@"):  # any source's: dvc.yaml has one list for all
            imported |= imported_files(*(f"denoising.sources.{one}" for one in kinds("sources")))
        if name.startswith("train@"):  # likewise: methods with and without a choice of losses
            imported |= imported_files(*(f"denoising.methods.{one}" for one in kinds("methods")))
        needless = {path for path in declared if not any(covers(path, file) for file in imported)}
        assert not needless, f"{name} declares what it does not import"


def test_a_noise_model_is_a_dependency_of_the_stage_that_draws_it_alone(stages, content):
    for name, stage in stages.items():
        kinds = {path for path in declared_code(stage) if path.startswith("denoising/noise/")}
        if name.startswith("studies/"):
            continue
        expected = {"denoising/noise/base.py"}
        if name.startswith("corrupt"):
            noise = content["datasets"][name.partition("@")[2]]["noise"]["name"]
            expected |= {"denoising/noise/clipping.py", f"denoising/noise/{noise}.py"}
        if name.startswith(("corrupt@", "evaluate")):
            expected.add("denoising/noise/estimate.py")
        without = name.partition("@")[0] in ("fetch", "report")
        assert kinds == (set() if without else expected), name


def test_a_checkpoint_depends_on_the_code_that_the_train_stage_declares(stages):
    run, stage = next((key, one) for key, one in stages.items() if key.startswith("train@"))
    library = {path for path in declared_code(stage) if path.startswith("denoising/")}
    row = params.read(ROOT / "params.yaml")["runs"][run.partition("@")[2]]
    code = checkpoints.code_of(row["network"], row["method"]["name"])
    # the model file is written after the training
    assert {str(path.relative_to(ROOT)) for path in code} == library - {
        "denoising/inference/model_files.py"
    }


def leaves(content, path=()):
    for key, value in content.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


ALTERNATIVES = {
    "budget": ["smoke", "article"],
    "network": ["cae", "cnn"],
    "precision": ["float32"],
    "convolution": ["direct"],
    "schedule": ["constant", "cosine"],
    "selection": ["shuffled"],
    "redraw": ["every_epoch"],
    "stream": ["another"],
    "initializer": ["he_uniform"],
    "output_activation": ["sigmoid"],
    "name": ["mae", "supervised", "noise2noise", "identity"],
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
            schema.validate(result)
        except InputError:
            continue
        return result
    return None


ARGUMENTS = {"fetch": 1, "corrupt": 1, "train": 1, "evaluate": 1, "evaluate_debiased": 1,
             "evaluate_filter": 1, "report": 0}  # fmt: skip


def test_every_stage_declares_the_parameters_it_uses_and_uses_all_it_declares(stages, content):
    """Change every number in turn: a stage's settings change if, and only if, it declared it."""
    tried, used = 0, set()
    pipeline = {name: one for name, one in stages.items() if one.cmd.startswith("python -m stages")}
    assert {name.partition("@")[0] for name in pipeline} == set(ARGUMENTS)
    modules = {name: importlib.import_module(one.cmd.split()[2]) for name, one in pipeline.items()}
    for path, value in leaves(content):
        after = changed(content, path, value)
        if after is None:
            continue
        tried += 1
        dotted = ".".join(path)
        for name, stage in pipeline.items():
            arguments = stage.cmd.split()[3:]
            settings = modules[name].settings
            differs = settings(content, *arguments) != settings(after, *arguments)
            keys = [key for param in stage.params for key in param.params]
            declared = {key for key in keys if dotted == key or dotted.startswith(f"{key}.")}
            if path[0] == "budget":  # chooses which budget's keys are declared
                declared |= {key for key in keys if key.startswith("budgets.")}
            assert not differs or declared, f"{name} uses {dotted}, which it does not declare"
            if differs:
                used |= {(name, key) for key in declared}
    assert tried > 70
    for name, stage in pipeline.items():
        for key in (key for param in stage.params for key in param.params):
            # what has no other value here: one source, one dataset, a filter without parameters
            if not re.match(r"sources\.|runs\.\w+\.dataset|debiased|filters$|filters\.noisy", key):
                assert (name, key) in used, f"{name} declares {key}, which changes nothing"


def test_every_stage_gets_nothing_but_its_settings(stages):
    """A stage's `main(content, ...)` only hands `content` to its own `settings(content, ...)`."""
    names = {
        one.cmd.split()[2] for one in stages.values() if one.cmd.startswith("python -m stages")
    }
    assert {name.partition(".")[2] for name in names} == set(ARGUMENTS)
    for name in names:
        tree = ast.parse((ROOT / (name.replace(".", "/") + ".py")).read_text())
        functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
        main = functions["main"]
        assert "settings" in functions, name
        assert main.args.args[0].arg == "content", name
        used = [one for one in ast.walk(main) if isinstance(one, ast.Name) and one.id == "content"]
        calls = [one for one in ast.walk(main) if isinstance(one, ast.Call)]
        calls = [one for one in calls if getattr(one.func, "id", None) == "settings"]
        handed = [argument for call in calls for argument in call.args]
        assert used, name
        assert all(any(one is argument for argument in handed) for one in used), name


def test_lock_entries_are_stages_and_every_stage_has_a_description(stages):
    lock = params.read(ROOT / "dvc.lock")
    assert set(lock["stages"]) <= set(stages)
    assert all(stage.desc for stage in stages.values())


def test_every_stage_but_the_report_can_be_restored_from_the_run_cache(stages):
    for name, stage in stages.items():
        if name.startswith(("studies/advice/", "studies/decision/")):
            continue  # its results are in git, and as plots of DVC they would be no plots
        uncached = [out for out in stage.outs if not out.use_cache]
        uncached = [out for out in uncached if not (out.is_metric or out.is_plot)]
        assert not uncached or name.split(":")[-1] == "report", f"{name}: {uncached}"


def test_plots_name_no_run_that_the_parameters_may_lose(content):
    text = (ROOT / "dvc.yaml").read_text()
    for name in (*content["runs"], *content["debiased"], *content["filters"]):
        assert not re.search(rf"\b{name}\.(csv|json|npz|keras)", text), name


# what each part of the library may import of the others, itself always included
BASE = {"files", "sections"}
DATA = BASE | {"noise"}
ALLOWED = {
    "files": set(),
    "sections": {"files"},
    "middle": set(),
    "noise": BASE,
    "data": DATA,
    "formats": BASE,
    "sources": DATA | {"data", "formats"},
    "compute": BASE,
    "networks": BASE | {"compute"},
    "methods": DATA | {"data", "compute"},
    "training": DATA | {"data", "compute", "networks", "methods"},
    "inference": DATA | {"compute", "networks", "formats", "middle"},
    "evaluation": DATA | {"data", "compute", "methods"},
    "advice": DATA | {"data", "compute", "networks", "methods", "training", "evaluation", "middle"},
    "reporting": DATA | {"data", "evaluation"},
    "cli": DATA | {"compute", "networks", "inference", "formats"},
}
FOLDERS = {  # of the repository: which others each may import
    "denoising": set(),
    "stages": {"denoising"},
    "tools": {"denoising", "stages"},
    "cluster": {"denoising", "stages"},
    "studies": {"denoising", "stages"},
    "demo": {"denoising", "stages"},
    "benchmarks": {"denoising", "stages", "tools", "demo", "studies"},
}


def test_imports_of_the_library_point_one_way():
    found = {path.stem for path in (ROOT / "denoising").iterdir() if path.name[0] not in "._"}
    assert found == set(ALLOWED)
    for part, allowed in ALLOWED.items():
        place = ROOT / "denoising" / part
        for file in place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]:
            names = {name for name in imports_of(file) if name.startswith("denoising.")}
            others = {name.split(".")[1] for name in names} - {part}
            assert others <= allowed, f"{file}: {others - allowed}"


def test_imports_between_folders_point_one_way():
    for folder, allowed in FOLDERS.items():
        for file in (ROOT / folder).rglob("*.py"):
            roots = {name.split(".")[0] for name in imports_of(file)}
            assert roots & set(FOLDERS) <= allowed | {folder}, file
            assert folder in ("stages", "tools", "cluster", "studies") or "dvc" not in roots, file


def test_tensorflow_is_called_in_one_file_only():
    files = [
        f for folder in ("denoising", "stages", "tools") for f in (ROOT / folder).rglob("*.py")
    ]
    callers = [
        file.name for file in files if "tensorflow" in {n.split(".")[0] for n in imports_of(file)}
    ]
    assert callers == ["backend.py"]


def test_what_reads_a_section_need_not_wait_for_keras():
    """A bad section is refused before Keras is imported."""
    for folder in ("networks", "methods", "noise", "sources", "data", "training", "evaluation"):
        for file in (ROOT / "denoising" / folder).rglob("*.py"):
            for node in ast.parse(file.read_text()).body:  # not in functions
                names = [alias.name for alias in getattr(node, "names", [])]
                module = getattr(node, "module", "") or ""
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    assert "keras" not in [module, *names], file
                    assert module not in ("denoising.compute.backend", "keras"), file

"""README.md and the committed results stay true: its numbers, commands, keys and links are those of the repository."""

import re

import pytest

from denoising import files
from stages import schema as params
from stages.shared import layout
from tests.conftest import ROOT
from tools import readme

TEXT = (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    ("page", "name"), [(page, name) for page, sources in readme.PAGES.items() for name in sources]
)
def test_tables_are_those_that_were_measured(monkeypatch, page, name):
    monkeypatch.chdir(ROOT)
    assert readme.block(name, readme.PAGES[page][name]) in (ROOT / page).read_text()


def test_networks_with_clean_targets_beat_every_filter_and_none_collapsed():
    settings = params.load(ROOT / "params.yaml")
    scores = {
        name: files.read_json(ROOT / layout.metrics_file(name))
        for name in (*settings.runs, *settings.filters)
    }
    worst = max(
        scores[name]["mse_high"] for name, run in settings.runs.items() if run.target == "clean"
    )
    assert worst < min(scores[name]["mse_low"] for name in settings.filters)
    assert not any(scores[name]["collapsed"] for name in settings.runs)


def test_links_and_figures_exist():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", TEXT)
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_commands_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", TEXT)) - {"and"} <= targets
    modules = re.findall(r"python -m stages\.(\w+)", TEXT)
    assert modules
    assert all((ROOT / f"stages/{module}.py").is_file() for module in modules)


def test_keys_exist():
    settings = params.load(ROOT / "params.yaml").model_dump()
    for key in re.findall(
        r"`((?:models|datasets|budgets|runs|report|optimizer)\.[a-z0-9_.]+)`", TEXT
    ):
        place = settings
        for part in key.split("."):
            assert part in place, key
            place = place[part]


def test_budgets_are_those_of_the_parameters():
    for name, budget in params.load(ROOT / "params.yaml").budgets.items():
        numbers = [budget.train_images, budget.epochs, budget.batch_size, budget.test_images]
        assert f"| `{name}` | " + " | ".join(f"{number:,}" for number in numbers) + " |" in TEXT


def test_the_time_is_the_measured_one():
    measured = files.read_json(ROOT / "benchmarks/repro.json", "minutes", "cores", "device")
    assert (
        f"took {measured['minutes']} minutes on {measured['cores']} cores ({measured['device']})"
        in TEXT
    )


def test_the_memory_is_the_measured_one():
    peaks = files.read_json(ROOT / "benchmarks/memory.json", "peak_memory_mib")["peak_memory_mib"]
    settings = params.load(ROOT / "params.yaml")
    wanted = {"fetch", "report", *(f"corrupt-{name}" for name in settings.datasets)}
    wanted |= {f"{stage}-{run}" for stage in ("train", "evaluate") for run in settings.runs}
    assert set(peaks) == wanted | {f"evaluate_filter-{name}" for name in settings.filters}
    assert f"{max(peaks.values()):,} MiB at most" in " ".join(TEXT.split())

"""README.md and docs/ stay true: numbers, commands, keys and links are those of the repository."""

import functools
import importlib
import json
import math
import re
import subprocess

import numpy as np
import pandas as pd
import pytest

from benchmarks import noise2void
from denoising import files
from denoising.sections import shortened, validate
from stages import schema
from stages.shared import layout, params
from tests import test_structure
from tests.conftest import ROOT
from tools import publish, readme, sweep_plan
from tools.sweep_plan import Sweep

PAGES = sorted(["README.md", *(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))])
WIDTH = 88
README_BYTES = 10_000
SECTIONS = "networks|datasets|budgets|runs|report|optimizer|sources|seeds|evaluation|gate"


@functools.cache
def text_of(page):
    return (ROOT / page).read_text()


def committed(path):
    """The text of a file in the last commit; None where there is none."""
    command = ["git", "show", f"HEAD:{path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def all_text():
    return "\n".join(map(text_of, PAGES))


def flat(page):
    """A page as one line: sentences are not cut where lines end."""
    return " ".join(text_of(page).split())


def code_blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)


def merged(content, changes):
    """The content of params.yaml with other keys and rows."""
    result = dict(content)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(content.get(key), dict)
        result[key] = merged(content[key], value) if both else value
    return result


def test_readme_is_short():
    assert (ROOT / "README.md").stat().st_size < README_BYTES


def test_readme_leads_to_every_page():
    links = set(re.findall(r"\]\(([^)#]+)", text_of("README.md")))
    assert {page for page in PAGES if page != "README.md"} <= links


@pytest.mark.parametrize(
    ("page", "name"), [(page, name) for page, sources in readme.PAGES.items() for name in sources]
)
def test_tables_are_those_that_were_measured(monkeypatch, tmp_path, page, name):
    """A committed page has the committed tables, one that is edited those of the working tree.

    So whoever has only run the pipeline, on a machine with other numbers, need not `make readme`.
    """
    monkeypatch.chdir(ROOT)
    source = readme.PAGES[page][name]
    if text_of(page) == committed(page):
        (tmp_path / "table.md").write_text(committed(source))
        source = tmp_path / "table.md"
    assert readme.block(name, source) in text_of(page)


def test_every_marker_is_filled():
    for page in PAGES:
        markers = re.findall(r"<!-- (\w+) -->", text_of(page))
        assert sorted(markers) == sorted(readme.PAGES.get(page, {})), page


def test_networks_with_clean_targets_beat_every_filter_and_none_collapsed():
    settings = schema.load(ROOT / "params.yaml")
    scores = {
        name: files.read_json(ROOT / layout.metrics_file(name))
        for name in (*settings.runs, *settings.filters)
    }
    worst = max(
        scores[name]["mse_high"]
        for name, run in settings.runs.items()
        if run.method.targets == "clean"
    )
    assert worst < min(scores[name]["mse_low"] for name in settings.filters)
    assert not any(scores[name]["collapsed"] for name in settings.runs)


@pytest.mark.parametrize("page", PAGES)
def test_links_and_figures_exist(page):
    links = re.findall(r"\]\((?!http)([^)]+)\)", text_of(page))
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.resolve().is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


def anchors(text):
    """Of the headings of a page, as GitHub makes them."""
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", text_of("README.md"))) - {"and"} <= targets
    named = set(re.findall(r"(?:`|^|> |run )make ([a-z-]+)", all_text(), re.MULTILINE))
    assert len(named) > 10
    assert named <= targets


def test_modules_that_are_run_exist():
    modules = set(re.findall(r"python -m ([a-z_.]+[a-z_])", all_text()))
    assert {module.partition(".")[0] for module in modules} >= {"stages", "benchmarks", "denoising"}
    for module in modules:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


def test_files_of_the_code_exist():
    folders = "denoising|stages|tools|tests|docs|demo|studies|benchmarks|results"
    paths = set(re.findall(rf"`((?:{folders})/[^`<* ]*)`", all_text()))
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_names_of_the_code_exist():
    names = set(re.findall(r"`(denoising(?:\.\w+)+)`", all_text()))
    assert names
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


def test_keys_exist():
    content = params.read(ROOT / "params.yaml")
    keys = set(re.findall(rf"`((?:{SECTIONS})\.[a-z0-9_.*]+)`", all_text()))
    assert len(keys) > 10
    for key in keys:
        places = [content]
        for part in key.split("."):
            rows = [list(place.values()) if part == "*" else [place.get(part)] for place in places]
            places = [row for found in rows for row in found if row is not None]
            places = [place if isinstance(place, dict) else {"": place} for place in places]
            assert places, key


def test_examples_of_parameters_are_valid_and_new():
    content = params.read(ROOT / "params.yaml")
    examples = [block for page in PAGES for block in code_blocks(page, "yaml")]
    assert len(examples) >= 3
    for example in examples:
        example = params.parse(example, "example")
        if "parameters" in example:
            asked = validate(Sweep, {"run": "cae"} | example, "example")
            ends = {path: [one.low, one.high] for path, one in asked.parameters.items()}
            tried = asked.model_copy(update={"parameters": ends})
            after = sweep_plan.content_of(tried, content, sweep_plan.combinations(tried))
        else:
            after = merged(content, example)
            for name, row in list(after["runs"].items()):
                after["runs"] |= params.rows_of_seeds(name, row)
        assert after != content
        schema.validate(after)


def test_experiments_change_keys_that_exist():
    content = params.read(ROOT / "params.yaml")
    changes = set(re.findall(r"dvc exp run[^\n`]* -S ([a-z0-9_.]+)=([^\s`]+)", all_text()))
    assert {key for key, _ in changes} >= {"budget", "networks.cae.filters"}
    for key, values in changes:
        *sections, last = key.split(".")
        for value in values.split(","):
            change = params.parse(f"{last}: {value}", key)
            for section in reversed(sections):
                change = {section: change}
            assert shape(merged(content, change)) == shape(content), key
            schema.validate(merged(content, change))


def shape(content):
    """Keys without values."""
    return {key: shape(value) for key, value in content.items()} if isinstance(content, dict) else 0


def test_errors_are_shown_as_they_are():
    """Every error that a page shows comes when params.yaml has the key and value that it names."""
    text = all_text()
    shown = re.findall(r"^error: params\.yaml: (([a-z0-9_.]+) = (\S+):.*)$", text, re.MULTILINE)
    assert len(shown) >= 2
    for line, key, value in shown:
        *sections, last = key.split(".")
        change = params.parse(f"{last}: {value.strip(chr(39))}", key)
        for section in reversed(sections):
            change = {section: change}
        with pytest.raises(files.InputError) as raised:
            schema.validate(merged(params.read(ROOT / "params.yaml"), change))
        assert str(raised.value) == f"params.yaml: {line}"


def test_what_two_readers_of_yaml_read_differently_is_as_said():
    import yaml
    from ruamel.yaml import YAML

    section = text_of("docs/configuration.md").partition("## How numbers and words")[2]
    rows = re.findall(r"^\| (`.+) \| (.+) \| (.+) \| `(.+)` \|$", section, re.MULTILINE)
    assert len(rows) == 4
    kinds = {float: "a number", str: "text", bool: None, int: None}
    for written, by_dvc, by_pyyaml, wanted in rows:
        for value in re.findall("`(.+?)`", written):
            found = [YAML(typ="safe").load(f"a: {value}")["a"], yaml.safe_load(f"a: {value}")["a"]]
            said = [kinds[type(one)] or str(one).lower() for one in found]
            assert said == [by_dvc, by_pyyaml], value
            assert isinstance(params.parse(f"a: {value}", "example")["a"], str), shortened(value)
            assert type(params.parse(f"a: {wanted}", "example")["a"]) in (float, bool, int)


def test_budgets_are_those_of_the_parameters():
    for name, budget in schema.load(ROOT / "params.yaml").budgets.items():
        numbers = [budget.train_images, budget.epochs, budget.batch_size, budget.test_images]
        cells = " | ".join(f"{number:,}" for number in numbers)
        assert f"| `{name}` | {cells} |" in text_of("docs/configuration.md")


def test_what_laptop_gives_up_is_as_said():
    budgets = schema.load(ROOT / "params.yaml").budgets
    laptop, article = budgets["laptop"], budgets["article"]
    seen = [budget.train_images * budget.epochs for budget in (laptop, article)]
    text = flat("docs/configuration.md")
    assert f"each network sees {seen[0]:,} images instead of {seen[1]:,}" in text
    assert article.test_images == 10 * laptop.test_images
    assert "measures on every tenth test image" in text


def test_the_time_is_the_measured_one():
    measured = files.read_json(ROOT / "benchmarks/repro.json", "minutes", "cores", "device")
    minutes, cores, device = (measured[key] for key in ("minutes", "cores", "device"))
    assert f"took {minutes} minutes on {cores} cores ({device})" in flat("README.md")


def test_the_memory_is_the_measured_one():
    peaks = files.read_json(ROOT / "benchmarks/memory.json", "peak_memory_mib")["peak_memory_mib"]
    settings = schema.load(ROOT / "params.yaml")
    wanted = {"report", *(f"corrupt-{name}" for name in settings.datasets)}
    wanted |= {f"{stage}-{run}" for stage in ("train", "evaluate") for run in settings.runs}
    wanted |= {f"evaluate_filter-{name}" for name in settings.filters}
    fetched = {f"fetch-{name}" for name in settings.sources}
    if "fetch" in peaks:  # measured when there was one source, and no corrected row
        assert len(fetched) == 1
        assert set(peaks) == wanted | {"fetch"}
    else:
        assert set(peaks) == wanted | fetched | {
            f"evaluate_debiased-{name}" for name in settings.debiased
        }
    assert f"{max(peaks.values()):,} MiB at most" in flat("docs/speed.md")


def test_the_speed_in_float32_is_the_measured_one():
    rows = pd.read_csv(ROOT / "benchmarks/ablation.csv")
    speeds = rows.pivot_table(
        index=["network", "task", "turn"], columns="way", values="images_a_second"
    )
    shares = (speeds["float32"] / speeds["ours"]).groupby(["network", "task"]).median()
    said = f"it is {shares.min():.2f} to {shares.max():.2f} times as fast"
    assert said in flat("docs/other-machines.md")


def test_the_memory_of_large_images_is_the_measured_one():
    measured = files.read_json(ROOT / "benchmarks/large_images.json")
    (most,) = re.findall(r"every stage stays under ([0-9.]+) GiB", flat("docs/own-images.md"))
    peaks = [peak for one in measured.values() for peak in one["peak_memory_mib"].values()]
    assert float(most) - 0.1 < max(peaks) / 1024 < float(most)
    assert f"With {measured['many']['gib']:.0f} GiB of images" in flat("docs/own-images.md")


def test_import_directions_are_those_that_are_enforced():
    text = text_of("docs/contributing.md").partition("## Add a network")[0]
    rows = re.findall(r"^\| (`[a-z`, ]+) \| ([a-z`, ]+) \|$", text, re.MULTILINE)
    found = {
        part: set(re.findall(r"`(\w+)`", allowed))
        for parts, allowed in rows
        for part in re.findall(r"`(\w+)`", parts)
    }
    base = {"files", "sections"}
    library = {part: allowed - base for part, allowed in test_structure.ALLOWED.items()}
    assert found == test_structure.FOLDERS | {
        part: allowed for part, allowed in library.items() if part not in base
    }


def test_hours_and_memory_of_the_published_trainings_are_the_logged_ones():
    logs = [files.read_json(file) for file in (ROOT / "results/article/logs").glob("*.json")]
    hours = sum(log.get("seconds", 0) for log in logs) / 3600
    assert f"which took {hours:.1f} hours in all" in flat("docs/results.md")
    peak = max(log["peak_memory_mib"] for log in logs)
    assert f"logs have up to {peak:,} MiB" in flat("docs/speed.md")


def test_the_networks_that_are_said_to_be_published_are():
    published = {file.stem for file in (ROOT / "results/article/models").glob("*.keras")}
    trained = {file.stem for file in (ROOT / "results/article/models").glob("*.json")}
    missing = {name for name in trained - published if "." not in name}
    assert missing == {"win5rb_n2n_fixed"}
    for page in ("docs/results.md", "docs/contributing.md"):
        assert f"as many as fit into {publish.NETWORKS / 1e6:g} MB" in flat(page)
    assert "(all but `win5rb_n2n_fixed`)" in flat("docs/results.md")


@pytest.mark.parametrize("page", PAGES)
def test_prose_has_short_lines(page):
    text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<!-- (\w+) -->.*?<!-- /\1 -->", "", text, flags=re.DOTALL)
    prose = [line for line in text.splitlines() if not line.startswith(("|", "!["))]
    assert [line for line in prose if len(line) > WIDTH] == []


def test_digits_from_single_images_are_the_measured_ones():
    page = flat("docs/noisy-only.md")
    budget = params.read(ROOT / "params.yaml")["budget"]
    for name in ("blind_spot", "unet", "win5rb", "win5rb_n2n_fixed"):
        text = committed(layout.metrics_file(name))  # as for the tables: of the last commit
        assert budget == "laptop"
        assert f"{json.loads(text)['mse']:.5f}" in page, name


def test_estimated_errors_are_off_by_what_the_page_says():
    rows = files.read_json(ROOT / "benchmarks/error_without_truth.json")["rows"]
    unclipped = [
        row
        for row in rows
        if row["estimator"] == "SURE, noise diagnosed"
        and not row["case"].startswith("PolyU")
        and row["estimated"] is not None
        and "clipped" not in row["case"]
    ]
    assert len({row["case"] for row in unclipped}) == 5
    worst = max(abs(10 * math.log10(row["estimated"] / row["true"])) for row in unclipped)
    assert f"is off by {worst:.2f} dB at most" in flat("docs/noisy-only.md")


def test_zero_shot_on_photographs_is_the_measured_one():
    cases = files.read_json(ROOT / "benchmarks/zero_shot.json", "cases")["cases"]
    found = cases["photographs"]["zs_n2n, 2000 steps"]["psnr"]
    assert len(found) == 3
    assert f"ours [{np.mean(found):.2f} dB on three images]" in flat("docs/noisy-only.md")


def test_the_work_beside_published_numbers_is_the_stated_one():
    page = flat("docs/noisy-only.md")
    study = params.read(ROOT / "studies/decision/params.yaml")["images"][noise2void.SET]
    patches, side = noise2void.EPOCHS * study["patches"], study["patch"]
    assert f"{patches:,} patches of {side} x {side} pixels" in page
    rows = files.read_json(noise2void.RESULTS)["rows"]
    psnr = {row["name"]: row["errors"]["psnr"] for row in rows}
    clean, first = psnr["clean targets"], psnr["Noise2Void, uniform"]
    assert f"to {clean:.2f} dB in the same work" in page
    assert round(clean - first, 1) == 2.0
    assert "stays 2 dB below" in page
    assert round(psnr["Noise2Void, uniform, residual U-Net"] - first, 1) == 0.5
    assert "gains half a dB" in page
    assert 0.2 < psnr["N2V2, median"] - first < 0.3
    assert "smoother one a quarter" in page

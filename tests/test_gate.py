"""The gate on the committed metrics, altered by hand.

With trainings: tests/test_regressions_are_caught.py.
"""

import json

import pytest
import yaml


@pytest.fixture
def gated(project):
    """A repository with the committed results, which are its reference."""
    project.tool("reference")
    project.commit()
    return project


def alter(project, run, **changes):
    file = project.folder / f"metrics/{run}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def scale(project, run, factor):
    """Multiply a run's error and its interval by a factor. Return the new error."""
    scores = json.loads(project.read(f"metrics/{run}.json"))
    changed = {key: scores[key] * factor for key in ("mse", "mse_low", "mse_high")}
    alter(project, run, **changed)
    return changed["mse"]


def verdicts(output):
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in output.splitlines()
        if line.startswith("|")
    ]
    return {row[0]: row[-1].strip("*") for row in rows[2:]}


def test_unchanged_results_pass_and_are_reported(gated):
    output = gated.tool("gate", "HEAD", "--report", "report")
    assert set(verdicts(output).values()) == {"same"}
    assert set(verdicts(output)) == {
        "cnn",
        "cae",
        "dncnn",
        "win5rb",
        "unet",
        "win5rb_n2n",
        "win5rb_n2n_fixed",
        "blind_spot",
        "win5rb_n2n_inverse",
    }
    report = gated.read("report/report.md").decode()
    assert output.strip() in report
    assert "Experiment 1: clean targets" in report
    assert "(histograms.png)" in report
    assert gated.read("report/histograms.png") == gated.read("plots/histograms.png")


def test_every_kind_of_bad_metric_is_named(gated):
    scale(gated, "cnn", 2)
    (gated.folder / "metrics/cae.json").unlink()
    alter(gated, "dncnn", psnr=float("nan"))
    (gated.folder / "metrics/win5rb.json").write_text("{")
    alter(gated, "win5rb_n2n", collapsed=True)
    output = gated.tool("gate", "HEAD", code=1)
    found = verdicts(output)
    assert found["cnn"].startswith("worse")
    assert "reference: worse" in found["cnn"]
    assert found["cae"] == "broken: no metrics"
    assert found["win5rb"].startswith("broken: metrics/win5rb.json: not valid JSON (Expecting")
    assert found["dncnn"] == "broken: metrics/dncnn.json: not valid JSON (NaN is no number)"
    assert found["win5rb_n2n"] == "broken: collapsed"
    assert "error: cnn, cae, dncnn, win5rb, win5rb_n2n: see the verdicts above" in output


DAMAGE = {
    "cnn": (lambda text: text.replace("{", '{"mse": 0.01,', 1), "the key mse is there twice"),
    "cae": (lambda text: text[: len(text) // 2], "not valid JSON"),
    "dncnn": (lambda text: f"[{text}]", "should hold a JSON object, found list"),
    "win5rb": (lambda text: text.replace('"psnr": ', '"psnr": Infinity, "x": '), "Infinity is no"),
    "unet": (lambda text: text.replace("{", "{\udcff"), "not valid JSON"),  # no UTF-8
    "win5rb_n2n": (lambda text: "[" * 100_000, "not valid JSON"),
    "win5rb_n2n_fixed": (lambda text: text.replace("{", '{"a|b": 1, "a|b": 2,', 1), "key a/b is"),
}


def test_a_damaged_file_is_broken_and_the_verdict_says_why(gated):
    for run, (damage, _) in DAMAGE.items():
        file = gated.folder / f"metrics/{run}.json"
        file.write_text(damage(file.read_text()), errors="surrogateescape")
    file = gated.folder / "metrics/win5rb_n2n_inverse.json"
    file.unlink()
    file.mkdir()
    found = verdicts(gated.tool("gate", "HEAD", code=1))
    assert (
        found.pop("win5rb_n2n_inverse") == "broken: metrics/win5rb_n2n_inverse.json: Is a directory"
    )
    assert found.pop("blind_spot") == "same"
    assert set(found) == set(DAMAGE)
    for run, (_, reason) in DAMAGE.items():
        assert found[run].startswith(f"broken: metrics/{run}.json: ")
        assert reason in found[run]


def test_a_base_of_an_older_format_is_comparable(gated):
    """Its amounts come from its budgets, its rows from their names, whatever else it holds."""
    now = gated.read("params.yaml")
    budgets = yaml.safe_load(now)["budgets"]
    run = {"data": "gauss50", "model": "cnn", "target": "clean", "loss": "mse"}
    older = {"budget": "laptop", "budgets": budgets, "models": {"cnn": {"depth": 5}}}
    older |= {"runs": {"cnn": run, "gone": run}, "datasets": {"gauss50": {"source": "mnist"}}}
    (gated.folder / "params.yaml").write_text(yaml.safe_dump(older))
    (gated.folder / "metrics/cae.json").unlink()
    (gated.folder / "metrics/dncnn.json").write_text("{")
    gated.commit()
    (gated.folder / "params.yaml").write_bytes(now)
    gated.run("git", "checkout", "--quiet", "HEAD~1", "metrics")
    found = verdicts(gated.tool("gate", "HEAD"))
    assert found.pop("cae") == found.pop("dncnn") == "new"
    assert set(found.values()) == {"same"}

    older["budgets"]["laptop"]["epochs"] = 1
    (gated.folder / "params.yaml").write_text(yaml.safe_dump(older))
    gated.commit()
    (gated.folder / "params.yaml").write_bytes(now)
    assert verdicts(gated.tool("gate", "HEAD"))["cnn"] == "not comparable: epochs 1, now 3"


def test_a_base_whose_parameters_say_nothing_is_not_comparable(gated):
    now = gated.read("params.yaml")
    for text in ("budgets: 3\nruns: [cnn]", "budget: [", "a: 1\na: 2", ""):
        (gated.folder / "params.yaml").write_text(text)
        gated.commit()
        (gated.folder / "params.yaml").write_bytes(now)
        found = verdicts(gated.tool("gate", "HEAD"))
        assert found["cnn"].startswith("not comparable: budget None, now laptop")


def test_a_wanted_worsening_is_accepted_in_the_open(gated):
    mse = scale(gated, "cnn", 2)
    gated.edit_params(gate__accepted={"cnn": {"value": mse, "reason": "half the filters"}})
    assert verdicts(gated.tool("gate", "HEAD"))["cnn"] == "accepted: half the filters"
    scale(gated, "cnn", 2)
    assert "worse" in verdicts(gated.tool("gate", "HEAD", code=1))["cnn"]


def test_slow_drift_is_caught(gated):
    """Each step passes beside the one before; the reference stays where it is."""
    tolerance = 0.9
    gated.edit_params(gate__tolerance__laptop=tolerance)
    mse = json.loads(gated.read("metrics/win5rb.json"))["mse"]
    scale(gated, "win5rb", 1.8)
    gated.commit()
    gated.tool("gate", "HEAD~1")
    scale(gated, "win5rb", 2.5 / 1.8)
    found = verdicts(gated.tool("gate", "HEAD", code=1))
    assert found["win5rb"].startswith(f"same; reference: worse than {mse * (1 + tolerance):.5f}")
    assert "-> " in gated.tool("reference")
    gated.tool("gate", "HEAD")


def test_other_amounts_of_work_are_not_comparable_and_move_the_reference(gated):
    gated.edit_params(budgets__laptop__epochs=2)
    found = verdicts(gated.tool("gate", "HEAD", code=1))
    assert found["cnn"].startswith("not comparable: epochs 3, now 2; reference: not comparable")
    gated.tool("reference")
    assert verdicts(gated.tool("gate", "HEAD"))["cnn"] == "not comparable: epochs 3, now 2"


def test_a_new_run_is_new(gated):
    method = {"name": "supervised", "loss": {"name": "mse"}}
    gated.edit_params(runs__cnn_again={"dataset": "gauss50", "network": "cnn", "method": method})
    assert verdicts(gated.tool("gate", "HEAD", code=1))["cnn_again"] == "broken: no metrics"
    (gated.folder / "metrics/cnn_again.json").write_bytes(gated.read("metrics/cnn.json"))
    assert verdicts(gated.tool("gate", "HEAD"))["cnn_again"] == "new"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "error: BASE is missing: name a git revision"),
        (("nosuch",), "error: BASE = 'nosuch': not a revision of this repository"),
        (("empty",), "error: BASE = 'empty': has no metrics"),
    ],
)
def test_a_base_that_is_none_is_one_line(gated, arguments, message):
    gated.run(
        "git", "branch", "empty", gated.run("git", "commit-tree", "-m", "x", EMPTY_TREE).strip()
    )
    output = gated.tool("gate", *arguments, code=1)
    assert message in output
    assert len(output.splitlines()) == 1


EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's name for it


def test_a_broken_result_cannot_become_the_reference(gated):
    before = gated.read("reference.json")
    alter(gated, "dncnn", collapsed=True)
    assert "metrics/dncnn.json: collapsed; it cannot be a reference" in gated.tool(
        "reference", code=1
    )
    assert gated.read("reference.json") == before


def test_a_damaged_reference_is_one_line(gated):
    good = json.loads(gated.read("reference.json"))
    listed, no_section = good | {"runs": ["cnn"]}, good | {"runs": {"cnn": 0.01}}
    for content in ("{", "{}", json.dumps(listed), json.dumps(no_section)):
        (gated.folder / "reference.json").write_text(content)
        for tool in (("gate", "HEAD"), ("reference",)):
            output = gated.tool(*tool, code=1)
            assert output.startswith("error: reference.json: ")
            assert len(output.splitlines()) == 1

"""The gate on the committed metrics, altered by hand; with trainings in tests/test_regressions_are_caught.py."""

import json

import pytest


@pytest.fixture
def gated(project):
    """A repository with the committed results, which are its reference."""
    project.stage("reference")
    project.commit()
    return project


def alter(project, run, **changes):
    file = project.folder / f"metrics/{run}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def verdicts(output):
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in output.splitlines()
        if line.startswith("|")
    ]
    return {row[0]: row[-1].strip("*") for row in rows[2:]}


def test_unchanged_results_pass_and_are_reported(gated):
    output = gated.stage("gate", "HEAD", "--report", "report")
    assert set(verdicts(output).values()) == {"same"}
    assert set(verdicts(output)) == {
        "cnn",
        "cae",
        "dncnn",
        "win5rb",
        "win5rb_n2n",
        "win5rb_n2n_fixed",
        "win5rb_n2n_inverse",
    }
    report = gated.read("report/report.md").decode()
    assert output.strip() in report
    assert "Experiment 1: clean targets" in report
    assert "(histograms.png)" in report
    assert gated.read("report/histograms.png") == gated.read("plots/histograms.png")


def test_every_kind_of_bad_metric_is_named(gated):
    mse = json.loads(gated.read("metrics/cnn.json"))["mse"]
    alter(gated, "cnn", mse=mse * 2)
    (gated.folder / "metrics/cae.json").unlink()
    alter(gated, "dncnn", psnr=float("nan"))
    (gated.folder / "metrics/win5rb.json").write_text("{")
    alter(gated, "win5rb_n2n", collapsed=True)
    output = gated.stage("gate", "HEAD", code=1)
    found = verdicts(output)
    assert found["cnn"].startswith("worse")
    assert "reference: worse" in found["cnn"]
    assert found["cae"] == found["win5rb"] == "broken: no metrics"
    assert found["dncnn"] == "broken: psnr is nan"
    assert found["win5rb_n2n"] == "broken: collapsed"
    assert "error: cnn, cae, dncnn, win5rb, win5rb_n2n: see the verdicts above" in output


def test_a_wanted_worsening_is_accepted_in_the_open(gated):
    mse = json.loads(gated.read("metrics/cnn.json"))["mse"]
    alter(gated, "cnn", mse=mse * 2)
    gated.edit_params(gate__accepted={"cnn": {"value": mse * 2, "reason": "half the filters"}})
    assert verdicts(gated.stage("gate", "HEAD"))["cnn"] == "accepted: half the filters"
    alter(gated, "cnn", mse=mse * 4)
    assert "worse" in verdicts(gated.stage("gate", "HEAD", code=1))["cnn"]


def test_slow_drift_is_caught(gated):
    """Each step passes beside the one before; the reference stays where it is."""
    tolerance = 0.9
    gated.edit_params(gate__tolerance__laptop=tolerance)
    mse = json.loads(gated.read("metrics/win5rb.json"))["mse"]
    alter(gated, "win5rb", mse=mse * 1.8)
    gated.commit()
    gated.stage("gate", "HEAD~1")
    alter(gated, "win5rb", mse=mse * 2.5)
    found = verdicts(gated.stage("gate", "HEAD", code=1))
    assert found["win5rb"].startswith(f"same; reference: worse than {mse * (1 + tolerance):.5f}")
    assert "-> " in gated.stage("reference")
    gated.stage("gate", "HEAD")


def test_other_amounts_of_work_are_not_comparable_and_move_the_reference(gated):
    gated.edit_params(budgets__laptop__epochs=2)
    found = verdicts(gated.stage("gate", "HEAD", code=1))
    assert found["cnn"].startswith("not comparable: epochs 3, now 2; reference: not comparable")
    gated.stage("reference")
    assert verdicts(gated.stage("gate", "HEAD"))["cnn"] == "not comparable: epochs 3, now 2"


def test_a_new_run_is_new(gated):
    gated.edit_params(
        runs__cnn_again={"model": "cnn", "data": "gauss50", "target": "clean", "loss": "mse"}
    )
    assert verdicts(gated.stage("gate", "HEAD", code=1))["cnn_again"] == "broken: no metrics"
    # DVC knows the metrics of stages alone, and this run's stage has none until it ran
    (gated.folder / "metrics/cnn_again.json").write_bytes(gated.read("metrics/cnn.json"))
    assert verdicts(gated.stage("gate", "HEAD"))["cnn_again"] == "new"


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
    output = gated.stage("gate", *arguments, code=1)
    assert message in output
    assert len(output.splitlines()) == 1


EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's name for it


def test_a_broken_result_cannot_become_the_reference(gated):
    before = gated.read("reference.json")
    alter(gated, "dncnn", collapsed=True)
    assert "metrics/dncnn.json: collapsed; it cannot be a reference" in gated.stage(
        "reference", code=1
    )
    assert gated.read("reference.json") == before

FILES = ("metrics/cnn.json", "plots/curves/cnn.csv", "plots/histograms/cnn.csv")


def test_what_a_dropped_run_left_behind_is_listed_and_removed_when_asked(project):
    assert "nothing is left behind" in project.tool("prune")
    checkpoints = project.folder / ".checkpoints"
    for run in ("cnn", "cnn_wide"):
        (checkpoints / run).mkdir(parents=True)
        (checkpoints / run / "0.npz").touch()
    project.edit_params(runs__cnn=None)
    project.commit()
    listed = {"dvc.lock: train@cnn", "dvc.lock: evaluate@cnn", *FILES, ".checkpoints/cnn"}
    output = project.tool("prune")
    assert (
        set(output.splitlines()) - {"nothing was removed; to do so: make prune DELETE=yes"}
        == listed
    )
    assert project.run("git", "status", "--porcelain") == ""

    project.tool("prune", "--delete")
    changed = {
        line.split()[-1] for line in project.run("git", "status", "--porcelain").splitlines()
    }
    assert changed == {"dvc.lock", *FILES}
    assert [folder.name for folder in checkpoints.iterdir()] == ["cnn_wide"]
    assert (
        project.run("git", "diff", "--numstat", "dvc.lock").split()[0] == "0"
    )  # lines are only taken away
    assert "nothing is left behind" in project.tool("prune")

FILES = ("metrics/cnn.json", "plots/curves/cnn.csv", "plots/histograms/cnn.csv")


def test_what_a_dropped_run_left_behind_is_listed_and_removed_when_asked(project):
    assert "nothing is left behind" in project.stage("prune")
    (project.folder / ".checkpoints").mkdir()
    for name in ("cnn-0.npz", "cnn_wide-0.npz"):
        (project.folder / ".checkpoints" / name).touch()
    project.edit_params(runs__cnn=None)
    project.commit()
    listed = {"dvc.lock: train@cnn", "dvc.lock: evaluate@cnn", *FILES, ".checkpoints/cnn-0.npz"}
    output = project.stage("prune")
    assert (
        set(output.splitlines()) - {"nothing was removed; to do so: make prune DELETE=yes"}
        == listed
    )
    assert project.run("git", "status", "--porcelain") == ""

    project.stage("prune", "--delete")
    changed = {
        line.split()[-1] for line in project.run("git", "status", "--porcelain").splitlines()
    }
    assert changed == {"dvc.lock", *FILES}
    assert [file.name for file in (project.folder / ".checkpoints").iterdir()] == ["cnn_wide-0.npz"]
    assert (
        project.run("git", "diff", "--numstat", "dvc.lock").split()[0] == "0"
    )  # lines are only taken away
    assert "nothing is left behind" in project.stage("prune")

"""The same pipeline with stages side by side, on a real Ray of this machine."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import boto3
import numpy as np
import pandas as pd
import psutil
import pytest
import yaml
from moto.server import ThreadedMotoServer
from skimage import io

from denoising import files
from stages.shared import params
from tests.conftest import Project, small_project

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # 127.0.0.1; read as Ray is imported
pytest.importorskip("ray")
pytestmark = pytest.mark.cluster

MADE = ("dvc.lock", "metrics", "plots", "models", "data/noisy", "data/evaluated")


@pytest.fixture(scope="module")
def small(tmp_path_factory, mnist_folder):
    """A project of two cheap runs and one filter, computed in float32. Tests leave it as it is."""
    project = small_project(tmp_path_factory.mktemp("small"), mnist_folder)
    project.edit_params(precision="float32")
    project.run("dvc", "repro")
    project.commit()
    return project


def started_from_nothing(small, folder):
    """What git has of the small project, without its results."""
    project = small.clone(folder)
    for name in ("dvc.lock", "metrics", "plots"):
        path = project.folder / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    for file in (small.folder / "data/provided").iterdir():
        if file.is_file():
            shutil.copy(file, project.folder / "data/provided")
    return project


def repro(project, *arguments, address="local", **options):
    output = project.run(sys.executable, "-m", "cluster", address, *arguments, **options)
    project.tool("sort_lock")
    return output


def contents(project):
    """Every file that the pipeline has made."""
    found = {}
    for name in MADE:
        path = project.folder / name
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        found |= {str(file.relative_to(project.folder)): file.read_bytes() for file in files}
    return found


def settled(output):
    """Stages by what became of them, in the order of the lines."""
    words = (line.split() for line in output.splitlines() if " s  " in line)
    return {line[3]: (line[2], " ".join(line[4:])) for line in words}


def made_serially(project, *stages):
    """By one thread, as each stage has in these tests: sums depend on their number."""
    program = f"import os, sys; os.sched_setaffinity(0, {{{min(os.sched_getaffinity(0))}}});"
    program += "os.execvp('dvc', ['dvc', 'repro', *sys.argv[1:]])"
    project.run(sys.executable, "-c", program, *stages)
    project.tool("sort_lock")
    return contents(project)


def differing(project, expected):
    """Files that are not the same, or not there in one of both."""
    found = contents(project)
    names = found.keys() | expected.keys()
    return sorted(name for name in names if found.get(name) != expected.get(name))


@pytest.fixture(scope="module")
def serial(small, tmp_path_factory):
    """What `dvc repro` makes."""
    return made_serially(started_from_nothing(small, tmp_path_factory.mktemp("serial") / "clone"))


def test_side_by_side_every_byte_is_that_of_a_serial_run(small, serial, tmp_path):
    project = started_from_nothing(small, tmp_path / "cluster")
    output = repro(project)
    assert {state for state, _ in settled(output).values()} == {"done"}
    assert differing(project, serial) == []
    assert "up to date" in project.run("dvc", "status", "dvc.yaml")
    assert project.repro("--pull") == []
    again = settled(repro(project))
    assert {about for _, about in again.values()} == {"up to date"}


def started_head():
    """A head without cores. Ray's own start times out now and then, and is tried again."""
    from ray.cluster_utils import Cluster
    from ray.exceptions import RpcError

    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 80 * 2**20}
    with contextlib.suppress(RpcError):
        return Cluster(initialize_head=True, head_node_args=head)
    return Cluster(initialize_head=True, head_node_args=head)


class Nodes:
    """A cluster of processes on this machine: a head without cores, and nodes with homes apart."""

    def __init__(self, folder, count=2, gpus=0, **environment):
        self.cluster = started_head()
        self.homes = [folder / f"node{number}" for number in range(count)]
        self.nodes = []
        for home in self.homes:
            home.mkdir()
            places = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
            places |= {"TMPDIR": str(home), **environment}
            node = {
                "num_cpus": 1,
                "num_gpus": gpus,
                "object_store_memory": 80 * 2**20,
                "env_vars": places,
            }
            self.nodes.append(self.cluster.add_node(**node))
        self.address = self.cluster.address
        assert self.address.startswith("127.0.0.1:")

    def stop(self):
        self.cluster.shutdown()

    def processes(self, module):
        """Of attempts and stages that run on the nodes."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                line = process.cmdline()
                if line[1:3] == ["-m", module] and "node" in process.cwd():
                    yield process

    def kill(self, number):
        """One of them, with all that runs there."""
        self.cluster.remove_node(self.nodes[number], allow_graceful=False)


def shell_that_stays(folder):
    """One that is a process beside what it runs, as some are, and has to be killed too."""
    shell = folder / "shell"
    shell.write_text('#!/bin/sh\n/bin/sh "$@"\nexit $?\n')
    shell.chmod(0o755)
    return shell


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Starts nodes on 127.0.0.1."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("SHELL", str(shell_that_stays(tmp_path)))
    with contextlib.ExitStack() as stack:

        def start(count=2, **options):
            running = Nodes(tmp_path, count, **options)
            stack.callback(running.stop)
            return running

        yield start


@pytest.fixture
def nodes(cluster):
    return cluster()


AGREED = "logs/cluster-agreed.json"
PRECISION = "precision: auto on a cpu"


def trained(project):
    """How each run was computed: its precision, and how many convolutions by FFT."""
    found = {}
    for file in (project.folder / "models").glob("*.json"):
        about = json.loads(file.read_text())["settings"]
        found[file.stem] = about["precision"], len(about["convolutions_by_fft"])
    return found


def with_a_store(small, folder):
    """The small project without results, and a remote that nodes reach."""
    project = started_from_nothing(small, folder / "cluster")
    project.run("dvc", "remote", "add", "--default", "store", str(folder / "store"))
    return project


# gives a folder contents that no other process sees, and takes what the command left there out
HIDDEN = """
set -e
cp -a {folder} {copy}
mount -t tmpfs hidden {folder}
cp -a {copy}/. {folder}
rm -r {copy}
cd {folder}
{command} || code=$?
cp -a {folder} {copy}
exit ${{code:-0}}
"""


def test_nodes_that_share_nothing_but_the_remote(small, serial, nodes, tmp_path):
    project = with_a_store(small, tmp_path)
    copy = tmp_path / "copy"
    command = f"{sys.executable} -m cluster {nodes.address}"
    script = HIDDEN.format(folder=project.folder, copy=copy, command=command)
    if subprocess.run(["unshare", "--mount", "true"]).returncode:
        pytest.skip("only root may hide a folder")
    project.run("unshare", "--mount", "--propagation", "private", "sh", "-c", script)
    shutil.rmtree(project.folder)
    copy.rename(project.folder)
    project.tool("sort_lock")
    assert differing(project, serial) == []
    for home in nodes.homes:
        assert list((home / "cache/denoising/cluster/cache").rglob("*")), "a node without work"
        assert not list((home / "cache/denoising/cluster").rglob("attempt-*"))


@pytest.fixture
def bucket():
    """Options of a DVC remote in S3: a server that only plays it, on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="results")
    options = keys | {"access_key_id": "any", "secret_access_key": "any", "endpointurl": address}
    yield client, {key: value for key, value in options.items() if not key.startswith("aws")}
    server.stop()


@pytest.mark.nightly
def test_a_bucket_in_s3_is_the_remote(small, serial, nodes, bucket, tmp_path):
    client, options = bucket
    project = started_from_nothing(small, tmp_path / "cluster")
    project.run("dvc", "remote", "add", "--default", "store", "s3://results/mine")
    for key, value in (options | {"region": "us-east-1"}).items():
        project.run("dvc", "remote", "modify", "--local", "store", key, value)
    repro(project, address=nodes.address)
    assert differing(project, serial) == []
    found = client.list_objects_v2(Bucket="results")["Contents"]
    assert any(one["Key"].startswith("mine/files/md5/") for one in found)
    assert not [one for one in found if "/checkpoints/" in one["Key"]]


EPOCHS = 8


@pytest.fixture(scope="module")
def long(tmp_path_factory, mnist_folder):
    """One cheap run of many epochs."""
    project = small_project(tmp_path_factory.mktemp("long"), mnist_folder)
    project.keep_only("cae")
    project.edit_params(precision="float32", budgets__smoke__epochs=EPOCHS)
    project.commit()
    return project


@pytest.fixture(scope="module")
def undisturbed(long, tmp_path_factory):
    """What `dvc repro train` makes of it."""
    project = started_from_nothing(long, tmp_path_factory.mktemp("long") / "clone")
    return made_serially(project, "train")


def wait_for(folder):
    """Until there is something that was measured or trained."""
    until = time.monotonic() + 120
    while not list(folder.rglob("*.npz")):
        assert time.monotonic() < until, f"nothing came into {folder}"
        time.sleep(0.05)


def wait_for_a_checkpoint(store):
    wait_for(store / "checkpoints")


def at_night(*values):
    return pytest.param(*values, marks=pytest.mark.nightly)


@pytest.mark.parametrize(
    "killed", [at_night("worker"), at_night("attempt"), "trainer", "node", "coordinator"]
)
def test_what_is_killed_loses_at_most_an_epoch(long, undisturbed, nodes, tmp_path, killed):
    project = with_a_store(long, tmp_path)
    only = "--only", "train"
    running = project.start(sys.executable, "-m", "cluster", nodes.address, *only)
    wait_for_a_checkpoint(tmp_path / "store")
    (trainer,) = nodes.processes("stages.train")
    (attempt,) = nodes.processes("cluster.attempt")
    if killed == "node":
        (number,) = (n for n, home in enumerate(nodes.homes) if str(home) in attempt.cwd())
        nodes.kill(number)
    else:
        found = {"worker": attempt.parent(), "attempt": attempt, "trainer": trainer}
        found.get(killed, psutil.Process(running.pid)).kill()
    output, _ = running.communicate(timeout=300)
    psutil.wait_procs([trainer, attempt], timeout=20)
    assert not trainer.is_running()
    if killed == "coordinator":
        assert running.returncode != 0
        output = repro(project, *only, address=nodes.address)
    else:
        project.tool("sort_lock")
        assert running.returncode == 0, output
    said = (project.folder / "logs/cluster-train@cae.txt").read_text()
    assert "goes on after epoch" in said
    assert differing(project, undisturbed) == []


# one training by two processes


@pytest.fixture(scope="module")
def by_two(long, tmp_path_factory):
    """The same run of fewer epochs, trained by two ranks."""
    project = long.clone(tmp_path_factory.mktemp("ranks") / "origin")
    project.edit_params(runs__cae__ranks=2, budgets__smoke__epochs=4)
    project.commit()
    return project


@pytest.fixture(scope="module")
def by_one(by_two, tmp_path_factory):
    """Its learning curve, trained by one process on JAX, which draws other weights than others."""
    project = started_from_nothing(by_two, tmp_path_factory.mktemp("jax") / "clone")
    project.edit_params(runs__cae__ranks=None)
    project.run("dvc", "repro", "train", env={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"})
    return curve(project)


def curve(project):
    return pd.read_csv(project.folder / "plots/curves/cae.csv")


@pytest.mark.parametrize("kind", ["killed", at_night("hanging")])
def test_two_ranks_train_as_one_and_go_on_together(by_two, by_one, nodes, tmp_path, kind):
    project = with_a_store(by_two, tmp_path)
    only = "--only", "train"
    running = project.start(sys.executable, "-m", "cluster", nodes.address, *only)
    wait_for_a_checkpoint(tmp_path / "store")
    trainers = list(nodes.processes("stages.train"))
    assert len(trainers) == 2
    assert len({trainer.cwd().partition("/cache/")[0] for trainer in trainers}) == 2  # nodes
    for trainer in trainers:
        listening = [one for one in trainer.net_connections() if one.status == "LISTEN"]
        addresses = {one.laddr.ip.removeprefix("::ffff:") for one in listening}  # IPv4 in IPv6
        assert addresses == {"127.0.0.1"}
    trainers[1].kill() if kind == "killed" else trainers[1].suspend()
    _, left = psutil.wait_procs(trainers, timeout=60)
    assert not left
    output, _ = running.communicate(timeout=400)
    assert running.returncode == 0, output
    log = (project.folder / "logs/cluster-train@cae.txt").read_text()
    assert "goes on after epoch" in log

    # what differs is rounding, which grows as it trains: benchmarks/ranks.md
    two = curve(project)
    np.testing.assert_allclose(two["loss"][0], by_one["loss"][0], rtol=0.01)
    np.testing.assert_allclose(two["loss"], by_one["loss"], rtol=0.05)
    provenance = files.read_json(project.folder / "models/cae.json")
    assert provenance["settings"]["ranks"] == 2
    assert provenance["environment"]["backend"] == "jax"


@pytest.mark.nightly
def test_what_one_rank_refuses_is_said_and_not_tried_again(by_two, nodes, tmp_path):
    project = with_a_store(by_two, tmp_path)
    fit = project.folder / "denoising/training/fit.py"
    saves = "            checkpoints.save("
    alone = (
        f'            if ranks.own() == 1:\n                raise InputError("too bad")\n{saves}'
    )
    fit.write_text(fit.read_text().replace(saves, alone))
    output = repro(project, "--only", "train", address=nodes.address, code=1)
    assert "train@cae| error: cae: too bad" in output
    assert output.count("too bad") == 1
    assert "Traceback" not in output


def test_a_run_of_two_ranks_says_what_starts_them(by_two, tmp_path):
    project = started_from_nothing(by_two, tmp_path / "serial")
    output = project.run("dvc", "repro", "train", code=255)
    said = "error: runs.cae.ranks = 2: so many processes train it together, which a cluster starts"
    assert said in output


def test_ranks_that_find_no_place_say_so(by_two, cluster, tmp_path):
    nodes = cluster(1)
    project = with_a_store(by_two, tmp_path)
    found = settled(repro(project, "--only", "train", address=nodes.address, code=1))
    problem = "1 of 2 ranks find 1 cores, 0 GPUs and 0 GiB: see resources.train in params.yaml"
    assert found["train@cae"] == ("failed", problem)


def test_after_ctrl_c_dvc_repro_makes_what_is_missing(long, undisturbed, nodes, tmp_path):
    project = with_a_store(long, tmp_path)
    running = project.start(sys.executable, "-m", "cluster", nodes.address, "--only", "train")
    wait_for_a_checkpoint(tmp_path / "store")
    (trainer,) = nodes.processes("stages.train")
    running.send_signal(signal.SIGINT)  # Ctrl-C
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in output
    psutil.wait_procs([trainer], timeout=20)
    assert not trainer.is_running()
    assert made_serially(project, "train") == undisturbed


def test_a_stage_that_fails_takes_along_only_those_that_need_it(small, tmp_path):
    project = started_from_nothing(small, tmp_path / "cluster")
    stage = project.folder / "stages/train.py"
    stage.write_text(
        stage.read_text().replace(
            "    chosen = settings(content, name)\n",
            '    if name == "cnn":\n        raise InputError("too bad")\n'
            "    chosen = settings(content, name)\n",
        )
    )
    output = repro(project, code=1)
    found = settled(output)
    assert found["train@cnn"][0] == "failed"
    assert "train@cnn| error: too bad" in output
    assert {name for name, (state, _) in found.items() if state == "skipped"} == {
        "evaluate@cnn",
        "report",
    }
    assert found["evaluate@cae"][0] == "done"
    assert "Traceback" not in output


def test_a_remote_that_is_away_is_waited_for(small, serial, nodes, tmp_path):
    project = with_a_store(small, tmp_path)
    store, away = tmp_path / "store", tmp_path / "away"
    running = project.start(sys.executable, "-m", "cluster", nodes.address)
    wait_for_a_checkpoint(store)
    store.rename(away)
    store.write_text("")  # where a folder should be
    time.sleep(10)
    store.unlink()
    away.rename(store)
    output, _ = running.communicate(timeout=300)
    assert running.returncode == 0, output
    project.tool("sort_lock")
    assert differing(project, serial) == []


def test_what_is_auto_is_resolved_once_for_all(mnist_folder, cluster, tmp_path):
    nodes = cluster(ONEDNN_MAX_CPU_ISA="AVX2")  # none of them computes in bfloat16
    (tmp_path / "origin").mkdir()
    origin = Project(tmp_path / "origin", mnist_folder)
    origin.keep_only("win5rb", "cae", "noisy")
    smaller = {"networks__win5rb__filters": 8, "budgets__smoke__epochs": 1}
    origin.edit_params(budget="smoke", **smaller)
    origin.commit()

    def agreed_before(name, **changes):
        (tmp_path / name).mkdir()
        project = with_a_store(origin, tmp_path / name)
        before = record | {"complete": False, "agreed": record["agreed"] | changes}
        files.write_json(project.folder / AGREED, before)
        return project

    first = with_a_store(origin, tmp_path)
    repro(first, address=nodes.address)
    record = json.loads((first.folder / AGREED).read_text())
    assert record["complete"]
    assert record["agreed"][PRECISION]["value"] == "float32"
    (by_fft,) = {how[1] for name, how in trained(first).items() if name == "win5rb"}
    times = {"direct": 1.0, "fft": 2.0} if by_fft else {"direct": 2.0, "fft": 1.0}
    cases = {key for key in record["agreed"] if key.startswith("convolution")}
    assert any("training" in key for key in cases)
    assert any("inference" in key for key in cases)

    other_choice = {case: {"value": times, "by": "elsewhere"} for case in cases}
    second = agreed_before("second", **other_choice)
    repro(second, address=nodes.address)
    (others_by_fft,) = {how[1] for name, how in trained(second).items() if name == "win5rb"}
    assert (others_by_fft > 0) == (by_fft == 0)

    third = agreed_before("third", **{PRECISION: {"value": "bfloat16", "by": "elsewhere"}})
    output = repro(third, address=nodes.address, code=1)
    said = "error: precision: auto is bfloat16 for all, as elsewhere found it; this machine does "
    assert f"train@cae| {said}not compute in it: set precision: float32, or leave it out" in output


@pytest.fixture
def own_images(small, tmp_path):
    """Makes a project in which two filters are tried on a folder of images, and says where."""
    shapes = [(64, 64), (72, 80), (64, 90), (80, 72), (66, 64), (64, 70)]
    source = tmp_path / "mine"
    (source / "clean").mkdir(parents=True)
    for number, shape in enumerate(shapes):
        image = np.random.default_rng(number).integers(0, 256, shape, np.uint8)
        io.imsave(source / f"clean/{number}.png", image, check_contrast=False)

    def make(name):
        project = small.clone(tmp_path / name)
        prepare = f"from tools import own; own.prepare({str(source)!r}, 'smoke')"
        project.run(sys.executable, "-c", prepare)
        path = project.folder / "own/mine/params.yaml"
        content = params.read(path)
        few = {name: content["filters"][name] for name in ("noisy", "median")}
        content["datasets"]["images"]["split"] = {"validation": 1, "test": 4}
        files.write_text(path, yaml.dump(content | {"runs": {}, "filters": few}))
        return project, str(source)

    return make


def of_own_images(project):
    folder = project.folder / "own/mine"
    names = "dvc.lock", "metrics/noisy.json", "metrics/median.json", "plots/tables.md"
    return {name: (folder / name).read_bytes() for name in names}


def test_own_images_in_a_store_of_their_own(own_images, nodes, tmp_path):
    project, source = own_images("serial")
    project.tool("own", source)
    serial = of_own_images(project)

    project, source = own_images("local")
    project.tool("own", source, "--cluster", "local")
    assert of_own_images(project) == serial

    # the number of shards changes on the way
    project, _ = own_images("shards")
    store = tmp_path / "store"
    project.run("dvc", "remote", "add", "--default", "store", str(store))
    command = [sys.executable, "-m", "cluster", nodes.address, "--folder", "own/mine", "--shards"]
    running = project.start(*command, "evaluate_filter=2")
    wait_for(store / "shards")
    running.kill()
    running.communicate()
    output = project.run(*command, "evaluate_filter=7")
    project.tool("sort_lock", "own/mine/dvc.lock")
    assert "in 7 shards" in output
    for name in ("noisy", "median"):
        log = (project.folder / f"own/mine/logs/cluster-evaluate_filter@{name}.txt").read_text()
        assert log.count("were measured as a shard") == 4  # all that there are
    assert of_own_images(project) == serial
    assert not list((store / "shards").rglob("*.npz"))


def of_other_version(folder):
    """A folder in which Python finds another version of DVC, as far as it is asked for it."""
    about = folder / "other/dvc-1.0.dist-info/METADATA"
    about.parent.mkdir(parents=True)
    about.write_text("Metadata-Version: 2.1\nName: dvc\nVersion: 1.0\n")
    return {"PYTHONPATH": str(about.parents[1])}


def full_disk(folder):
    """A cache on a disk of its own, which is small."""
    place = folder / "small_disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place]).returncode:
        pytest.skip("only root may mount a disk")
    return {"XDG_CACHE_HOME": str(place)}


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        (of_other_version, "dvc 1.0, the coordinator has "),
        (full_disk, "No space left on device"),
        at_night(lambda _: {"gpus": 1}, "error: device: resources.train asks for a gpu, tensorfl"),
    ],
    ids=["version", "disk", "gpu"],
)
def test_a_node_that_cannot_says_so_in_one_line(small, cluster, tmp_path, lacking, said):
    with contextlib.ExitStack() as stack:
        options = lacking(tmp_path)
        if lacking is full_disk:
            stack.callback(subprocess.run, ["umount", "--lazy", options["XDG_CACHE_HOME"]])
        nodes = cluster(1, **options)
        project = with_a_store(small, tmp_path)
        if "gpus" in options:
            project.edit_params(resources={"train": {"gpus": 1}})
        output = repro(project, address=nodes.address, code=1)
    assert [line for line in output.splitlines() if said in line]
    assert "Traceback" not in output


def test_a_workspace_that_changes_meanwhile_is_not_given_foreign_results(small, nodes, tmp_path):
    project = with_a_store(small, tmp_path)
    running = project.start(sys.executable, "-m", "cluster", nodes.address)
    wait_for_a_checkpoint(tmp_path / "store")
    project.edit_params(seeds__training=7)
    output, _ = running.communicate(timeout=300)
    assert running.returncode == 1
    assert "the workspace was changed meanwhile: run it again" in output
    assert not list((project.folder / "models").glob("*.keras"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["local", "--cpus", "trian=1"], "error: --cpus trian=1: should be STAGE=N"),
        (
            ["local", "--cpus", "train=0"],
            "error: --cpus train: cpus = 0: should be a number of cores, 1 .. 4096, or all\n",
        ),
        (
            ["local", "--shards", "train=2"],
            "error: --shards train=2: should be STAGE=N, N a number, STAGE one of evaluate, ",
        ),
        (["ray://127.0.0.1:1"], "error: no DVC remote is configured"),
    ],
)
def test_wrong_usage_is_refused_in_one_line(small, tmp_path, arguments, said):
    project = small.clone(tmp_path / "clone")
    output = project.run(sys.executable, "-m", "cluster", *arguments, code=1)
    assert output.startswith(said)
    assert output.count("\n") == 1


def test_what_no_node_has_is_said_at_once(small, tmp_path):
    project = started_from_nothing(small, tmp_path / "cluster")
    with (project.folder / "params.yaml").open("a") as file:
        file.write("\nresources:\n  corrupt:\n    gpus: 8\n")
    found = settled(repro(project, code=1))
    problem = "no node has 1 cores, 8 GPUs and 0 GiB: see resources.corrupt in params.yaml"
    assert found["corrupt@gauss50"] == ("failed", problem)
    assert found["train@cnn"][0] == "skipped"

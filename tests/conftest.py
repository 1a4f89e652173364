"""Real MNIST once a session, and copies of this repository to run the pipeline in.

`make test` has two workers, each with a session of its own. The tests of a file stay on one.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from denoising import files
from denoising.sources import mnist
from tests.demo_server import ROOT, Server

# what is long and begins last would leave the other worker idle
LONGEST = (
    "test_end_to_end",
    "test_bad_input",
    "test_training",
    "test_gate",
    "test_execution",
    "test_single_images",
    "test_zero_shot",
)


def pytest_collection_modifyitems(config, items):
    """For workers, the longest files first. Otherwise the order stays."""
    if hasattr(config, "workerinput"):
        order = {name: place for place, name in enumerate(LONGEST)}
        items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def mnist_folder(tmp_path_factory):
    """The two IDX files, from where users have them."""
    folder = tmp_path_factory.mktemp("mnist")
    # two workers at once would delete each other's unfinished files in .fetched
    with files.lock(ROOT / ".locks/tests", lambda _: None):
        mnist.fetch(folder, ROOT / "data/provided", ROOT / ".fetched")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_user_cache(tmp_path_factory):
    """What is measured under the load of tests must not decide how a user's networks run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user_cache")))
        yield


@pytest.fixture(scope="session")
def server():
    """The demo with the published networks."""
    running = Server("--models", "published")
    yield running
    running.stop()


class Project:
    """A copy of this repository as git would clone it, with uncommitted changes.

    MNIST is provided by hand.
    """

    def __init__(self, folder, mnist_folder):
        self.folder = folder
        listed = _git(
            "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT
        ).split("\0")
        for name in filter(None, listed):
            # what a user has made lies there, and its stages may not have run
            is_a_users = name.startswith(("own/", "samples/")) or re.match(r"sweeps/\w+/", name)
            if (ROOT / name).is_file() and not is_a_users:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, folder / name)
        _git("init", "--quiet", "--initial-branch", "main", cwd=folder)
        _git("config", "user.name", "test", cwd=folder)
        _git("config", "user.email", "test@example.org", cwd=folder)
        self.commit()
        for file in mnist.DIGESTS:
            os.link(mnist_folder / file, folder / "data/provided" / file)

    def commit(self):
        _git("add", "--all", cwd=self.folder)
        _git("commit", "--quiet", "--allow-empty", "--message", "test", cwd=self.folder)

    def copy(self, folder):
        """All of it in another folder: data, models and DVC's cache too."""
        shutil.copytree(self.folder, folder)
        return self._elsewhere(folder)

    def clone(self, folder):
        """What a reviewer or a CI machine gets: what is in git, no data, no models, no cache."""
        _git("clone", "--quiet", self.folder, folder, cwd=self.folder)
        return self._elsewhere(folder)

    def _elsewhere(self, folder):
        project = object.__new__(Project)
        project.folder = folder
        return project

    def start(self, *command, **options):
        """A process in the project, of its own process group, both outputs in one pipe."""
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "CI": "true",
        }
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment | options.pop("env", {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **options,
        )

    def run(self, *command, code=0, **options):
        """Output of a command that must end with an exit code."""
        process = self.start(*command, **options)
        output, _ = process.communicate(timeout=900)
        assert process.returncode == code, (
            f"{' '.join(command)}: exit code {process.returncode}\n{output}"
        )
        return output

    def stage(self, name, *arguments, **options):
        return self.run(sys.executable, "-m", f"stages.{name}", *arguments, **options)

    def tool(self, name, *arguments, **options):
        return self.run(sys.executable, "-m", f"tools.{name}", *arguments, **options)

    def repro(self, *arguments, **options):
        """Names of the stages that `dvc repro` ran."""
        return stages_run(self.run("dvc", "repro", *arguments, **options))

    def read(self, file):
        return (self.folder / file).read_bytes()

    def edit_params(self, **changes):
        """Set keys of params.yaml, written section__key=value; a value of None deletes the key."""
        yaml = YAML()
        path = self.folder / "params.yaml"
        content = yaml.load(path)
        for key, value in changes.items():
            *sections, last = key.split("__")
            place = content
            for section in sections:
                place = place[section]
            if value is None:
                del place[last]
            else:
                place[last] = value
        for name, section in content.items():
            if section == {}:
                content[name] = {}  # without its comment, which would stand between the key and {}
                content.ca.items.pop(name, None)
        with path.open("w") as file:
            yaml.dump(content, file)

    def keep_only(self, *names):
        """Drop all other rows, for tests that need only these."""
        yaml = YAML()
        content = yaml.load(self.folder / "params.yaml")
        drop = {
            f"{table}__{row}": None
            for table in ("runs", "debiased", "filters")
            for row in content[table]
            if row not in names
        }
        self.edit_params(**drop)


def small_project(folder, mnist_folder):
    """A project of two cheap runs and one filter at the smoke budget."""
    project = Project(folder, mnist_folder)
    project.keep_only("cnn", "cae", "noisy")
    project.edit_params(budget="smoke")
    return project


def stages_run(output):
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def _git(*arguments, cwd):
    return subprocess.run(
        ["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="session")
def small(tmp_path_factory, mnist_folder):
    """A small project that has run. Tests must leave it as it is."""
    project = small_project(tmp_path_factory.mktemp("small"), mnist_folder)
    project.output = project.run("dvc", "repro")
    project.commit()
    return project


@pytest.fixture
def ready(small, tmp_path):
    """A copy of the small project, which has run."""
    copy = small.copy(tmp_path / "ready")
    yield copy
    shutil.rmtree(copy.folder)  # a third of a gigabyte


@pytest.fixture
def project(tmp_path, mnist_folder):
    return Project(tmp_path, mnist_folder)


# The whole pipeline would take ten minutes on processors without bfloat16: it is run without these
# rows and with a narrower network. Other tests train each network as it is.
SPARED = ("dncnn", "unet")
NARROW = {"networks__win5rb__filters": 32}


@pytest.fixture(scope="session")
def smoke(tmp_path_factory, mnist_folder):
    """A project in which the whole pipeline has run at the smoke budget.

    Tests must leave it as it is. Those of `make test` are all in one file, or both workers would
    run the pipeline.
    """
    project = Project(tmp_path_factory.mktemp("smoke"), mnist_folder)
    spared = {f"runs__{name}": None for name in SPARED}
    project.edit_params(budget="smoke", **spared, **NARROW)
    project.output = project.run("dvc", "repro")
    project.commit()
    return project

"""The demo's server as a process: its API from outside, how it starts and how it ends."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import demo_server
from tests.demo_server import ROOT, Server


def get(url):
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)


def raw(server, request):
    """Status line of the answer to bytes as they are."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(request)
        return connection.makefile("rb").readline().decode()


def test_the_api_keeps_to_its_document(server, tmp_path):
    """Schemathesis makes requests from the OpenAPI document, valid and invalid ones, and compares
    the answers with it.

    Its check that valid requests are accepted is left out: a schema cannot say that a string is an
    image file.
    """
    command = [
        Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{server.url}api/openapi.json",
    ]
    options = [
        "--checks=all",
        "--exclude-checks=positive_data_acceptance",
        "--max-examples=30",
        "--seed=1",
        "--no-color",
    ]
    done = subprocess.run(
        [*command, *options], cwd=tmp_path, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_requests_that_no_client_sends_leave_it_running(server):
    head = b"POST /api/denoise HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    assert " 413 " in raw(server, head + b"Content-Length: 99999999999\r\n\r\n")
    assert " 400 " in raw(server, head + b"Content-Length: minus one\r\n\r\n")
    assert " 400 " in raw(server, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert " 431 " in raw(server, b"GET / HTTP/1.1\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n")
    assert " 404 " in raw(
        server, b"GET /static/../../params.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    assert get(f"{server.url}health") == {"status": "ok"}


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_with_a_client_still_connected(by):
    server = Server("--models", "published")
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port)):
        code, output, errors = server.stop(by)
    assert code == 0
    assert output == "stopped\n"
    assert errors == ""  # no line of TensorFlow's either


@pytest.mark.slow
def test_without_networks_it_names_the_command_that_trains_them(tmp_path):
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    server = Server(folder=tmp_path)
    try:
        assert server.said == ["no trained networks yet: `make repro` trains them"]
        answer = get(f"{server.url}api/models")
        assert answer["models"] == []
        assert "make repro" in answer["message"]
        body = json.dumps({"image": [[0.5]], "noise": None}).encode()
        request = urllib.request.Request(
            f"{server.url}api/denoise", body, {"Content-Type": "application/json"}
        )
        assert get(request)["results"] == []
    finally:
        server.stop()


@pytest.fixture
def fail(tmp_path):
    """Start a demo that cannot start, in a folder of its own, and give its exit code and its line.

    Importing TensorFlow, Keras or scikit-image would end it with exit code 99.
    """
    forbidden = demo_server.forbid(tmp_path / "forbidden")
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")

    def start(*arguments):
        code, output, errors = demo_server.run("demo", *arguments, cwd=tmp_path, before=[forbidden])
        assert output == ""
        assert errors.startswith("error: ")
        assert errors.count("\n") == 1
        return code, errors

    return start


def test_a_damaged_network_is_one_line(fail, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/cnn.keras").write_bytes(b"PK")
    code, line = fail("--port", "0", "--models", "workspace")
    assert code == 1
    assert "error: models/cnn.keras: not a whole .keras file" in line


def test_damaged_params_are_one_line(fail, tmp_path):
    (tmp_path / "models").mkdir()
    shutil.copy(ROOT / "results/article/models/cnn.keras", tmp_path / "models")
    (tmp_path / "params.yaml").write_text("runs: 5\n")
    code, line = fail("--port", "0", "--models", "workspace")
    assert code == 1
    assert "error: params.yaml: runs = 5: should be a section of keys" in line
    (tmp_path / "params.yaml").unlink()
    assert fail("--port", "0")[1].startswith("error: params.yaml: cannot be read")


def test_a_whole_network_does_need_keras(tmp_path):
    """Proof that `fail` forbids the import of Keras."""
    forbidden = demo_server.forbid(tmp_path / "forbidden")
    arguments = ["--port", "0", "--models", "published"]
    assert demo_server.run("demo", *arguments, before=[forbidden]) == (99, "", "")


def test_a_port_that_is_taken_is_one_line(server, fail):
    port = str(urlsplit(server.url).port)
    code, line = fail("--port", port)
    assert code == 1
    assert f"error: 127.0.0.1 port {port}: Address already in use" in line


def test_a_host_that_there_is_not_is_one_line(fail):
    assert fail("--host", "nowhere.invalid") == (
        1,
        "error: --host nowhere.invalid: no such name or address\n",
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--port", "70000"], "argument --port: 70000: should be 0 to 65535"),
        (["--port", "x"], "argument --port: invalid int value: 'x'"),
        (["--host", ""], "argument --host: '': should be a name or an IPv4 address"),
        (["--host", "::1"], "argument --host: '::1': should be a name or an IPv4 address"),
        (["--models", "all"], "argument --models: invalid choice: 'all'"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_a_bad_argument_is_one_line(fail, arguments, problem):
    code, line = fail(*arguments)
    assert code == 2
    assert f"error: {problem}" in line

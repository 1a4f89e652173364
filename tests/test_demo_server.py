"""The demo's server as a process: its API from outside, how it starts and how it ends."""

import json
import os
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

from tests.conftest import ROOT
from tests.demo_server import Server


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
    """Schemathesis makes requests from the OpenAPI document, valid and invalid, and holds the answers against it.

    What is left out is its check that valid requests are accepted: a schema cannot say that a string is an image file.
    """
    command = [
        Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{server.url}api/openapi.json",
    ]
    options = [
        "--checks=all",
        "--exclude-checks=positive_data_acceptance",
        "--max-examples=60",
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
    assert "Traceback" not in errors


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


@pytest.mark.slow
def test_a_damaged_network_is_one_line(tmp_path):
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    (tmp_path / "models").mkdir()
    (tmp_path / "models/cnn.keras").write_bytes(b"PK")
    code, errors = fail(["--models", "workspace"], tmp_path)
    assert code == 1
    assert "models/cnn.keras" in errors


@pytest.mark.slow
def test_a_port_that_is_taken_is_one_line(server, tmp_path):
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    port = str(urlsplit(server.url).port)
    code, errors = fail(["--port", port], tmp_path)
    assert code == 1
    assert f"port {port}" in errors
    code, errors = fail(["--host", "nowhere.invalid"], tmp_path)
    assert code == 1
    assert "nowhere.invalid" in errors
    code, errors = fail(["--port", "70000"], tmp_path)
    assert code == 2
    assert "70000: should be 0 to 65535" in errors


def fail(arguments, folder):
    """Exit code and the one line of a demo that cannot start."""
    command = [sys.executable, "-m", "demo", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if "error: " in line]
    assert len(lines) == 1, done.stderr
    return done.returncode, lines[0]

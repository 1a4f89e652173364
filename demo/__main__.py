"""Serve the demo on this machine: make demo, or python -m demo"""

import argparse
import logging
import signal
import socket
import sys

from demo.networks import PLACES, Networks
from denoising.cli import Parser
from denoising.files import InputError

THREADS = 16  # more than are worked on at once, so that one is free to refuse a request
WAITING = 128  # connections that may wait while the networks are loaded


def main() -> None:
    """Serve until Ctrl-C or SIGTERM.

    Exit codes: 0 stopped, 1 bad input, 2 wrong usage.
    """
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does
    try:
        _serve(arguments.host, arguments.port, arguments.models)
    except InputError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:  # before waitress listens for it
        pass
    _say("stopped")


def _arguments() -> argparse.Namespace:
    parser = Parser(prog="python -m demo", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; with 0.0.0.0 other machines can reach it",
    )
    parser.add_argument("--port", type=int, default=8000, help="0 means any free one")
    parser.add_argument(
        "--models",
        choices=["auto", *PLACES],
        default="auto",
        help="published: results/article; auto: those, else the workspace's",
    )
    arguments = parser.parse_args()
    if not 0 <= arguments.port < 2**16:
        parser.error(f"argument --port: {arguments.port}: should be 0 to 65535")
    if not arguments.host or ":" in arguments.host:
        parser.error(f"argument --host: {arguments.host!r}: should be a name or an IPv4 address")
    return arguments


def _serve(host: str, port: int, place: str) -> None:
    host = "127.0.0.1" if host == "localhost" else host
    with _listening(host, port) as listening:  # a port that is taken should not cost seconds
        networks = Networks(place)
        if networks.all:
            names = ", ".join(network.name for network in networks.all)
            _say(f"networks: {networks.place} ({networks.folder / 'models'}): {names}; warming up")
            networks.warm_up()
        else:
            _say(str(networks.missing))
        _answer_requests(host, listening, networks)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises
    ------
    InputError
        If the host is unknown, or the port is taken or not allowed.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(WAITING)
    except (socket.gaierror, UnicodeError):
        raise InputError(f"--host {host}: no such name or address") from None
    except OSError as error:
        raise InputError(
            f"{host} port {port}: {error.strerror}; choose another by --host or --port"
        ) from None
    return listening


def _answer_requests(host: str, listening: socket.socket, networks: Networks) -> None:
    import waitress

    from demo import app

    # a page of another host must not reach a server that is meant for this machine alone, by a
    # name that leads here
    hosts = ["127.0.0.1", "localhost"] if host == "127.0.0.1" else None
    application = app.create(networks, app.examples(networks.folder), hosts)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is answered with 503
    server = waitress.create_server(
        application,
        sockets=[listening],
        threads=THREADS,
        ident=None,
        # far larger requests are not even read; the application itself answers those in between
        max_request_body_size=4 * app.MAX_BYTES,
    )
    name = socket.gethostname() if host == "0.0.0.0" else host
    _say(f"open http://{name}:{listening.getsockname()[1]}/ (Ctrl-C stops)")
    server.run()


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()

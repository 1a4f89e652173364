"""Serve the demo on this machine: make demo, or python -m demo"""

import argparse
import contextlib
import logging
import signal
import socket
import sys

import waitress

from demo import app
from demo.networks import PLACES, Networks
from denoising.files import InputError

THREADS = 16  # so that there is always one to say that the others are busy


def main():
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0: reachable from other machines",
    )
    parser.add_argument("--port", type=int, default=8000, help="0: any free one")
    parser.add_argument(
        "--models",
        choices=["auto", *PLACES],
        default="auto",
        help="published: results/article; auto: those, else the workspace's",
    )
    arguments = parser.parse_args()
    if not 0 <= arguments.port < 2**16:
        parser.error(f"argument --port: {arguments.port}: should be 0 to 65535")
    if ":" in arguments.host:
        parser.error(f"argument --host: {arguments.host}: should be a name or an IPv4 address")
    try:
        networks = Networks(arguments.models)
        digits = app.examples(networks.folder)
    except InputError as error:
        sys.exit(f"error: {error}")
    if networks.all:
        names = ", ".join(network.name for network in networks.all)
        say(f"networks: {networks.place} ({networks.folder / 'models'}): {names}; warming up")
        networks.warm_up()
    else:
        say(networks.missing)
    host = "127.0.0.1" if arguments.host == "localhost" else arguments.host
    local = host == "127.0.0.1"
    # pages of other hosts must not reach a server that is meant for this machine alone, by names that lead here
    hosts = ["127.0.0.1", "localhost"] if local else None
    application = app.create(networks, digits, hosts)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is answered with 503
    try:
        server = waitress.create_server(
            application,
            host=host,
            port=arguments.port,
            threads=THREADS,
            ident=None,
            # what is far too large is not even taken in; what is somewhat too large gets the application's own answer
            max_request_body_size=4 * app.MAX_BYTES,
        )
    except OSError as error:
        sys.exit(f"error: {host} port {arguments.port}: {error.strerror}; choose another by --port")
    except ValueError:  # what waitress makes of a name that it cannot look up
        sys.exit(f"error: --host {host}: no such name or address")
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(0)
    )  # which waitress takes as a request to end
    with contextlib.suppress(
        KeyboardInterrupt, SystemExit
    ):  # before waitress listens for them, too
        say(
            f"open http://{socket.gethostname() if host == '0.0.0.0' else host}:{server.effective_port}/ (Ctrl-C stops)"
        )
        server.run()
    say("stopped")


def say(line):
    print(line, flush=True)


if __name__ == "__main__":
    main()

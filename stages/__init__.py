"""One file per DVC stage. Each runs without DVC too: `python -m stages.train cae`."""

"""The DVC stages, one file each. Each runs without DVC too: `python -m stages.train cae`."""

"""The pipeline on many machines: DVC keeps the truth, Ray does the work.

`python -m cluster local` does what `dvc repro` does, with stages side by side. Each is an attempt
(`attempt.py`) in a folder of its own, on a node that Ray chooses. The coordinator
(`coordinator.py`) takes its results through DVC's run cache. Needs requirements-cluster.txt.
"""

"""Datasets: splits, random streams, noisy versions, and their files."""

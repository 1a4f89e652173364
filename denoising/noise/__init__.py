"""Noise models, one file each: what they do to a pixel, and to its mean."""

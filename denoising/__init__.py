"""Image denoisers, the data they learn from, and the measures they are judged by.

The library knows nothing of DVC nor of where this repository keeps its files. Images are arrays
(N, H, W, C) of pixel values in [0, 1], black 0 and white 1, unless a docstring says otherwise.
"""

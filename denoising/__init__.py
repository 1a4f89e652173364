"""Image denoisers, the data they learn from, and the measures they are judged by.

The library knows nothing of DVC nor of where this repository keeps its files. Images are arrays (N, H, W) of pixel values in
[0, 1], black 0 and white 1, unless a docstring says otherwise.
"""

import os

# TensorFlow greets with a page of messages; what matters it raises. To be set before it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

"""How to compute a network: the plan that training and inference are given.

Without Keras, so that a bad parameter is refused before it is imported.
"""

import dataclasses
from collections.abc import Collection


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to compute a network.

    Attributes
    ----------
    precision : {"float32", "bfloat16"}
        What the inner layers compute in. Weights are kept in float32 either way.
    by_fft : tuple of str
        Names of the convolutions to be computed by FFT.
    fused : bool
        Training: batch normalisation in one pass, where the backend has it. Inference: batch
        normalisation becomes part of the convolution before it.
    by_taps : tuple of str
        Names of the convolutions to be computed as one matrix product: see
        `denoising.compute.taps`.
    by_phases : tuple of str
        Names of those of enlarged images to be computed on small ones: see
        `denoising.compute.phases`.
    """

    precision: str = "float32"
    by_fft: tuple[str, ...] = ()
    fused: bool = True
    by_taps: tuple[str, ...] = ()
    by_phases: tuple[str, ...] = ()


PLAIN = Plan(fused=False)  # as Keras computes it by itself


def as_names(by_fft: Collection[str]) -> str:
    """Names of convolutions as a log shows them."""
    return f", {', '.join(by_fft)} by FFT" if by_fft else ""

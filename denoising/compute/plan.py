"""How to compute a network: the plan that training and inference are given.

Without Keras, so that a bad parameter is refused before it is imported.
"""

import dataclasses
from collections.abc import Collection, Mapping

# of a convolution, see denoising/compute: fft.py, taps.py, phases.py, `backend.convolve`
DIRECT, FFT, TAPS, PHASES, VOLUME = "direct", "fft", "taps", "phases", "volume"


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to compute a network.

    Attributes
    ----------
    precision : {"float32", "bfloat16"}
        What the inner layers compute in. Weights are kept in float32 either way.
    ways : mapping of str to str
        How convolutions are computed, by name: `FFT`, `TAPS`, `PHASES` or `VOLUME`; the others
        as Keras does.
    fused : bool
        Training: batch normalisation in one pass, where the backend has it. Inference: batch
        normalisation becomes part of the convolution before it.
    """

    precision: str = "float32"
    ways: Mapping[str, str] = dataclasses.field(default_factory=dict)
    fused: bool = True

    @property
    def by_fft(self) -> tuple[str, ...]:
        """Names of the convolutions that are computed by FFT."""
        return tuple(name for name, way in self.ways.items() if way == FFT)


PLAIN = Plan(fused=False)  # as Keras computes it by itself


def as_names(by_fft: Collection[str]) -> str:
    """Names of convolutions as a log shows them."""
    return f", {', '.join(by_fft)} by FFT" if by_fft else ""

"""How well a blind spot predicts pixels that it was not trained on: held-out likelihood.

A blind spot says from a pixel's neighbours what the pixel may be, and the noise says how likely the
observed value is, given each. No clean image takes part. The table of likelihoods leaves out what
all clean values share, so nats compare networks on the same images with the same noise, not one
noise with another.

References
----------
S. Laine, T. Karras, J. Lehtinen, T. Aila, "High-Quality Self-Supervised Deep Image Denoising",
NeurIPS 2019.
"""

from typing import Any

# names of layers: see `denoising.methods.blind_spot.BlindSpot.denoiser`
OUTPUT, COEFFICIENTS = "output", "network_output"


def is_known(model: Any) -> bool:
    """Does a network say how likely its noisy images are?"""
    from denoising.compute.beliefs import Posterior

    names = {layer.name for layer in model.layers}
    return COEFFICIENTS in names and isinstance(model.get_layer(OUTPUT), Posterior)


def surprise(model: Any) -> Any:
    """The network of a blind spot as one from noisy images to nats, the less the better.

    Parameters
    ----------
    model : keras.Model
        As a model file holds it, or a copy of `denoising.compute.execution`.

    Returns
    -------
    keras.Model
        From (N, H, W, C) to the negative logarithm of each pixel's likelihood, in nats, likewise.
        A pixel's channels are predicted one by one, and count as so many pixels.

    Raises
    ------
    ValueError
        If it is no blind spot's.
    """
    from denoising.compute import beliefs
    from denoising.compute.backend import keras

    if not is_known(model):
        raise ValueError(f"network {model.name}: says nothing of how likely noisy images are")
    posterior = model.get_layer(OUTPUT)
    table = keras.ops.convert_to_tensor(posterior.get_weights()[0])

    def nats(inputs: Any) -> Any:
        coefficients, noisy = inputs
        return beliefs.surprise(coefficients, noisy, table, posterior.low, posterior.high)

    shape = tuple(model.inputs[0].shape[1:])
    layer = keras.layers.Lambda(nats, output_shape=shape, dtype="float32", name=OUTPUT)
    outputs = layer([model.get_layer(COEFFICIENTS).output, model.inputs[0]])
    return keras.Model(model.inputs[0], outputs, name=model.name)

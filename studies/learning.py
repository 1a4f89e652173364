"""A network that learns from patches in memory, as studies train many of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from denoising.methods.base import Method
from denoising.noise.base import Noise
from denoising.sections import kind
from denoising.sections import validate as typed
from denoising.training import fit
from denoising.training.checkpoints import Nowhere
from denoising.training.examples import Arrays

if TYPE_CHECKING:
    import keras

STREAM = "study"


class Learner(NamedTuple):
    """How networks learn.

    Attributes
    ----------
    networks : dict of str to dict
        Their sections.
    optimizer : Optimizer
    work : Work
    precision : {"auto", "float32", "bfloat16"}
    """

    networks: dict[str, dict[str, Any]]
    optimizer: fit.Optimizer
    work: fit.Work
    precision: str

    def learn(
        self,
        network: str,
        method: Method,
        noise: Noise,
        data: Arrays,
        seed: int = 0,
        log: Callable[[str], object] = str,
    ) -> "keras.Model":
        """A trained network, from a noisy image to the denoised one.

        Parameters
        ----------
        network : str
            Its name.
        method : Method
        noise : Noise
            As the method is told.
        data : Arrays
            Patches that it learns from, and others for the learning curve.
        seed : int
            Of the weights, and of what the method draws.
        log : callable
            Takes a line after each epoch.
        """
        from denoising.compute import backend
        from denoising.compute.plan import Plan

        backend.prepare(seed)
        settings = fit.Settings(
            network=network,
            section=typed(kind("networks", network), self.networks[network], "networks"),
            method=method,
            noise=noise,
            seed=seed,
            stream=STREAM,
            plan=Plan(backend.resolve_precision(self.precision)),
            optimizer=self.optimizer,
            work=self.work,
        )
        return fit.fit(settings, data, Nowhere(), log).model

"""Fit one network: the same bytes for the same settings, however often it is killed on the way.

`fit` is a pure function but for its checkpoint store. Randomness is a function of (seed, stream,
epoch), never of what ran before, so a training that goes on from a checkpoint ends where an
undisturbed one ends.
"""

import dataclasses
import math
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from denoising.compute.plan import Plan
from denoising.data.patches import Patches
from denoising.data.streams import rng_for
from denoising.files import InputError
from denoising.methods.base import Given, Method
from denoising.noise.base import Noise
from denoising.sections import Fraction, Positive, Section
from denoising.training.checkpoints import State, Store
from denoising.training.examples import Examples

STREAM = "run"  # the key of the random streams of a run that states none

CURVE = ("loss", "val_loss", "val_mse")  # columns of a learning curve, beside the epoch
_IMAGES_PER_CALL = 128  # between two returns to Python, which small batches would else wait for


class Work(Section):
    """How long a budget trains."""

    epochs: Annotated[int, Field(ge=1, le=100_000)]
    batch_size: Annotated[int, Field(ge=1, le=65_536)]
    learning_rate: Positive
    schedule: Literal["constant", "cosine"]


class Optimizer(Section):
    """The optimizer."""

    name: Literal["adam"]
    beta_1: Fraction
    beta_2: Fraction
    epsilon: Positive


class Stop(Section):
    """Ends a training after an epoch if its validation error is not good enough by then.

    The error is mean squared where the method has images for targets, else the loss.
    """

    epoch: Annotated[int, Field(ge=1, le=100_000)]
    above: Annotated[float, Field(allow_inf_nan=False)]


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a training is asked for.

    Attributes
    ----------
    network : str
        Name of the network's file.
    section : Section
        Its parameters.
    noise : Noise
        Of the data.
    stream : str
        With the seed it fixes initial weights and the order of images.
    plan : Plan
        How to compute.
    patches : Patches, optional
        How patches are cut; None: whole images.
    stop : tuple of Stop
        When to give up.
    ranks : int
        Processes that train it together, of which this is one: see `denoising.compute.ranks`.
    """

    network: str
    section: Section
    method: Method
    noise: Noise
    seed: int
    stream: str
    plan: Plan
    optimizer: Optimizer
    work: Work
    patches: Patches | None = None
    stop: tuple[Stop, ...] = ()
    ranks: int = 1

    def dump(self) -> dict[str, Any]:
        """As JSON, for digests and provenance."""
        return {
            "network": {"name": self.network} | self.section.model_dump(exclude_unset=True),
            "method": self.method.model_dump(),
            "noise": self.noise.model_dump(),
            "seed": self.seed,
            "stream": self.stream,
            "precision": self.plan.precision,
            "convolutions_by_fft": list(self.plan.by_fft),
            "fused": self.plan.fused,
            "optimizer": self.optimizer.model_dump(),
            **self.work.model_dump(),
            **({"patches": self.patches.model_dump()} if self.patches else {}),
            **({"stop": [one.model_dump() for one in self.stop]} if self.stop else {}),
            **({"ranks": self.ranks} if self.ranks > 1 else {}),
        }


class Fitted(NamedTuple):
    """What came of it.

    Attributes
    ----------
    model : keras.Model
        From a noisy image to the denoised one.
    curve : list of dict
        epoch (from 1), loss and val_loss in the units of the run's loss; where the method has
        images for targets also val_mse: mean squared error on the held-out pairs.
    seconds : float
        Spent in all epochs that count, those before a kill included.
    """

    model: Any
    curve: list[dict[str, Any]]
    seconds: float


def fit(
    settings: Settings, data: Examples, checkpoints: Store, log: Callable[[str], object] = print
) -> Fitted:
    """Train one network.

    Parameters
    ----------
    checkpoints : Store
        The state after each epoch goes there, and is taken from there.
    log : callable
        Takes one line.

    Raises
    ------
    InputError
        If the loss is no longer a finite number, or the images have a size that the network does
        not take.
    """
    from denoising.compute import backend, ranks

    backend.prepare(int(rng_for(settings.seed, settings.stream).integers(2**32)))
    with ranks.distributed():
        return _fit(settings, data, checkpoints, log)


def _fit(
    settings: Settings, data: Examples, checkpoints: Store, log: Callable[[str], object]
) -> Fitted:
    from denoising.compute import backend, ranks
    from denoising.networks import base as networks

    work, method = settings.work, settings.method
    network = _network(settings, data.shape)
    given = Given(settings.noise, networks.size_multiple(network))
    model = _compiled(settings, network, given, data.shape[0])
    rng = rng_for(settings.seed, settings.stream, "validation", "method")
    held_out = data.held_out(method, given, rng)
    ranks.check_shares("images", data.shape[0], work.batch_size)
    ranks.check_shares("images that validate", len(held_out[1]), work.batch_size)
    if settings.ranks > 1:
        held_out = backend.batches_of(held_out, work.batch_size)
    machine = backend.device()[1]

    curve, seconds, before = _restore(model, checkpoints)
    if curve:
        elsewhere = f", computed on {before}" if before != machine else ""
        log(f"goes on after epoch {len(curve)} of {work.epochs}{elsewhere}")
    values = _values(model)
    started = time.perf_counter() - seconds
    with ranks.watched() as callbacks:
        ranks.check_sums(sum(value.size for value in values))
        ranks.check_alike("at the start", values, f"of epoch {len(curve)}")
        for epoch in range(len(curve), work.epochs):
            if _is_given_up(curve, settings.stop):
                log(f"given up after epoch {epoch}: its validation error is above what was asked")
                break
            rng = rng_for(settings.seed, settings.stream, epoch)
            fed = data.epoch(method, given, epoch, rng, work.batch_size)
            history = model.fit(
                **(_of_batches(fed) if settings.ranks > 1 else fed),
                shuffle=False,  # the order is drawn from the epoch's own stream
                validation_data=held_out,
                validation_batch_size=None if settings.ranks > 1 else work.batch_size,
                initial_epoch=epoch,
                epochs=epoch + 1,
                verbose=1 if sys.stdout.isatty() else 0,
                callbacks=callbacks,
            ).history
            errors = {key: history[key][0] for key in CURVE if key in history}
            curve.append({"epoch": epoch + 1} | errors)
            if not all(map(math.isfinite, (errors["loss"], errors["val_loss"]))):
                raise InputError(
                    f"diverged in epoch {epoch + 1} (loss {errors['loss']}); "
                    f"learning_rate = {work.learning_rate} is too high for it"
                )
            seconds = time.perf_counter() - started
            values = _values(model)
            ranks.check_alike(f"after epoch {epoch + 1}", values)
            checkpoints.save(State(values, curve, seconds, machine))
            log(
                f"epoch {epoch + 1} of {work.epochs}, loss {errors['loss']:.5f}, "
                f"validation loss {errors['val_loss']:.5f}, {seconds:.0f} s"
            )
    return Fitted(method.denoiser(network, given), curve, seconds)


def _of_batches(fed: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `keras.Model.fit` with batches instead of arrays."""
    from denoising.compute import backend

    if "batch_size" not in fed:
        return fed
    return {"x": backend.batches_of((fed["x"], fed["y"]), fed["batch_size"])}


def _is_given_up(curve: list[dict[str, Any]], stop: tuple[Stop, ...]) -> bool:
    last = curve[-1] if curve else {}
    error = last.get("val_mse", last.get("val_loss", 0.0))
    return any(one.epoch == len(curve) and error > one.above for one in stop)


def _network(settings: Settings, shape: tuple[int, ...]) -> Any:
    """The network with fresh weights, computed by the plan, for examples N images (H, W, C)."""
    from denoising.compute import execution
    from denoising.networks import base as networks

    _, height, width, channels = shape
    outputs = settings.method.outputs(channels)
    network = networks.build(settings.network, settings.section, channels, outputs)
    if height % (multiple := networks.size_multiple(network)) or width % multiple:
        raise InputError(
            f"images of {height} x {width} pixels: network {settings.network} needs multiples of "
            f"{multiple}"
        )
    return execution.for_training(network, settings.plan)


def _compiled(settings: Settings, network: Any, given: Given, count: int) -> Any:
    """What the method fits of a network, with a fresh optimizer, for epochs of so many examples."""
    from denoising.compute.backend import keras

    work = settings.work
    total_steps = work.epochs * -(-count // work.batch_size)
    rate: Any = work.learning_rate
    if work.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, total_steps)
    adam = settings.optimizer
    optimizer = keras.optimizers.Adam(
        rate, beta_1=adam.beta_1, beta_2=adam.beta_2, epsilon=adam.epsilon
    )
    task = settings.method.task(network, given, lambda: optimizer.iterations / total_steps)
    model = task.model
    steps = max(1, _IMAGES_PER_CALL // work.batch_size)
    model.compile(
        optimizer=optimizer, loss=task.loss, metrics=task.metrics, steps_per_execution=steps
    )
    model.optimizer.build(model.trainable_variables)
    return model


def _variables(model: Any) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _values(model: Any) -> list[np.ndarray]:
    return [np.asarray(variable) for variable in _variables(model)]


def _restore(model: Any, checkpoints: Store) -> tuple[list[dict[str, Any]], float, str]:
    """Set the model to its last state; return learning curve, seconds and machine of it."""
    variables = _variables(model)
    state = checkpoints.load(len(variables))
    if state is None:
        return [], 0.0, ""
    for variable, value in zip(variables, state.values, strict=True):
        variable.assign(value)
    return state.curve, state.seconds, state.machine

"""Fit one network: the same bytes for the same settings, however often it is killed on the way.

After every epoch the whole state (weights, optimizer, learning curve) goes to a checkpoint whose name is the digest of
everything the result depends on. Randomness is a function of (seed, run, epoch), never of what ran before, so a training
that goes on from a checkpoint ends where an undisturbed one ends.
"""

import hashlib
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np

from denoising import networks as models
from denoising.compute import backend, execution
from denoising.data import datasets
from denoising.files import InputError, read_arrays, write_arrays
from denoising.methods import losses

_IMAGES_A_CALL = 128  # between two returns to Python, which small batches would otherwise wait for


def digest(settings, by_fft, files):
    """What a training's result depends on, as one name: settings, data, code, versions, hardware.

    Parameters
    ----------
    settings : denoising.params.TrainSettings
    by_fft : list of str
        Convolutions that are computed through spectra.
    files : dict of str to str
        SHA-256 of the data file of each split.
    """
    package = Path(__file__).parent
    modules = sorted(
        (name, module.__file__)
        for name, module in sys.modules.items()
        if name.startswith("denoising") and getattr(module, "__file__", None)
    )
    code = {
        str(Path(file).relative_to(package)): hashlib.sha256(Path(file).read_bytes()).hexdigest()
        for _, file in modules
    }
    network = (
        package / "models" / f"{settings.run.model}.py"
    )  # found by name, perhaps not imported yet
    code[f"models/{network.name}"] = hashlib.sha256(network.read_bytes()).hexdigest()
    everything = [settings.model_dump(), by_fft, files, code, backend.description()]
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:16]


def train(settings, training, validation, checkpoint, by_fft=(), log=print):
    """Train one network.

    Parameters
    ----------
    settings : denoising.params.TrainSettings
        With `precision` resolved to "float32" or "bfloat16".
    training, validation : tuple (clean, noisy)
        As `denoising.datasets.read` gives them. With noisy targets that are drawn once, no clean image is looked at;
        drawing them anew every epoch needs clean images to draw from.
    checkpoint : path-like
        File that the state after each epoch is kept in, and taken from when it is there.
    by_fft : collection of str
        Convolutions to be computed through spectra.
    log : callable
        Takes one line.

    Returns
    -------
    model : keras.Model
    curve : list of dict
        epoch (from 1), loss and val_loss in the units of the run's loss, val_mse: mean squared error on the held-out pairs.
    seconds : float
        Time spent in all epochs that count, those before a kill included.

    Raises
    ------
    InputError
        If the loss is no longer a finite number.
    """
    run_seed = int(datasets.rng_for(settings.seed, settings.name).integers(2**32))
    backend.prepare(run_seed)
    model = execution.for_training(
        models.build(settings.run.model, settings.network), settings.precision, by_fft
    )
    clean, noisy = training
    held_out = datasets.pairs(*validation, settings.run.target)
    steps = max(1, _IMAGES_A_CALL // settings.batch_size)
    total_steps = settings.epochs * -(-len(clean) // settings.batch_size)
    optimizer = _optimizer(settings, total_steps)
    loss = losses.build(settings.run, settings.noise, lambda: optimizer.iterations / total_steps)
    model.compile(optimizer=optimizer, loss=loss, metrics=["mse"], steps_per_execution=steps)
    model.optimizer.build(model.trainable_variables)

    curve, seconds = _restore(model, checkpoint)
    if curve:
        log(f"{settings.name}: goes on after epoch {len(curve)} of {settings.epochs}")
    started = time.perf_counter() - seconds
    for epoch in range(len(curve), settings.epochs):
        rng = datasets.rng_for(settings.seed, settings.name, epoch)
        if settings.redraw == "every_epoch" and epoch:
            noisy = _redrawn(clean, settings, epoch)
        pairs = datasets.pairs(clean, noisy, settings.run.target, rng.permutation(len(clean)))
        history = model.fit(
            *(images[..., None] for images in pairs),
            batch_size=settings.batch_size,
            shuffle=False,  # the order is drawn above, from the epoch's own stream
            validation_data=tuple(images[..., None] for images in held_out),
            validation_batch_size=settings.batch_size,
            initial_epoch=epoch,
            epochs=epoch + 1,
            verbose=1 if sys.stdout.isatty() else 0,
        ).history
        curve.append(
            {"epoch": epoch + 1} | {key: history[key][0] for key in ("loss", "val_loss", "val_mse")}
        )
        if not np.isfinite([curve[-1]["loss"], curve[-1]["val_loss"]]).all():
            raise InputError(
                f"{settings.name}: diverged in epoch {epoch + 1} (loss {curve[-1]['loss']}); "
                f"learning_rate = {settings.learning_rate} is too high for it"
            )
        seconds = time.perf_counter() - started
        _keep(model, curve, seconds, checkpoint)
        log(
            f"{settings.name}: epoch {epoch + 1} of {settings.epochs}, loss {curve[-1]['loss']:.5f}, "
            f"validation loss {curve[-1]['val_loss']:.5f}, {seconds:.0f} s"
        )
    return model, curve, seconds


def collapse(curve, inputs, targets):
    """Why a finished training is worth nothing, or None.

    Parameters
    ----------
    curve : list of dict
        As `train` returns it.
    inputs, targets : ndarray
        The held-out pairs that its last `val_mse` was measured on.

    Returns
    -------
    str or None
        Set when the squared error is not below that of the noisy input or of the best constant image.
    """
    error = curve[-1]["val_mse"]
    noisy = float(np.mean((inputs - targets) ** 2, dtype=np.float64))
    constant = float(np.var(targets, dtype=np.float64))
    if error < min(noisy, constant):
        return None
    return f"validation MSE {error:.5f}, noisy input {noisy:.5f}, constant image {constant:.5f}"


def _optimizer(settings, total_steps):
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, total_steps)
    adam = settings.optimizer
    return keras.optimizers.Adam(rate, beta_1=adam.beta_1, beta_2=adam.beta_2, epsilon=adam.epsilon)


def _redrawn(clean, settings, epoch):
    """New noise on the training images; the stored noise is that of the first epoch."""
    clean = datasets.to_unit(clean)
    draws = range(datasets.DRAWS["train"])
    streams = (
        datasets.rng_for(settings.data_seed, settings.run.data, "train", draw, epoch)
        for draw in draws
    )
    return np.stack([settings.noise.corrupt(clean, rng).astype(np.float16) for rng in streams])


def _state(model):
    return [*model.variables, *model.optimizer.variables]


def _keep(model, curve, seconds, path):
    arrays = {
        f"variable{index}": np.asarray(variable) for index, variable in enumerate(_state(model))
    }
    write_arrays(path, history=np.array(json.dumps([curve, seconds])), **arrays)


def _restore(model, path):
    """Set the model to its last checkpoint; return its learning curve and seconds, empty and 0 when there is none."""
    if not Path(path).exists():
        return [], 0.0
    variables = _state(model)
    try:
        history, *values = read_arrays(
            path, "history", *(f"variable{index}" for index in range(len(variables)))
        )
    except InputError:
        return [], 0.0  # a damaged disk, not a kill: writes are atomic. Start again.
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return tuple(json.loads(str(history)))

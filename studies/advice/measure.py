"""Every method and filter on one case, judged by clean images.

All that train learn from the same patches in as many steps, and are told the noise as it was
diagnosed. The result of each is kept, so that a case that was killed goes on where it was, and
what a change of the code does not touch is not learned again.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import denoising
from denoising.advice.candidates import Candidate, candidates
from denoising.evaluation import filters, metrics
from denoising.files import InputError, read_json, write_json
from denoising.methods.base import Assumption
from denoising.noise.base import Noise
from denoising.sections import read_kind
from denoising.training.checkpoints import code_of
from denoising.training.examples import Arrays
from stages.shared import command, layout
from studies import images as shared
from studies import kept, learning
from studies.advice import images
from studies.advice.settings import FILE, Settings, advised_file, measured_file, validate
from studies.images import Split
from studies.learning import Learner

CHECKPOINTS = layout.CHECKPOINTS / "advice"
VALIDATION = 64  # patches, for the learning curve alone
SLOW = "zs_n2n"  # a minute an image: benchmarks/zero_shot.md has it
# what makes errors of predictions, beside what training and filters are made of
CODE = ("evaluation/metrics.py", "inference/predict.py")


def compared(noise: Noise) -> list[Candidate]:
    """What is for noisy images alone, but for what takes minutes an image.

    What puts something in place of black and white pixels is among it where noise made such.
    """
    needs = {Assumption.CLEAN, Assumption.SHOTS}
    about = noise.model_dump()
    replaced = about.get("salt") or about.get("pepper")
    return [
        one
        for one in candidates()
        if not needs & set(one.assumes) and one.uncorrected != SLOW and (replaced or not one.mends)
    ]


class Job(NamedTuple):
    """A candidate on a case.

    Attributes
    ----------
    settings : Settings
    patch : int
        Pixels of a side of what is learned from.
    candidate : Candidate
    noise : Noise
        As it was diagnosed.
    data : dict of str to Split
        Images by split.
    """

    settings: Settings
    patch: int
    candidate: Candidate
    noise: Noise
    data: dict[str, Split]

    @property
    def key(self) -> str:
        """Everything that the result depends on, as one name."""
        library = Path(denoising.__file__).parent
        settings, candidate = self.settings, self.candidate
        asked = {
            "candidate": [candidate.name, candidate.section, candidate.network],
            "network": settings.networks.get(candidate.network),
            "noise": self.noise.model_dump(),
            "optimizer": settings.optimizer.model_dump(),
            "patch": self.patch,
            "precision": settings.precision,
            "work": settings.work.model_dump(),
        }
        code = [*(library / part for part in CODE), *(library / "noise").glob("*.py")]
        if candidate.network:
            code += code_of(candidate.network, candidate.name)
        else:
            code.append(library / "evaluation/filters")
        modules = (__file__, images.__file__, shared.__file__, learning.__file__)
        pixels = [one for split in self.data.values() for part in split for one in part]
        return kept.key(asked, code, modules, pixels)

    def errors(self) -> dict[str, Any]:
        """Errors of the test images, predictions cut to [0, 1]; or why there are none.

        Where noise moves the mean, those of corrected predictions too.
        """
        test = self.data["test"]
        given, clean = np.stack(test.noisy), np.stack(test.clean)
        try:
            prediction = self._learned(given) if self.candidate.network else self._filtered(given)
        except InputError as error:
            return {"why": str(error)}
        found = {"mse": _errors(prediction, clean)}
        if self.noise.invertible and not self.noise.keeps_mean:
            found["corrected_mse"] = _errors(self.noise.debias(prediction), clean)
        return found

    def _filtered(self, given: np.ndarray) -> np.ndarray:
        return filters.read(self.candidate.section, self.candidate.name)(given)

    def _learned(self, given: np.ndarray) -> np.ndarray:
        """What a network makes of noisy images, trained on others."""
        from denoising.inference import predict

        method = read_kind("methods", self.candidate.section, "method")
        if problem := method.problem(self.noise):
            raise InputError(problem)
        settings, work = self.settings, self.settings.work
        pairs = [
            self.data["train"].patches(self.patch, count, images.STREAM, name)
            for name, count in (("train", work.patches), ("validation", VALIDATION))
        ]
        learning, held_out = ((clean, noisy[np.newaxis]) for clean, noisy in pairs)
        learner = Learner(settings.networks, settings.optimizer, work, settings.precision)
        data = Arrays(learning, held_out)
        model = learner.learn(self.candidate.network, method, self.noise, data)
        return predict.denoise(model, given, work.batch_size)


def main(content: dict[str, Any], name: str) -> None:
    """Measure one case."""
    settings = validate(content)
    noise: Noise = read_kind("noise", read_json(advised_file(name), "noise")["noise"], "noise")
    data = {split: images.of_case(settings, name, split) for split in ("train", "test")}
    patch = settings.case(name)[1].patch
    measured = {}
    candidates = compared(noise)
    twins = {one.uncorrected: one.name for one in candidates if one.corrected}
    for one in candidates:
        if one.corrected:
            continue  # it is what is corrected, learned once
        job = Job(settings, patch, one, noise, data)
        found = kept.once(CHECKPOINTS / name / f"{one.name}-{job.key}.json", job.errors)
        corrected = found.pop("corrected_mse", None)
        measured[one.name] = found
        if corrected and one.name in twins:
            measured[twins[one.name]] = {"mse": corrected}
        said = found.get("why") or f"MSE {np.mean(found['mse']):.5f}"
        command.say(f"{name}: {one.name}: {said}")
    write_json(measured_file(name), measured)


def _errors(prediction: np.ndarray, clean: np.ndarray) -> list[float]:
    """Of each image, predictions cut to [0, 1]."""
    found = metrics.mse_per_image(np.clip(prediction, 0, 1).astype(np.float32), clean)
    return [float(f"{one:.6g}") for one in found]


if __name__ == "__main__":
    command.run("studies.advice.measure", main, "case", path=FILE, check=validate)

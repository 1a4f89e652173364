"""The networks in PyTorch, layer by layer those of denoising/networks with the same parameters.

Images are (N, 1, H, W).
"""

from typing import Any

import torch
from torch import nn


def build(name: str, section: Any) -> nn.Module:
    """A network with fresh weights.

    Parameters
    ----------
    name : str
        Of the file in denoising/networks.
    section : Section
        Of params.yaml.

    Raises
    ------
    ValueError
        If the section asks for what is not written here.
    """
    activation = getattr(section, "output_activation", "linear")
    if activation != "linear":
        raise ValueError(
            f"{name}.output_activation = {activation!r}: only 'linear' is written here"
        )
    if name not in WRITTEN:
        raise ValueError(f"{name}: only {', '.join(WRITTEN)} are written here")
    return WRITTEN[name](section)


class _Residual(nn.Module):
    def __init__(self, body: nn.Module, sign: int) -> None:
        super().__init__()
        self.body, self.sign = body, sign

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images + self.sign * self.body(images).float()


def _convolution(inputs: int, outputs: int, section: Any, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, section.kernel_size, padding="same", bias=bias)


def _norm(channels: int, section: Any) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(
        channels, eps=section.batch_norm_epsilon, momentum=1 - section.batch_norm_momentum
    )


def _cnn(section: Any) -> nn.Module:
    width = section.filters
    layers: list[nn.Module] = []
    for index in range(section.depth - 1):
        layers += [_convolution(width if index else 1, width, section), nn.ReLU()]
    return nn.Sequential(*layers, _convolution(width, 1, section))


def _cae(section: Any) -> nn.Module:
    width, channels = section.filters, 1
    layers: list[nn.Module] = []

    def level() -> None:
        nonlocal channels
        for _ in range(section.convolutions_per_level):
            layers.extend([_convolution(channels, width, section), nn.ReLU()])
            channels = width

    for _ in range(section.levels):
        level()
        layers.append(nn.MaxPool2d(2))
    layers.extend([_convolution(width, section.latent_filters, section), nn.ReLU()])
    channels = section.latent_filters
    for _ in range(section.levels):
        layers.append(nn.Upsample(scale_factor=2))
        level()
    return nn.Sequential(*layers, _convolution(width, 1, section))


def _dncnn(section: Any) -> nn.Module:
    width = section.filters
    layers: list[nn.Module] = [_convolution(1, width, section), nn.ReLU()]
    for _ in range(section.depth - 2):
        layers += [
            _convolution(width, width, section, bias=False),
            _norm(width, section),
            nn.ReLU(),
        ]
    return _Residual(nn.Sequential(*layers, _convolution(width, 1, section)), -1)


def _win5rb(section: Any) -> nn.Module:
    width = section.filters
    layers: list[nn.Module] = []
    for index in range(section.depth - 1):
        layers += [
            _convolution(width if index else 1, width, section, bias=False),
            _norm(width, section),
            nn.ReLU(),
        ]
    return _Residual(
        nn.Sequential(*layers, _convolution(width, 1, section, bias=False), _norm(1, section)), 1
    )


class _UNet(nn.Module):
    """Skip connections are not a sequence of layers, so it has a `forward` of its own."""

    def __init__(self, section: Any) -> None:
        super().__init__()
        filters = [section.filters * 2**number for number in range(section.levels + 1)]

        def level(inputs: int, number: int) -> nn.Sequential:
            layers: list[nn.Module] = []
            for index in range(section.convolutions_per_level):
                given = filters[number] if index else inputs
                layers += [_convolution(given, filters[number], section), nn.ReLU()]
            return nn.Sequential(*layers)

        numbers = range(section.levels)
        self.encoders = nn.ModuleList(
            level(filters[number - 1] if number else 1, number) for number in numbers
        )
        self.bottom = level(filters[-2], section.levels)
        self.decoders = nn.ModuleList(
            level(filters[number] + filters[number + 1], number) for number in reversed(numbers)
        )
        self.output = nn.Conv2d(filters[0], 1, 1)
        self.pool, self.up = nn.MaxPool2d(2), nn.Upsample(scale_factor=2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x, skips = images, []
        for encoder in self.encoders:
            x = encoder(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottom(x)
        for decoder in self.decoders:
            x = decoder(torch.cat([skips.pop(), self.up(x)], dim=1))
        return self.output(x)


def _unet(section: Any) -> nn.Module:
    network = _UNet(section)
    return _Residual(network, 1) if section.residual else network


WRITTEN = {"cnn": _cnn, "cae": _cae, "dncnn": _dncnn, "win5rb": _win5rb, "unet": _unet}

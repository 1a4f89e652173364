"""The four networks in PyTorch, layer by layer those of denoising/models with the parameters of params.yaml."""

from torch import nn


def build(name, section):
    activation = getattr(section, "output_activation", "linear")
    if activation != "linear":
        raise ValueError(
            f"{name}.output_activation = {activation!r}: only 'linear' is written here"
        )
    return {"cnn": _cnn, "cae": _cae, "dncnn": _dncnn, "win5rb": _win5rb}[name](section)


class _Residual(nn.Module):
    def __init__(self, body, sign):
        super().__init__()
        self.body, self.sign = body, sign

    def forward(self, images):
        return images + self.sign * self.body(images).float()


def _convolution(inputs, outputs, section, bias=True):
    return nn.Conv2d(inputs, outputs, section.kernel_size, padding="same", bias=bias)


def _norm(channels, section):
    return nn.BatchNorm2d(
        channels, eps=section.batch_norm_epsilon, momentum=1 - section.batch_norm_momentum
    )


def _cnn(section):
    width, layers = section.filters, []
    for index in range(section.depth - 1):
        layers += [_convolution(width if index else 1, width, section), nn.ReLU()]
    return nn.Sequential(*layers, _convolution(width, 1, section))


def _cae(section):
    width, channels, layers = section.filters, 1, []

    def level():
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


def _dncnn(section):
    width = section.filters
    layers = [_convolution(1, width, section), nn.ReLU()]
    for _ in range(section.depth - 2):
        layers += [
            _convolution(width, width, section, bias=False),
            _norm(width, section),
            nn.ReLU(),
        ]
    return _Residual(nn.Sequential(*layers, _convolution(width, 1, section)), -1)


def _win5rb(section):
    width, layers = section.filters, []
    for index in range(section.depth - 1):
        layers += [
            _convolution(width if index else 1, width, section, bias=False),
            _norm(width, section),
            nn.ReLU(),
        ]
    return _Residual(
        nn.Sequential(*layers, _convolution(width, 1, section, bias=False), _norm(1, section)), 1
    )

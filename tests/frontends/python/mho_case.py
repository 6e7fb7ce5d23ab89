"""The library under test and the layers that several tests share."""

import os
import unittest

import torch

torch.ops.load_library(os.environ["LIBMHO_TORCH"])
ops = torch.ops.mho

CONVERTERS = "tile=balanced:16 range=given dac adc adc_mask bias"
NOISY = CONVERTERS + " weight_codes weight_noise drop_connect output_noise"
DYNAMIC = "tile=balanced:16 range=dynamic dac adc adc_mask output_noise bias"
IDEAL = "tile=balanced:0 range=none"


def scalars(inputs=127, weights=127, weight_noise=0.05, drop=0.1, output_noise=0.04, bound=10.0, outputs=127, decay=0.1, share=0.5):
    """In the order of LinearScalars::pack()."""
    return torch.tensor([inputs, weights, weight_noise, drop, output_noise, bound, outputs, decay, share])


class LayerTest(unittest.TestCase):
    def layer(self, config, shape=(5,), inputs=40, outputs=21, seed=0, gradients=True):
        """Arguments of analog_linear for a config, `save` last."""
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(*shape, inputs, generator=generator)
        weight = torch.randn(outputs, inputs, generator=generator) * 0.3
        bias = torch.randn(outputs, generator=generator) if "bias" in config else None
        beta = torch.rand(tiles(config, inputs), generator=generator) + 1 if "range=given" in config else None
        key = torch.tensor([77, 3]) if "noise" in config or "drop" in config else None
        if gradients:
            for tensor in (x, weight, bias, beta):
                if tensor is not None:
                    tensor.requires_grad_()
        return [x, weight, bias, beta, key, scalars(), config, False]


def tiles(config, inputs):
    rows = int(config.split("tile=")[1].split()[0].split(":")[1])
    return -(-inputs // rows) if rows > 0 else 1

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


EFFECT = """analog.effect @learned_clip on input(%x) params(%bound over (t) learnable, %gain over (k)) strengths(%s = 1.0) surrogate(own) {
  %high = arith.mulf %s, %bound : f32
  %low = arith.negf %high : f32
  %scaled = arith.mulf %x, %gain : f32
  %above = arith.maximumf %scaled, %low : f32
  %clipped = arith.minimumf %above, %high : f32
  analog.yield %clipped : f32
} derivative {
^bb0(%bound: f32, %gain: f32, %s: f32, %x: f32, %g: f32):
  %zero = arith.constant 0.0 : f32
  %high = arith.mulf %s, %bound : f32
  %beyond = arith.cmpf ogt, %x, %high : f32
  %passed = arith.mulf %g, %gain : f32
  %dx = arith.select %beyond, %zero, %passed : f32
  %summand = arith.select %beyond, %g, %zero : f32
  analog.yield %dx : f32 reduce(%summand : f32)
} tail {
^bb0(%sum: f32, %bound: f32, %gain: f32, %s: f32):
  analog.yield %sum : f32
}"""
WITH_EFFECT = CONVERTERS + (
    f"\neffect clip of=learned_clip at=before:dac params=tensor,tensor streams= source=13 text={len(EFFECT)}\n<effect text>{EFFECT}"
)


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

"""aihwkit-lightning and mho on the same layer: outputs, gradients of x, weight, bias and input range.

Two kinds of data. Integers, with all converter steps powers of two: both toolkits are exact in fp32, so every bit must
agree. Real values: lightning computes in double, and mho may differ by its fp32 sums; behind an output converter what these
may have put on another code is left out and counted. Noise is mho's, given to lightning.
Compared is what both define alike, lightning in torch mode: ranges per tile or per row, bounds and noise per channel, backward
with the forward's noisy weight. Not compared: its Triton mode (it adds noise to the parameter itself, and gives every tile the
sum of all range gradients), noise per tensor (mho takes the largest weight per channel), and the mask where a code is exactly
the last one and half_levels is no power of two (code * step may there exceed the bound by a rounding).
"""

import contextlib
import math
import unittest
import unittest.mock

import torch
from aihwkit_lightning.nn import AnalogLinear
from aihwkit_lightning.nn.modules.torch_utils import torch_linear
from aihwkit_lightning.simulator.configs import (
    TorchInferenceRPUConfig,
    WeightClipType,
    WeightNoiseInjectionType,
    WeightQuantizationType,
)
from mho_case import LayerTest, ops, scalars

DECAY, SHARE = 0.5, 0.25


def lightning_layer(inputs, outputs, rows, dac, adc, weight_half_levels, bound, dtype, init_from_data=0):
    config = TorchInferenceRPUConfig()
    config.mapping.max_input_size = rows
    config.clip.type = WeightClipType.LAYER_GAUSSIAN_PER_CHANNEL  # makes the bound per channel; it acts in the optimizer only
    config.clip.sigma = 2.5
    config.forward.inp_res = 2 * dac
    config.forward.out_res = 2 * adc if adc else -1
    config.forward.out_bound = bound if adc else -1
    config.forward.out_noise = 0.0
    if weight_half_levels:
        config.modifier.quantization_type = WeightQuantizationType.DISCRETIZE_PER_CHANNEL
        config.modifier.res = 2 * weight_half_levels
    config.pre_post.input_range.enable = True
    config.pre_post.input_range.init_from_data = init_from_data
    config.pre_post.input_range.decay = DECAY
    config.pre_post.input_range.input_min_percentage = SHARE
    return AnalogLinear(inputs, outputs, bias=True, rpu_config=config, dtype=dtype)


def slices(inputs, rows=16):
    """The tiles' columns; lightning cuts as `balanced` does."""
    begin = 0
    for part in torch.empty(inputs).tensor_split(-(-inputs // rows)):
        yield slice(begin, begin + len(part))
        begin += len(part)


def weight_draws(outputs, inputs, key):
    """The normal numbers of the weight noise, of a weight whose largest magnitudes are 1, at a strength of 1."""
    weight = torch.zeros(outputs, inputs)
    for tile in slices(inputs):
        weight[:, tile.start] = 1
    strengths = scalars(weight_noise=1.0)
    y = ops.analog_linear(torch.eye(inputs), weight, None, None, key, strengths, "tile=balanced:16 range=none weight_noise", False)[0]
    return y.t() - weight


def output_draws(rows, outputs, inputs, key):
    """Those of the output noise of each tile: the others have a range of 0 and so no noise."""
    weight = torch.ones(outputs, inputs)
    tiles = len(list(slices(inputs)))
    for tile in range(tiles):
        beta = torch.zeros(tiles)
        beta[tile] = 1
        config = "tile=balanced:16 range=given dac output_noise"
        yield ops.analog_linear(torch.zeros(rows, inputs), weight, None, beta, key, scalars(output_noise=1.0), config, False)[0]


class LightningTest(LayerTest):
    def run_both(self, values, dac, adc, weight_half_levels, bound, dtype, range_kind="given", noise=None):
        """[(name, mho's, lightning's)] for y and the gradients. noise: strengths of the weight's and the output's, a key."""
        x, weight, bias, beta, grad = values
        theirs = lightning_layer(x.shape[1], weight.shape[0], 16, dac, adc, weight_half_levels, bound, dtype)
        theirs.rpu_config.pre_post.input_range.dynamic = range_kind == "dynamic"
        with torch.no_grad():
            theirs.weight.copy_(weight)
            theirs.bias.copy_(bias)
            if beta is not None:
                theirs.input_range.copy_(beta)
        theirs.train()
        given, ours_too = contextlib.nullcontext(), {}
        if noise:
            of_weight, of_output, key = noise
            theirs.rpu_config.modifier.noise_type = WeightNoiseInjectionType.ADD_NORMAL_PER_CHANNEL
            theirs.rpu_config.modifier.std_dev = of_weight
            theirs.rpu_config.forward.out_noise = of_output
            theirs.rpu_config.forward.out_noise_per_channel = True
            numbers = weight_draws(*weight.shape, key)
            planes = list(output_draws(x.shape[0], *weight.shape, key))
            draws = iter([part for i, tile in enumerate(slices(x.shape[1])) for part in (numbers[:, tile], planes[i])])
            given = unittest.mock.patch.object(torch_linear, "randn_like", lambda like: next(draws).to(like.dtype).reshape(like.shape))
            ours_too = {"weight_noise": of_weight, "output_noise": of_output / math.sqrt(len(planes))}
        their_x = x.detach().clone().to(dtype).requires_grad_()
        # Lightning's clamp zeroes its incoming gradient in place; a clone keeps the leaf's own.
        with given:
            their_y = theirs(their_x * 1)
        their_y.backward(grad.to(dtype))

        config = f"tile=balanced:16 range={range_kind} dac bias"
        config += " weight_noise output_noise noisy_backward" if noise else ""
        config += " adc adc_mask" if adc else ""
        config += " weight_codes" if weight_half_levels else ""
        ours = [t.detach().clone().requires_grad_() for t in (x, weight, bias, beta) if t is not None]
        strengths = scalars(inputs=dac, weights=weight_half_levels or 1, bound=bound, outputs=adc or 1, decay=DECAY, share=SHARE, **ours_too)
        y = ops.analog_linear(*ours[:3], ours[3] if beta is not None else None, noise[2] if noise else None, strengths, config, False)[0]
        y.backward(grad)
        names = ["y", "dx", "dweight", "dbias", "drange"]
        mine = [y] + [t.grad for t in ours]
        other = [their_y, their_x.grad, theirs.weight.grad, theirs.bias.grad] + ([theirs.input_range.grad] if beta is not None else [])
        return [(n, a.detach(), b.detach().reshape(a.shape)) for n, a, b in zip(names, mine, other)]

    def integers(self, rows, inputs, outputs):
        generator = torch.Generator().manual_seed(rows * 100 + inputs)
        draw = lambda low, high, *shape: torch.randint(low, high + 1, shape, generator=generator).float()
        weight = draw(-4, 4, outputs, inputs)
        tiles = -(-inputs // 16)
        begin = 0
        for part in torch.empty(inputs).tensor_split(tiles):  # every row of every tile has the largest weight 4
            weight[:, begin] = 4
            begin += len(part)
        return draw(-10, 10, rows, inputs), weight, draw(-3, 3, outputs), torch.full((tiles,), 8.0), draw(-3, 3, rows, outputs)

    def test_integers_agree_bit_for_bit(self):
        """Range 8 of 8 half-levels, bound 4 * 8 * 4 = 128 of 64 half-levels: every step is a power of two."""
        for rows, inputs, outputs in [(1, 1, 1), (5, 16, 7), (9, 40, 21), (130, 49, 33)]:
            for weight_half_levels in (0, 4):
                values = self.integers(rows, inputs, outputs)
                for name, mine, theirs in self.run_both(values, 8, 64, weight_half_levels, 4.0, torch.float32):
                    with self.subTest(shape=(rows, inputs, outputs), weight_half_levels=weight_half_levels, tensor=name):
                        self.assertTrue(torch.equal(mine, theirs), f"largest difference {(mine - theirs).abs().max()}")

    def test_saturation_takes_part(self):
        values = self.integers(130, 49, 33)
        tight = self.run_both(values, 8, 8, 0, 0.5, torch.float32)
        wide = self.run_both(values, 8, 8, 0, 64.0, torch.float32)
        self.assertFalse(torch.equal(tight[2][1], wide[2][1]), "the bound of 0.5 masks gradients")
        for name, mine, theirs in tight:
            self.assertTrue(torch.equal(mine, theirs), name)

    def real_values(self, rows=60, inputs=49, outputs=33):
        generator = torch.Generator().manual_seed(3)
        draw = lambda *shape: torch.randn(*shape, generator=generator)
        x, weight, bias = draw(rows, inputs), draw(outputs, inputs), draw(outputs)
        return x, weight, bias, torch.tensor([1.5, 2.0, 1.0, 0.7])[: -(-inputs // 16)], draw(rows, outputs)

    def assert_near(self, results):
        """Sums of n products have an fp32 error of at most n * 2^-24 times the sum of magnitudes; n <= 130 rows or columns and
        a few more roundings: 1e-5 of the largest magnitude. DAC codes may differ where x / step is near a tie: here never."""
        for name, mine, theirs in results:
            scale = theirs.abs().max()
            self.assertGreater(scale, 0, name)
            self.assertLess((mine - theirs).abs().max() / scale, 1e-5, name)

    def test_real_values_agree_within_the_sums(self):
        self.assert_near(self.run_both(self.real_values(), 127, 0, 0, 0.0, torch.float64))

    def test_dynamic_ranges(self):
        """A range per row and tile, of one tile and of several, forward and backward; no range has a gradient."""
        for inputs in (16, 49):
            x, weight, bias, _, grad = self.real_values(inputs=inputs)
            results = self.run_both((x, weight, bias, None, grad), 127, 0, 0, 0.0, torch.float64, "dynamic")
            self.assertEqual([name for name, *_ in results], ["y", "dx", "dweight", "dbias"])
            self.assert_near(results)

    def test_noise(self):
        """Of the weight and the output, with the same numbers; dx contracts with the noisy weight of the forward pass."""
        key = torch.tensor([77, 3])
        for inputs in (16, 49):
            values = self.real_values(inputs=inputs)
            results = self.run_both(values, 127, 0, 0, 0.0, torch.float64, noise=(0.25, 0.5, key))
            self.assert_near(results)
            clean = self.run_both(values, 127, 0, 0, 0.0, torch.float64)
            for i in (0, 1):
                self.assertGreater((results[i][1] - clean[i][1]).abs().max() / clean[i][1].abs().max(), 0.05, "noise takes part")

    def test_output_converter(self):
        """An accumulator of n products has an error of at most (n + 4) * 2^-24 times the sum of magnitudes, a code of 2^-22 of
        itself (four roundings) more. Outputs of which a tile is nearer than that to a tie of two codes are left out, and their
        gradient is 0; of the others every code and every mask is the same. Steps of 2^-15 of the bound have many of them, of
        2^-6 next to none."""
        x, weight, bias, beta, grad = self.real_values()
        bound = 2.0
        for half_levels, least, most in ((64, 0.0, 0.001), (32768, 0.005, 0.5)):
            unsure = torch.zeros(grad.shape, dtype=torch.bool)
            saturated = 0
            for i, tile in enumerate(slices(x.shape[1])):
                step = beta[i].double() / 127
                codes = (x[:, tile].double().clamp(-beta[i], beta[i]) / step).round() * step
                part = weight[:, tile].double()
                sums, magnitudes = codes @ part.t(), codes.abs() @ part.abs().t()
                width = bound * beta[i].double() * part.abs().amax(1) / half_levels
                error = (part.shape[1] + 4) * 2.0**-24 * magnitudes / width
                code = sums / width
                unsure |= (code - code.floor() - 0.5).abs() <= error + 2.0**-22 * code.abs()
                saturated += int((code.abs() > half_levels + 1).sum())
            share = unsure.double().mean()
            self.assertTrue(least <= share <= most, f"{share} of the outputs are left out")
            self.assertGreater(saturated, 100)
            results = self.run_both((x, weight, bias, beta, grad.masked_fill(unsure, 0)), 127, half_levels, 0, bound, torch.float64)
            _, mine, theirs = results[0]
            self.assert_near([("y", mine[~unsure], theirs[~unsure])] + results[1:])

    def test_ranges_from_data(self):
        """Lightning's init_from_data over a few batches, one of them with an idle tile. Lightning writes its range in the
        forward pass; ours commits after the step."""
        batches, alpha, config = 4, 3.0, "tile=balanced:16 range=given dac"
        generator = torch.Generator().manual_seed(6)
        theirs = lightning_layer(40, 9, 16, 127, 0, 0, 0.0, torch.float32, init_from_data=batches)
        theirs.train()
        estimate, samples, after, count = (torch.zeros(3) for _ in range(4))
        for batch in range(batches):
            x = torch.randn(20, 40, generator=generator) * (1 + batch)
            if batch == 1:
                x[:, 14:27] = 0  # no deviation: this tile waits for the next batch
            theirs(x)
            ops.update_range_estimate(x, estimate, samples, after, count, config, alpha)
            estimate.copy_(after), samples.copy_(count)
            self.assertTrue(torch.allclose(estimate, theirs.input_range.detach(), rtol=1e-6), batch)
            self.assertEqual(samples.tolist(), theirs.input_range_update_idx.tolist())
        self.assertEqual(samples.tolist(), [4.0, 3.0, 4.0])

    def test_clipping(self):
        """The very clamp of lightning's optimizer wrapper, over the layer and per output row."""
        generator = torch.Generator().manual_seed(5)
        for kind, name in ((WeightClipType.LAYER_GAUSSIAN, "layer_std"), (WeightClipType.LAYER_GAUSSIAN_PER_CHANNEL, "row_std")):
            for sigma in (0.5, 2.5):
                theirs = lightning_layer(49, 33, 16, 127, 0, 0, 0.0, torch.float32)
                theirs.rpu_config.clip.type, theirs.rpu_config.clip.sigma = kind, sigma
                weight = torch.randn(33, 49, generator=generator)
                with torch.no_grad():
                    theirs.weight.copy_(weight)
                    theirs.clip_weights()
                    clipped = weight.clone()
                    ops.clip_weight(clipped, name, sigma)
                self.assertFalse(torch.equal(clipped, weight))
                self.assertTrue(torch.equal(clipped, theirs.weight), f"{name} at {sigma}")


if __name__ == "__main__":
    unittest.main()

"""aihwkit-lightning and mho on the same layer: outputs, gradients of x, weight, bias and input range.

Two kinds of data. Integers, with all converter steps powers of two: both toolkits are exact in fp32, so every bit must
agree. Real values without an output converter: lightning computes in double, and mho may differ by its fp32 sums.
Compared is what both define alike: no noise, ranges per tile, bounds per channel.
"""

import unittest

import torch
from aihwkit_lightning.nn import AnalogLinear
from aihwkit_lightning.simulator.configs import TorchInferenceRPUConfig, WeightClipType, WeightQuantizationType
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


class LightningTest(LayerTest):
    def run_both(self, values, dac, adc, weight_half_levels, bound, dtype):
        """[(name, mho's, lightning's)] for y and the gradients."""
        x, weight, bias, beta, grad = values
        theirs = lightning_layer(x.shape[1], weight.shape[0], 16, dac, adc, weight_half_levels, bound, dtype)
        with torch.no_grad():
            theirs.weight.copy_(weight)
            theirs.bias.copy_(bias)
            theirs.input_range.copy_(beta)
        theirs.train()
        their_x = x.detach().clone().to(dtype).requires_grad_()
        # Lightning's clamp zeroes its incoming gradient in place; a clone keeps the leaf's own.
        their_y = theirs(their_x * 1)
        their_y.backward(grad.to(dtype))

        config = "tile=balanced:16 range=given dac bias"
        config += " adc adc_mask" if adc else ""
        config += " weight_codes" if weight_half_levels else ""
        ours = [t.detach().clone().requires_grad_() for t in (x, weight, bias, beta)]
        strengths = scalars(inputs=dac, weights=weight_half_levels or 1, bound=bound, outputs=adc or 1, decay=DECAY, share=SHARE)
        y = ops.analog_linear(*ours, None, strengths, config, False)[0]
        y.backward(grad)
        names = ["y", "dx", "dweight", "dbias", "drange"]
        mine = [y] + [t.grad for t in ours]
        other = [their_y, their_x.grad, theirs.weight.grad, theirs.bias.grad, theirs.input_range.grad]
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

    def test_real_values_agree_within_the_sums(self):
        """Sums of n products have an fp32 error of at most n * 2^-24 times the sum of magnitudes; n <= 130 rows or columns and
        a few more roundings: 1e-5 of the largest magnitude. DAC codes may differ where x / step is near a tie: here never."""
        generator = torch.Generator().manual_seed(3)
        rows, inputs, outputs = 60, 49, 33
        values = (torch.randn(rows, inputs, generator=generator), torch.randn(outputs, inputs, generator=generator),
                  torch.randn(outputs, generator=generator), torch.tensor([1.5, 2.0, 1.0, 0.7]),
                  torch.randn(rows, outputs, generator=generator))
        for name, mine, theirs in self.run_both(values, 127, 0, 0, 0.0, torch.float64):
            scale = theirs.abs().max()
            self.assertLess((mine - theirs).abs().max() / scale, 1e-5, name)

    def test_dynamic_ranges(self):
        """A range per row and tile. Lightning's own loop over several tiles uses the last slice's ranges, so one tile."""
        generator = torch.Generator().manual_seed(4)
        x, weight = torch.randn(20, 16, generator=generator), torch.randn(9, 16, generator=generator)
        theirs = lightning_layer(16, 9, 16, 127, 0, 0, 0.0, torch.float64)
        theirs.rpu_config.pre_post.input_range.dynamic = True
        with torch.no_grad():
            theirs.weight.copy_(weight)
            theirs.bias.zero_()
        expected = theirs(x.double()).detach()
        y = ops.analog_linear(x, weight, None, None, None, scalars(), "tile=balanced:16 range=dynamic dac", False)[0]
        self.assertLess((y - expected).abs().max() / expected.abs().max(), 1e-5)

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

"""What the dispatcher ops refuse, and how they say it."""

import unittest

import torch
from mho_case import CONVERTERS, IDEAL, NOISY, LayerTest, ops, scalars


class ErrorTest(LayerTest):
    def check(self, pattern, layer=CONVERTERS, **changes):
        arguments = dict(zip("x weight bias input_range key scalars config save".split(), self.layer(layer, gradients=False)))
        arguments.update(changes)
        with self.assertRaisesRegex((ValueError, TypeError, NotImplementedError), pattern):
            ops.analog_linear(**arguments)

    def test_shapes(self):
        self.check(r"last dimension of x to be the weight's inputs, got x of shape \[5, 41\]", x=torch.zeros(5, 41))
        self.check(r"weight to be a matrix", weight=torch.zeros(40))
        self.check(r"bias to have shape \[21\], got \[20\]", bias=torch.zeros(20))
        self.check(r"input range to have shape \[3\], got \[4\]", input_range=torch.zeros(4))
        self.check(r"missing input range", input_range=None)
        self.check(r"missing key", layer=NOISY, key=None)
        self.check(r"scalars to be .* of 9 elements", scalars=torch.zeros(8))

    def test_types_and_devices(self):
        """Autocast is a remedy only where it casts."""
        narrow, wide = torch.bfloat16, torch.float64
        one_type = r"x and weight of one type, got {} and {}; convert one of them, or use autocast"
        self.check(one_type.format("BFloat16", "Float"), x=torch.zeros(5, 40, dtype=narrow))
        self.check(one_type.format("Float", "Half"), weight=torch.zeros(21, 40, dtype=torch.float16))
        self.check(one_type.format("Float", "Double"), weight=torch.zeros(21, 40, dtype=wide))
        self.check(r"x to be Float, Half or BFloat16, got Double; use .to\(torch.float32\)$", x=torch.zeros(5, 40, dtype=wide))
        self.check(r"bias to be Float, got BFloat16; use .to\(torch.float32\)$", bias=torch.zeros(21, dtype=narrow))
        self.check(r"bias to be Float, got Double; use .to\(torch.float32\)$", bias=torch.zeros(21, dtype=wide))
        self.check(r"input range to be Float, got BFloat16; use .to\(torch.float32\)$", input_range=torch.zeros(3, dtype=narrow))
        self.check(r"key to be Long, got Int$", layer=NOISY, key=torch.zeros(2, dtype=torch.int32))
        self.check(r"SparseCPU", x=torch.zeros(5, 40).to_sparse())

    def test_configs(self):
        self.check(r"unknown word 'adcc'", config=CONVERTERS + " adcc")
        self.check(r"adc is relative to the input range", config="tile=balanced:16 range=none adc bias")
        self.check(r"expected step to be from 0 to 4294967295, got -1", layer=NOISY, key=torch.tensor([1, -1]))

    def test_strengths(self):
        """Those that an effect of the layer reads; a strength that nothing reads may be anything."""
        for change, pattern in (
            (dict(inputs=0), "input_half_levels = 0 is impossible; allowed: 1 to 8"),
            (dict(inputs=7.5), "input_half_levels = 7.5 is impossible; expected a whole number"),
            (dict(weights=-1), "weight_half_levels = -1"),
            (dict(outputs=float("inf")), "output_half_levels = inf"),
            (dict(weight_noise=-0.1), "weight_noise = -0.1 is impossible; allowed: 0 to"),
            (dict(drop=2), "drop_probability = 2 is impossible; allowed: 0 to 1"),
            (dict(output_noise=float("nan")), "output_noise = nan"),
            (dict(bound=0), "output_bound = 0"),
            (dict(decay=-1), "range_decay = -1"),
            (dict(share=1.5), "range_share = 1.5"),
        ):
            self.check(pattern, layer=NOISY, scalars=scalars(**change))
            ops.analog_linear(*self.layer(IDEAL)[:5], scalars(**change), IDEAL, False)


class ClipWeightTest(unittest.TestCase):
    def test_opcheck(self):
        checks = ("test_schema", "test_autograd_registration", "test_faketensor", "test_aot_dispatch_static", "test_aot_dispatch_dynamic")
        for kind in ("none", "layer_std", "row_std", "fixed"):
            torch.library.opcheck(ops.clip_weight.default, (torch.randn(5, 40), kind, 1.5, 0.5), test_utils=checks)

    def test_errors_name_the_arguments(self):
        for device in ("cpu", "meta"):
            weight = torch.ones(5, 40, device=device)
            for arguments, pattern in (
                (("std",), "kind = 'std' is impossible; expected one of none, layer_std, row_std, fixed"),
                (('none", "clip_sigma": "x',), "kind = 'none\", "),
                (("row_std", -1.0), "sigma = -1 is impossible; expected a positive number"),
                (("layer_std", float("nan")), "sigma = nan is impossible"),
                (("fixed", 2.5, 0.0), "value = 0 is impossible"),
            ):
                with self.subTest(arguments=arguments, device=device), self.assertRaisesRegex(ValueError, pattern):
                    ops.clip_weight(weight, *arguments)
            with self.assertRaisesRegex(TypeError, "floating type, got Int"):
                ops.clip_weight(weight.int(), "fixed")
            with self.assertRaisesRegex(ValueError, "row_std needs a weight"):
                ops.clip_weight(weight[0, 0], "row_std")

    def test_what_a_kind_does_not_use_is_not_refused(self):
        for kind, sigma, value in (("none", -1.0, -1.0), ("layer_std", 2.5, -1.0), ("row_std", 2.5, 0.0), ("fixed", -1.0, 0.5)):
            ops.clip_weight(torch.randn(5, 40), kind, sigma, value)


if __name__ == "__main__":
    unittest.main()

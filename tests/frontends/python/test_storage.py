"""x, weight and y of 16 bits: the numbers of float32, rounded once; types; what torch asks of an op."""

import unittest

import torch
from mho_case import CONVERTERS, DYNAMIC, NOISY, WITH_EFFECT, LayerTest, ops
from test_ops import CHECKS

TYPES = (torch.float16, torch.bfloat16)

# Its derivative needs the accumulators again.
BEND = """analog.effect @bend on tile(%y) surrogate(derived) {
  %t = math.tanh %y : f32
  analog.yield %t : f32
}"""
BENT = CONVERTERS + f"\neffect bend of=bend at=before:adc params= streams= source=4 text={len(BEND)}\ntext{BEND}"


class StorageTest(LayerTest):
    def stored(self, config, dtype, gradients=True, **sizes):
        """The layer's arguments, x, weight and bias of a type."""
        arguments = self.layer(config, gradients=False, **sizes)
        for place in (0, 1, 2):
            if arguments[place] is not None:
                arguments[place] = arguments[place].to(dtype)
        for place in (0, 1, 2, 3):
            if gradients and arguments[place] is not None:
                arguments[place].requires_grad_()
        return arguments

    def test_opcheck(self):
        for dtype in TYPES:
            with self.subTest(dtype=dtype):
                torch.library.opcheck(ops.analog_linear.default, self.stored(NOISY, dtype), test_utils=CHECKS)
                x, weight, bias, beta, key, strengths, config, _ = self.stored(DYNAMIC, dtype, gradients=False)
                y, saturation, row_range = ops.analog_linear(x, weight, bias, beta, key, strengths, config, True)
                self.assertEqual(row_range.dtype, torch.float32)
                rest = x, weight, beta, key, strengths, saturation, row_range, config, [True, True, True, False]
                torch.library.opcheck(ops.analog_linear_backward.default, (torch.ones_like(y), *rest), test_utils=CHECKS)

    def results(self, arguments, grad):
        """y, then the gradients of what requires one."""
        y = ops.analog_linear(*arguments)[0]
        wanted = [t for t in arguments[:4] if t is not None]
        return [y, *torch.autograd.grad(y, wanted, grad.to(y.dtype))]

    def test_numbers_are_those_of_float32_rounded_once(self):
        for dtype, others in zip(TYPES, (DYNAMIC, BENT)):
            for config in (NOISY, others):
                with self.subTest(dtype=dtype, config=config):
                    arguments = self.stored(config, dtype, shape=(70,), inputs=300, outputs=33)
                    wide = [t.detach().float().requires_grad_() if t is not None else None for t in arguments[:4]]
                    grad = torch.randn(70, 33, generator=torch.Generator().manual_seed(5)).to(dtype)
                    for own, expected in zip(self.results(arguments, grad), self.results(wide + arguments[4:], grad)):
                        self.assertTrue(torch.equal(own, expected.to(own.dtype)))

    def test_types(self):
        """Gradients have the types of what they are the gradients of; a bias may stay float32, a range does."""
        for dtype in TYPES:
            arguments = self.stored(NOISY, dtype)
            arguments[2] = arguments[2].detach().float().requires_grad_()
            y = ops.analog_linear(*arguments)[0]
            gradients = torch.autograd.grad(y, arguments[:4], torch.ones_like(y))
            self.assertEqual([t.dtype for t in (y, *gradients)], [dtype, dtype, dtype, torch.float32, torch.float32])
            y = ops.analog_linear(*arguments)[0]
            (dbias,) = torch.autograd.grad(y, arguments[2], torch.ones_like(y))
            self.assertTrue(torch.equal(dbias, torch.full((21,), 5.0)))

    def test_gradient_of_another_type(self):
        x, weight, bias, beta, key, strengths, config, _ = self.stored(NOISY, torch.float16, gradients=False)
        y, saturation, row_range = ops.analog_linear(x, weight, bias, beta, key, strengths, config, True)
        with self.assertRaisesRegex(TypeError, "expected grad to be Half, got Float"):
            ops.analog_linear_backward(y.float(), x, weight, beta, key, strengths, saturation, row_range, config, [True] * 4)

    def test_shapes_and_strides(self):
        for dtype in TYPES:
            x, *rest = self.stored(NOISY, dtype, gradients=False, shape=(2, 3))
            y = ops.analog_linear(x, *rest)[0]
            self.assertEqual((y.shape, y.dtype), ((2, 3, 21), dtype))
            spread = torch.stack([x, x], dim=-1).select(-1, 0)
            self.assertTrue(torch.equal(ops.analog_linear(spread, *rest)[0], y))
            empty = ops.analog_linear(x[:0], *rest)[0]
            self.assertEqual((empty.shape, empty.dtype), ((0, 3, 21), dtype))

    def test_effects_that_are_text_stay_float32(self):
        arguments = self.stored(CONVERTERS, torch.bfloat16)
        tensors = [torch.full((3,), 1.5), torch.ones(40)]
        strengths = torch.cat([arguments[5], torch.ones(1)])
        y = ops.analog_linear(*arguments[:5], strengths, WITH_EFFECT, False, tensors)[0]
        self.assertEqual(y.dtype, torch.bfloat16)
        with self.assertRaisesRegex(TypeError, "to be Float, got BFloat16"):
            ops.analog_linear(*arguments[:5], strengths, WITH_EFFECT, False, [t.bfloat16() for t in tensors])

    def test_autocast_trains_float32_parameters(self):
        for dtype in TYPES:
            x, weight, bias, beta, *rest = self.layer(NOISY)
            with torch.autocast("cpu", dtype=dtype):
                y = ops.analog_linear(x, weight, bias, beta, *rest)[0]
            self.assertEqual(y.dtype, dtype)
            y.float().square().sum().backward()
            for tensor in (x, weight, bias, beta):
                self.assertEqual(tensor.grad.dtype, torch.float32)
                self.assertTrue(tensor.grad.abs().sum() > 0)


if __name__ == "__main__":
    unittest.main()

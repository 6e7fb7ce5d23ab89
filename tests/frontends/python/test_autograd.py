"""The derivatives of analog_linear as torch's autograd sees them: which are computed, what is kept, what is refused."""

import math
import unittest

import torch
from mho_case import CONVERTERS, IDEAL, NOISY, LayerTest, ops, scalars
from torch.utils._python_dispatch import TorchDispatchMode

WITHOUT_BIAS = CONVERTERS.replace(" bias", "")
WITHOUT_RANGE = IDEAL + " bias"


class BackwardSpy(TorchDispatchMode):
    """Keeps the argument `wanted` of every analog_linear_backward."""

    def __init__(self):
        super().__init__()
        self.wanted = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is ops.analog_linear_backward.default:
            self.wanted.append([bool(w) for w in args[9]])
        return func(*args, **(kwargs or {}))


class GradientTest(LayerTest):
    def test_only_what_is_asked_for_is_computed(self):
        """All operands require a gradient; autograd.grad asks for some."""
        for config in (CONVERTERS, WITHOUT_BIAS, WITHOUT_RANGE, IDEAL, NOISY):
            arguments = self.layer(config)
            there = [i for i in range(4) if arguments[i] is not None]
            y = ops.analog_linear(*arguments)[0]
            every = torch.autograd.grad(y.sum(), [arguments[i] for i in there], retain_graph=True)
            for asked in range(1, 1 << len(there)):
                places = [i for n, i in enumerate(there) if asked >> n & 1]
                with self.subTest(config=config, places=places):
                    with BackwardSpy() as spy:
                        some = torch.autograd.grad(y.sum(), [arguments[i] for i in places], retain_graph=True)
                    self.assertEqual(spy.wanted, [[i in places for i in range(4)]])
                    for place, gradient in zip(places, some):
                        self.assertTrue(torch.equal(gradient, every[there.index(place)]))

    def test_backward_with_inputs(self):
        arguments = self.layer(CONVERTERS)
        with BackwardSpy() as spy:
            ops.analog_linear(*arguments)[0].sum().backward(inputs=[arguments[1]])
        self.assertEqual(spy.wanted, [[False, True, False, False]])
        self.assertEqual([t.grad is None for t in arguments[:4]], [True, False, True, True])

    def test_only_what_requires_a_gradient_is_computed(self):
        for wanted in range(16):
            x, weight, bias, beta, *rest = self.layer(CONVERTERS, gradients=False)
            tensors = [x, weight, bias, beta]
            asked = [bool(wanted >> i & 1) for i in range(4)]
            for tensor, requires in zip(tensors, asked):
                tensor.requires_grad_(requires)
            with BackwardSpy() as spy:
                y = ops.analog_linear(*tensors, *rest)[0]
                self.assertEqual(y.requires_grad, wanted != 0)
                if wanted:
                    y.sum().backward()
            self.assertEqual(spy.wanted, [asked] if wanted else [])
            self.assertEqual([t.grad is not None for t in tensors], asked)

    def test_range_gradient_is_zero_where_nothing_clips(self):
        arguments = self.layer(CONVERTERS)
        arguments[3] = torch.full((3,), 100.0, requires_grad=True)
        arguments[5] = scalars(decay=0.0)
        ops.analog_linear(*arguments)[0].sum().backward()
        self.assertTrue(torch.equal(arguments[3].grad, torch.zeros(3)))

    def test_recompute_draws_the_same(self):
        """The key is drawn inside what is recomputed: torch restores the generator, the layer must follow it."""

        def grads(checkpointed):
            x, weight, bias, beta, _, *rest = arguments = self.layer(NOISY)

            def run(x):
                key = torch.zeros(2, dtype=torch.long)
                key[0].random_()
                return ops.analog_linear(x, weight, bias, beta, key, *rest)[0].relu()

            torch.manual_seed(6)
            y = torch.utils.checkpoint.checkpoint(run, x, use_reentrant=False) if checkpointed else run(x)
            y.pow(2).sum().backward()
            return [tensor.grad for tensor in arguments[:4]]

        for plain, recomputed in zip(grads(False), grads(True)):
            self.assertTrue(torch.equal(plain, recomputed))

    def test_saved_for_backward(self):
        """Nothing of the size of the outputs per tile is kept: x, W, vectors, and one bit per accumulator."""
        sizes = []
        arguments = self.layer(NOISY, shape=(64,), inputs=160, outputs=96)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.nbytes) or t, lambda t: t):
            ops.analog_linear(*arguments)
        x, weight, accumulators = 64 * 160 * 4, 96 * 160 * 4, 10 * 64 * 96
        self.assertLessEqual(sum(sizes), x + weight + accumulators // 8 + 200)


class RefusalTest(LayerTest):
    def test_second_derivative_is_an_error(self):
        arguments = self.layer(CONVERTERS)
        (dx,) = torch.autograd.grad(ops.analog_linear(*arguments)[0].sum(), arguments[0], create_graph=True)
        with self.assertRaisesRegex(NotImplementedError, "no second derivative"):
            dx.sum().backward()

    def test_forward_mode_is_an_error(self):
        """Not a derivative of zero in silence."""
        for place in range(4):
            for gradients in (False, True):
                arguments = self.layer(CONVERTERS, gradients=gradients)
                with torch.autograd.forward_ad.dual_level():
                    tangent = torch.ones_like(arguments[place])
                    arguments[place] = torch.autograd.forward_ad.make_dual(arguments[place], tangent)
                    with self.assertRaisesRegex(NotImplementedError, "forward-mode"):
                        ops.analog_linear(*arguments)

    def test_scalars_have_no_gradient(self):
        arguments = self.layer(CONVERTERS)
        arguments[5].requires_grad_()
        with self.assertRaisesRegex(ValueError, "scalars have no gradient"):
            ops.analog_linear(*arguments)


class RangeEstimateTest(LayerTest):
    def buffers(self):
        return [torch.zeros(3) for _ in range(4)]

    def test_never_joins_a_graph(self):
        x = torch.randn(8, 40, requires_grad=True)
        buffers = self.buffers()
        ops.update_range_estimate(x, *buffers, CONVERTERS, 3.0)
        self.assertEqual([b.requires_grad for b in buffers], [False] * 4)
        self.assertTrue((buffers[2] > 0).all())

    def test_narrow_types_are_estimated_in_float32(self):
        x = torch.randn(64, 40, generator=torch.Generator().manual_seed(1))
        for dtype in (torch.bfloat16, torch.float16):
            narrow, wide = self.buffers(), self.buffers()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                ops.update_range_estimate(x.to(dtype), *narrow, CONVERTERS, 3.0)
            ops.update_range_estimate(x.to(dtype).float(), *wide, CONVERTERS, 3.0)
            self.assertTrue(torch.equal(narrow[2], wide[2]), dtype)

    def test_what_is_not_finite_does_not_enter(self):
        x = torch.randn(8, 40)
        x[0, 0], x[3, 20] = torch.nan, torch.inf  # tiles 0 and 1 of three
        estimate, samples = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0, 1.0])
        after, count = torch.empty(3), torch.empty(3)
        ops.update_range_estimate(x, estimate, samples, after, count, CONVERTERS, 3.0)
        self.assertEqual((after[:2].tolist(), count.tolist()), ([1.0, 2.0], [4.0, 5.0, 2.0]))
        self.assertAlmostEqual(after[2].item(), ((3 + 3 * x[:, 27:].std()) / 2).item(), places=5)

    def test_errors(self):
        for place, name in enumerate(("estimate", "samples", "next_estimate", "next_samples")):
            buffers = self.buffers()
            buffers[place] = torch.zeros(2)
            with self.assertRaisesRegex(ValueError, f"expected {name} to have shape .3., got .2."):
                ops.update_range_estimate(torch.randn(8, 40), *buffers, CONVERTERS, 3.0)
            buffers[place] = torch.zeros(3, dtype=torch.bfloat16)
            with self.assertRaisesRegex(TypeError, f"expected {name} to be Float, got BFloat16"):
                ops.update_range_estimate(torch.randn(8, 40), *buffers, CONVERTERS, 3.0)
            buffers[place] = torch.zeros(3, device="meta")
            with self.assertRaisesRegex(ValueError, f"expected {name} on cpu as x, got meta"):
                ops.update_range_estimate(torch.randn(8, 40), *buffers, CONVERTERS, 3.0)
        for alpha in (math.nan, math.inf, 0.0, -1.0):
            with self.assertRaisesRegex(ValueError, "expected alpha to be finite and above 0"):
                ops.update_range_estimate(torch.randn(8, 40), *self.buffers(), CONVERTERS, alpha)


if __name__ == "__main__":
    unittest.main()

"""The dispatcher ops as torch sees them: schemas, autograd, meta tensors, autocast, errors."""

import unittest

import torch
from mho_case import CONVERTERS, DYNAMIC, IDEAL, NOISY, LayerTest, ops, scalars

CONFIGS = [IDEAL, CONVERTERS, NOISY, DYNAMIC]
CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor", "test_aot_dispatch_static", "test_aot_dispatch_dynamic")


class OpTest(LayerTest):
    def backward_arguments(self, config):
        x, weight, bias, beta, key, strengths, config, _ = self.layer(config, gradients=False)
        y, saturation, row_range = ops.analog_linear(x, weight, bias, beta, key, strengths, config, True)
        wanted = [True, True, bias is not None, beta is not None]
        return torch.ones_like(y), x, weight, beta, key, strengths, saturation, row_range, config, wanted

    def test_opcheck_forward(self):
        for config in CONFIGS:
            for shape in ((5,), (2, 3)):
                with self.subTest(config=config, shape=shape):
                    torch.library.opcheck(ops.analog_linear.default, self.layer(config, shape), test_utils=CHECKS)

    def test_opcheck_backward(self):
        for config in CONFIGS:
            with self.subTest(config=config):
                torch.library.opcheck(ops.analog_linear_backward.default, self.backward_arguments(config), test_utils=CHECKS)

    def test_opcheck_range_estimate(self):
        buffers = [torch.zeros(3) for _ in range(4)]
        torch.library.opcheck(ops.update_range_estimate.default, (torch.randn(5, 40), *buffers, CONVERTERS, 3.0))

    def test_clip_weight(self):
        for kind in ("none", "layer_std", "row_std", "fixed"):
            torch.library.opcheck(ops.clip_weight.default, (torch.randn(5, 40), kind, 1.5, 0.5), test_utils=CHECKS)
        with self.assertRaisesRegex(Exception, "expected one of none, layer_std, row_std, fixed"):
            ops.clip_weight(torch.randn(5, 40), "std")
        with self.assertRaisesRegex(Exception, "clip_sigma = -1 is impossible"):
            ops.clip_weight(torch.randn(5, 40), "row_std", -1.0)

    def test_gradients_only_where_asked(self):
        for wanted in range(16):
            x, weight, bias, beta, *rest = self.layer(CONVERTERS, gradients=False)
            tensors = [x, weight, bias, beta]
            for i, tensor in enumerate(tensors):
                tensor.requires_grad_(bool(wanted >> i & 1))
            y = ops.analog_linear(*tensors, *rest)[0]
            self.assertEqual(y.requires_grad, wanted != 0)
            if wanted:
                y.sum().backward()
            for i, tensor in enumerate(tensors):
                self.assertEqual(tensor.grad is not None, bool(wanted >> i & 1), f"tensor {i} of {wanted:04b}")

    def test_second_derivative_is_an_error(self):
        arguments = self.layer(CONVERTERS)
        (dx,) = torch.autograd.grad(ops.analog_linear(*arguments)[0].sum(), arguments[0], create_graph=True)
        with self.assertRaisesRegex(NotImplementedError, "no second derivative"):
            dx.sum().backward()

    def test_range_gradient_is_zero_where_nothing_clips(self):
        arguments = self.layer(CONVERTERS)
        arguments[3] = torch.full((3,), 100.0, requires_grad=True)
        arguments[5] = scalars(decay=0.0)
        ops.analog_linear(*arguments)[0].sum().backward()
        self.assertTrue(torch.equal(arguments[3].grad, torch.zeros(3)))

    def test_modes(self):
        arguments = self.layer(NOISY)
        with torch.no_grad():
            expected = ops.analog_linear(*arguments)[0]
            self.assertFalse(expected.requires_grad)
        with torch.inference_mode():
            self.assertTrue(torch.equal(ops.analog_linear(*arguments)[0], expected))
        torch.use_deterministic_algorithms(True)
        try:
            self.assertTrue(torch.equal(ops.analog_linear(*arguments)[0], expected))
        finally:
            torch.use_deterministic_algorithms(False)

    def test_recompute_draws_the_same(self):
        def grads(checkpointed):
            arguments = self.layer(NOISY)
            run = lambda x: ops.analog_linear(x, *arguments[1:])[0].relu()
            y = torch.utils.checkpoint.checkpoint(run, arguments[0], use_reentrant=False) if checkpointed else run(arguments[0])
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

    def test_autocast(self):
        arguments = self.layer(CONVERTERS, gradients=False)
        expected = ops.analog_linear(*arguments)[0]
        half = [t.bfloat16() for t in arguments[:3]]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = ops.analog_linear(*half, *arguments[3:])[0]
        self.assertEqual(y.dtype, torch.float32)
        self.assertTrue(torch.equal(y, ops.analog_linear(*[t.float() for t in half], *arguments[3:])[0]))
        self.assertFalse(torch.equal(y, expected))

    def test_meta(self):
        arguments = self.layer(NOISY, shape=(2, 7), gradients=False)
        on_meta = [a.to("meta") if isinstance(a, torch.Tensor) else a for a in arguments]
        y, saturation, _ = ops.analog_linear(*on_meta[:-1], True)
        self.assertEqual((y.shape, saturation.shape), ((2, 7, 21), (3, 14, 1)))

    def test_strides(self):
        for config in CONFIGS:
            arguments = self.layer(config, shape=(6,), gradients=False)
            expected = ops.analog_linear(*arguments)[0]
            arguments[0] = arguments[0].t().contiguous().t()
            arguments[1] = torch.stack([arguments[1], arguments[1]], dim=-1)[..., 0]
            self.assertTrue(torch.equal(ops.analog_linear(*arguments)[0], expected))

    def test_empty_and_vector_inputs(self):
        arguments = self.layer(CONVERTERS, shape=(0,))
        y = ops.analog_linear(*arguments)[0]
        self.assertEqual(y.shape, (0, 21))
        y.sum().backward()
        self.assertTrue(torch.equal(arguments[1].grad, torch.zeros(21, 40)))
        x = self.layer(CONVERTERS, shape=(1,), gradients=False)
        matrix = ops.analog_linear(*x)[0]
        self.assertTrue(torch.equal(ops.analog_linear(x[0][0], *x[1:])[0], matrix[0]))


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
        self.check(r"x to be Float, got Double; use .to\(torch.float32\), or autocast", x=torch.zeros(5, 40, dtype=torch.float64))
        self.check(r"key to be Long, got Int", layer=NOISY, key=torch.zeros(2, dtype=torch.int32))
        self.check(r"SparseCPU", x=torch.zeros(5, 40).to_sparse())

    def test_configs(self):
        self.check(r"unknown word 'adcc'", config=CONVERTERS + " adcc")
        self.check(r"adc is relative to the input range", config="tile=balanced:16 range=none adc bias")
        self.check(r"expected step to be from 0 to 4294967295, got -1", layer=NOISY, key=torch.tensor([1, -1]))


if __name__ == "__main__":
    unittest.main()

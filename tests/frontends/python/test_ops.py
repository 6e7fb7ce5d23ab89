"""The dispatcher ops as torch sees them: schemas, modes, meta tensors, autocast, strides, threads."""

import unittest

import torch
from mho_case import CONVERTERS, DYNAMIC, IDEAL, NOISY, WITH_EFFECT, LayerTest, ops, scalars

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

    def test_autocast(self):
        """x, weight and bias are cast to its type, whatever theirs is."""
        arguments = self.layer(CONVERTERS, gradients=False)
        for dtype in (torch.bfloat16, torch.float16):
            expected = ops.analog_linear(*[t.to(dtype) for t in arguments[:3]], *arguments[3:])[0]
            self.assertEqual(expected.dtype, dtype)
            with torch.autocast("cpu", dtype=dtype):
                self.assertTrue(torch.equal(ops.analog_linear(*arguments)[0], expected))
                mixed = [arguments[0].to(dtype), *arguments[1:]]
                self.assertTrue(torch.equal(ops.analog_linear(*mixed)[0], expected))

    def test_autocast_leaves_range_and_key(self):
        """A range of another type is an error as without autocast, and so is such a key."""
        arguments = self.layer(NOISY, gradients=False)
        for place, pattern in ((3, "input range to be Float, got BFloat16"), (4, "key to be Long, got BFloat16")):
            changed = list(arguments)
            changed[place] = changed[place].bfloat16()
            with torch.autocast("cpu", dtype=torch.bfloat16), self.assertRaisesRegex(TypeError, pattern):
                ops.analog_linear(*changed)

    def test_strides(self):
        """Every operand with strides of its own: outputs and gradients as of contiguous ones."""
        spread = lambda t: torch.stack([t, t], dim=-1).mul_(torch.tensor([1, 3])).select(-1, 0)
        for config in CONFIGS:
            *operands, save = self.layer(config, shape=(6,), gradients=False)
            x, weight, bias, beta, key, strengths, _ = operands
            strided = [x.t().contiguous().t(), *(t if t is None else spread(t) for t in (weight, bias, beta, key))]
            results = []
            for tensors in ([x, weight, bias, beta, key], strided):
                leaves = [t if t is None else t.detach().requires_grad_() for t in tensors[:4]]
                y = ops.analog_linear(*leaves, tensors[4], strengths, config, save)[0]
                wanted = [t for t in leaves if t is not None]
                results.append([y, *torch.autograd.grad(y.sin().sum(), wanted)])
            for plain, other in zip(*results):
                self.assertTrue(torch.equal(plain, other), config)

    def test_strided_key(self):
        for config in (NOISY, DYNAMIC):
            x, weight, bias, beta, _, *rest = self.layer(config, gradients=False)
            key = torch.tensor([77, 99, 3, 99])[::2]
            draws = [ops.analog_linear(x, weight, bias, beta, k, *rest)[0] for k in (key, key.contiguous())]
            self.assertFalse(key.is_contiguous())
            self.assertTrue(torch.equal(*draws))

    def test_threads(self):
        """The bits do not depend on the number of threads."""
        before = torch.get_num_threads()
        results = []
        try:
            for threads in (1, 2):
                torch.set_num_threads(threads)
                arguments = self.layer(NOISY, shape=(300,), inputs=150, outputs=130)
                y = ops.analog_linear(*arguments)[0]
                y.square().sum().backward()
                results.append([y, *(t.grad for t in arguments[:4])])
        finally:
            torch.set_num_threads(before)
        for one, two in zip(*results):
            self.assertTrue(torch.equal(one, two))

    def test_nan_reaches_the_output(self):
        """A NaN in a row of x makes NaN of that row of y, one in a row of W of that column, and of no more; backward too."""
        for config in CONFIGS:
            with self.subTest(config=config):
                arguments = self.layer(config, shape=(5,))
                with torch.no_grad():
                    arguments[0][2, 20] = arguments[1][7, 3] = torch.nan
                expected = torch.zeros(5, 21, dtype=torch.bool)
                expected[2], expected[:, 7] = True, True
                y = ops.analog_linear(*arguments)[0]
                self.assertTrue(torch.equal(y.isnan(), expected))
                grad = torch.ones(5, 21)
                grad[1, 4] = torch.nan
                (dx,) = torch.autograd.grad(y, arguments[:1], grad)
                self.assertTrue(dx[1].isnan().any())
                self.assertTrue(dx[:, :14].isnan().any(dim=1).all(), "every row meets the NaN of W in the first tile")

    def test_empty_and_vector_inputs(self):
        arguments = self.layer(CONVERTERS, shape=(0,))
        y = ops.analog_linear(*arguments)[0]
        self.assertEqual(y.shape, (0, 21))
        y.sum().backward()
        self.assertTrue(torch.equal(arguments[1].grad, torch.zeros(21, 40)))
        x = self.layer(CONVERTERS, shape=(1,), gradients=False)
        matrix = ops.analog_linear(*x)[0]
        self.assertTrue(torch.equal(ops.analog_linear(x[0][0], *x[1:])[0], matrix[0]))


class EffectTest(LayerTest):
    """Effects that are text: their tensors and strengths through the op."""

    def arguments(self, gradients=True, **kwargs):
        arguments = self.layer(WITH_EFFECT, gradients=gradients, **kwargs)
        arguments[5] = torch.cat([scalars(), torch.tensor([0.5])])
        bound, gain = torch.tensor([1.0, 2.0, 4.0], requires_grad=gradients), torch.full((40,), 2.0)
        return [*arguments, [bound, gain]]

    def test_opcheck(self):
        for shape in ((5,), (2, 3)):
            torch.library.opcheck(ops.analog_linear.default, self.arguments(shape=shape), test_utils=CHECKS)
        x, weight, bias, beta, key, strengths, config, _, effects = self.arguments(gradients=False)
        y, *kept = ops.analog_linear(x, weight, bias, beta, key, strengths, config, True, effects)
        arguments = (torch.ones_like(y), x, weight, beta, key, strengths, *kept, config, [True] * 4, effects, [0])
        torch.library.opcheck(ops.analog_linear_backward.default, arguments, test_utils=CHECKS)

    def test_gradient(self):
        """With the clip ahead of the layer in torch's own operations."""
        arguments = self.arguments()
        x, weight, bias, beta, key, _, _, save, (bound, gain) = arguments
        y = ops.analog_linear(*arguments)[0]
        sizes = torch.tensor([14, 13, 13])
        high = 0.5 * bound.detach().repeat_interleave(sizes)
        clipped = (x.detach() * gain).clamp(-high, high).requires_grad_()
        expected = ops.analog_linear(clipped, weight, bias, beta, key, scalars(), CONVERTERS, save)[0]
        self.assertTrue(torch.equal(y, expected))
        grad = torch.randn(y.shape, generator=torch.Generator().manual_seed(3))
        (through,) = torch.autograd.grad(expected, [clipped], grad)
        dx, dbound = torch.autograd.grad(y, [x, bound], grad)
        beyond = x.detach() > high
        self.assertTrue(torch.equal(dx, torch.where(beyond, 0, through * gain)))
        sums = [part.sum() for part in torch.where(beyond, through, 0).split(sizes.tolist(), dim=1)]
        self.assertTrue(torch.allclose(dbound, torch.stack(sums), rtol=1e-5, atol=1e-5))

    def test_errors(self):
        *arguments, (bound, gain) = self.arguments(gradients=False)
        for tensors, pattern in (
            ([], "expected 2 tensors of effects, got 0"),
            ([bound, gain[1:]], r"expected clip.gain to have shape \[40\], got \[39\]"),
            ([bound[1:], gain], r"expected clip.bound to have shape \[3\], got \[2\]"),
        ):
            with self.assertRaisesRegex(ValueError, pattern):
                ops.analog_linear(*arguments, tensors)
        with self.assertRaisesRegex(TypeError, "clip.bound to be Float, got Double"):
            ops.analog_linear(*arguments, [bound.double(), gain])
        with self.assertRaisesRegex(ValueError, "on cpu as x, got meta"):
            ops.analog_linear(*arguments, [bound.to("meta"), gain])
        arguments[5] = scalars()
        with self.assertRaisesRegex(ValueError, "CPU tensor of 10 elements"):
            ops.analog_linear(*arguments, [bound, gain])
        arguments[5] = torch.cat([scalars(), torch.tensor([torch.inf])])
        with self.assertRaisesRegex(ValueError, "the strength clip.s = inf is impossible"):
            ops.analog_linear(*arguments, [bound, gain])


class MetaTest(LayerTest):
    def on_meta(self, config, **kwargs):
        return [a.to("meta") if isinstance(a, torch.Tensor) else a for a in self.layer(config, gradients=False, **kwargs)]

    def test_meta(self):
        arguments = self.on_meta(NOISY, shape=(2, 7))
        y, saturation, _ = ops.analog_linear(*arguments[:-1], True)
        self.assertEqual((y.shape, saturation.shape), ((2, 7, 21), (3, 14, 1)))

    def test_scalars_may_stay_on_the_cpu(self):
        arguments = self.on_meta(CONVERTERS)
        arguments[5] = scalars()
        self.assertEqual(ops.analog_linear(*arguments)[0].shape, (5, 21))

    def test_all_on_one_device(self):
        """A single meta operand would make a result without values of real data."""
        real, meta = self.layer(NOISY, gradients=False), self.on_meta(NOISY)
        for place, name in enumerate(("x", "weight", "bias", "input range", "key", "scalars")):
            for arguments, other in ((real, meta), (meta, real)):
                if name == "scalars" and arguments is meta:
                    continue
                mixed = list(arguments)
                mixed[place] = other[place]
                with self.subTest(name=name, device=other[place].device):
                    with self.assertRaisesRegex(ValueError, "one device|scalars to be"):
                        ops.analog_linear(*mixed)

    def test_checks_as_with_data(self):
        for place, wrong, pattern in (
            (0, torch.empty(5, 41), "last dimension of x"),
            (2, torch.empty(20), r"bias to have shape \[21\], got \[20\]"),
            (3, torch.empty(4), r"input range to have shape \[3\], got \[4\]"),
            (4, torch.empty(3, dtype=torch.long), r"key to have shape \[2\], got \[3\]"),
            (0, torch.empty(5, 40, dtype=torch.double), "x to be Float, Half or BFloat16, got Double"),
        ):
            for arguments in (self.layer(NOISY, gradients=False), self.on_meta(NOISY)):
                arguments[place] = wrong.to(arguments[1].device)
                with self.subTest(pattern=pattern, device=arguments[1].device):
                    with self.assertRaisesRegex((ValueError, TypeError), pattern):
                        ops.analog_linear(*arguments)

    def test_backward(self):
        for arguments in (self.layer(CONVERTERS, gradients=False), self.on_meta(CONVERTERS)):
            x, weight, _, beta, key, strengths, config, _ = arguments
            _, *kept = ops.analog_linear(*arguments[:-1], True)
            run = lambda grad: ops.analog_linear_backward(grad, x, weight, beta, key, strengths, *kept, config, [True] * 4)
            self.assertEqual([g.shape for g in run(torch.empty(5, 21, device=x.device))[:4]], [(5, 40), (21, 40), (21,), (3,)])
            with self.assertRaisesRegex(ValueError, r"grad to have the shape of y, got \[5, 20\]"):
                run(torch.empty(5, 20, device=x.device))


if __name__ == "__main__":
    unittest.main()

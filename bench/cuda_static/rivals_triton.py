"""The same layers as Triton kernels, in the strongest form that we could write.

What makes them strong: tiles known at compile time, sizes that need no masks, offsets that are scalars in k, rounding by
adding 1.5 * 2^23. Noise is Philox4x32-10 with eight normals of 16-bit uniforms for each call, made by the fast
instructions (lg2, sqrt, sin, cos .approx); the accumulator is split so that a thread's eight values of a call need no
exchange between threads. They are faster to compute than the table Gaussian of SPEC.md, and their bits are not its.
"""
import triton
import triton.language as tl


@triton.jit
def fast(x, NAME: tl.constexpr):
    return tl.inline_asm_elementwise(NAME + ".approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1)


@triton.jit
def multiply_wide(a, factor):
    product = a.to(tl.uint64) * factor
    return (product >> 32).to(tl.uint32), product.to(tl.uint32)


@triton.jit
def philox(c0, c1, c2, c3, key):
    """Ten rounds on four words."""
    k0 = (key & 0xFFFFFFFF).to(tl.uint32)
    k1 = (key >> 32).to(tl.uint32)
    for _ in tl.static_range(10):
        high0, low0 = multiply_wide(c0, 0xD2511F53)
        high1, low1 = multiply_wide(c2, 0xCD9E8D57)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 = k0 + 0x9E3779B9
        k1 = k1 + 0xBB67AE85
    return c0, c1, c2, c3


@triton.jit
def two_normals(word):
    """Box and Muller's, of the two halves of a word as numbers made of mantissa bits."""
    u = 2.0 - ((word & 0xFFFF) << 7 | 0x3F800000).to(tl.float32, bitcast=True)
    v = ((word >> 9) & 0x7FFF80 | 0x3F800000).to(tl.float32, bitcast=True)
    radius = fast(fast(u, "lg2") * -1.3862943611, "sqrt")
    angle = v * 6.2831853072
    return radius * fast(angle, "cos"), radius * fast(angle, "sin")


@triton.jit
def split_rows(x, M: tl.constexpr, N: tl.constexpr):
    """Rows r and r + 8 of every sixteen."""
    return tl.split(tl.permute(tl.reshape(x, (M // 16, 2, 8, N)), (0, 2, 3, 1)))


@triton.jit
def split_columns(x, M: tl.constexpr, N: tl.constexpr):
    """Columns c and c + 8 of every sixteen."""
    return tl.split(tl.permute(tl.reshape(x, (M // 16, 8, N // 16, 2, 8), can_reorder=False), (0, 1, 2, 4, 3)))


@triton.jit
def split_pairs(x, M: tl.constexpr, N: tl.constexpr):
    """Even and odd columns."""
    return tl.split(tl.reshape(x, (M // 16, 8, N // 16, 4, 2)))


@triton.jit
def convert(sums, scale, step):
    """The ADC: rounds and clamps."""
    x = sums * scale
    x = tl.minimum(tl.maximum((x + 12582912.0) - 12582912.0, -127.0), 127.0)
    return x * step


@triton.jit
def contract(x, w, start, sums, K, KT: tl.constexpr, BK: tl.constexpr):
    for k in range(0, KT, BK):
        sums = tl.dot(tl.load(x + (start + k)), tl.load(w + (start + k)), sums)
    return sums


@triton.jit
def adc(X, W, Y, M, N, K, scale, step, sigma, key, BM: tl.constexpr, BN: tl.constexpr, KT: tl.constexpr, BK: tl.constexpr):
    rows = tl.program_id(1) * BM + tl.arange(0, BM)
    columns = tl.program_id(0) * BN + tl.arange(0, BN)
    x = X + rows[:, None] * K + tl.arange(0, BK)[None, :]
    w = W + columns[None, :] * K + tl.arange(0, BK)[:, None]
    total = tl.zeros((BM, BN), tl.float32)
    for start in range(0, K, KT):
        sums = contract(x, w, start, tl.zeros((BM, BN), tl.float32), K, KT, BK)
        total += convert(sums, scale, step)
    tl.store(Y + rows[:, None] * N + columns[None, :], total.to(tl.float16))


@triton.jit
def eight_parts(sums, M: tl.constexpr, N: tl.constexpr):
    a, b = split_rows(sums, M, N)
    a0, a1 = split_columns(a, M, N)
    b0, b1 = split_columns(b, M, N)
    a00, a01 = split_pairs(a0, M, N)
    a10, a11 = split_pairs(a1, M, N)
    b00, b01 = split_pairs(b0, M, N)
    b10, b11 = split_pairs(b1, M, N)
    return a00, a01, a10, a11, b00, b01, b10, b11


@triton.jit
def output_noise(X, W, Y, M, N, K, scale, step, sigma, key, BM: tl.constexpr, BN: tl.constexpr, KT: tl.constexpr, BK: tl.constexpr):
    rows = tl.program_id(1) * BM + tl.arange(0, BM)
    columns = tl.program_id(0) * BN + tl.arange(0, BN)
    x = X + rows[:, None] * K + tl.arange(0, BK)[None, :]
    w = W + columns[None, :] * K + tl.arange(0, BK)[:, None]
    row8 = (tl.program_id(1) * BM + 16 * tl.arange(0, BM // 16))[:, None, None, None] + tl.arange(0, 8)[None, :, None, None]
    column8 = (tl.program_id(0) * BN + 16 * tl.arange(0, BN // 16))[None, None, :, None] + 2 * tl.arange(0, 4)[None, None, None, :]
    total = tl.zeros((BM, BN), tl.float32)
    t0, t1, t2, t3, t4, t5, t6, t7 = eight_parts(total, BM, BN)
    for start in range(0, K, KT):
        sums = contract(x, w, start, tl.zeros((BM, BN), tl.float32), K, KT, BK)
        s0, s1, s2, s3, s4, s5, s6, s7 = eight_parts(sums, BM, BN)
        zero = tl.zeros_like(s0).to(tl.uint32)
        w0, w1, w2, w3 = philox(column8.to(tl.uint32) + zero, row8.to(tl.uint32) + zero, zero + start.to(tl.uint32), zero, key)
        n0, n1 = two_normals(w0)
        n2, n3 = two_normals(w1)
        n4, n5 = two_normals(w2)
        n6, n7 = two_normals(w3)
        t0 += convert(s0 + sigma * n0, scale, step)
        t1 += convert(s1 + sigma * n1, scale, step)
        t2 += convert(s2 + sigma * n2, scale, step)
        t3 += convert(s3 + sigma * n3, scale, step)
        t4 += convert(s4 + sigma * n4, scale, step)
        t5 += convert(s5 + sigma * n5, scale, step)
        t6 += convert(s6 + sigma * n6, scale, step)
        t7 += convert(s7 + sigma * n7, scale, step)
    y = Y + row8 * N + column8
    tl.store(y, t0.to(tl.float16))
    tl.store(y + 1, t1.to(tl.float16))
    tl.store(y + 8, t2.to(tl.float16))
    tl.store(y + 9, t3.to(tl.float16))
    tl.store(y + 8 * N, t4.to(tl.float16))
    tl.store(y + 8 * N + 1, t5.to(tl.float16))
    tl.store(y + 8 * N + 8, t6.to(tl.float16))
    tl.store(y + 8 * N + 9, t7.to(tl.float16))


@triton.jit
def weight_noise(X, W, Y, M, N, K, scale, step, sigma, key, BM: tl.constexpr, BN: tl.constexpr, KT: tl.constexpr, BK: tl.constexpr):
    rows = tl.program_id(1) * BM + tl.arange(0, BM)
    columns = tl.program_id(0) * BN + tl.arange(0, BN)
    x = X + rows[:, None] * K + tl.arange(0, BK)[None, :]
    w = W + columns[:, None] * K + tl.arange(0, BK)[None, :]
    zero = tl.zeros((BN, BK // 8), tl.uint32)
    total = tl.zeros((BM, BN), tl.float32)
    for start in range(0, K, KT):
        sums = tl.zeros((BM, BN), tl.float32)
        for k in range(0, KT, BK):
            call = ((start + k) // 8 + tl.arange(0, BK // 8)).to(tl.uint32)
            w0, w1, w2, w3 = philox(call[None, :] + zero, columns.to(tl.uint32)[:, None] + zero, zero, zero, key)
            n0, n1 = two_normals(w0)
            n2, n3 = two_normals(w1)
            n4, n5 = two_normals(w2)
            n6, n7 = two_normals(w3)
            noise = tl.join(tl.join(tl.join(n0, n4), tl.join(n2, n6)), tl.join(tl.join(n1, n5), tl.join(n3, n7)))
            noise = (sigma * tl.reshape(noise, (BN, BK))).to(tl.float16)
            sums = tl.dot(tl.load(x + (start + k)), tl.trans(tl.load(w + (start + k)) + noise), sums)
        total += convert(sums, scale, step)
    tl.store(Y + rows[:, None] * N + columns[None, :], total.to(tl.float16))


@triton.jit
def dx(G, X, W, D, M, N, K, limit, gain, BM: tl.constexpr, BN: tl.constexpr, KT: tl.constexpr, BK: tl.constexpr):
    """The gradient of the input: zero where the input lay beyond its range. KT: columns that are contracted."""
    rows = tl.program_id(1) * BM + tl.arange(0, BM)
    columns = tl.program_id(0) * BN + tl.arange(0, BN)
    g = G + rows[:, None] * N + tl.arange(0, BK)[None, :]
    w = W + tl.arange(0, BK)[:, None] * K + columns[None, :]
    sums = tl.zeros((BM, BN), tl.float32)
    for n in range(0, N, BK):
        sums = tl.dot(tl.load(g + n), tl.load(w + n * K), sums)
    at = rows[:, None] * K + columns[None, :]
    x = tl.load(X + at).to(tl.float32)
    tl.store(D + at, tl.where(tl.abs(x) <= limit, sums * gain, 0.0).to(tl.float16))


@triton.jit
def dw(G, X, W, D, M, N, K, limit, gain, BM: tl.constexpr, BN: tl.constexpr, KT: tl.constexpr, BK: tl.constexpr):
    """The gradient of the weight: of inputs that are clamped to their range and rounded to 8 bits."""
    rows = tl.program_id(1) * BM + tl.arange(0, BM)
    columns = tl.program_id(0) * BN + tl.arange(0, BN)
    g = G + tl.arange(0, BK)[None, :] * N + rows[:, None]
    x = X + tl.arange(0, BK)[:, None] * K + columns[None, :]
    sums = tl.zeros((BM, BN), tl.float32)
    for m in range(0, M, BK):
        code = tl.load(x + m * K).to(tl.float32)
        code = (tl.minimum(tl.maximum(code, -limit), limit) * gain + 12582912.0) - 12582912.0
        sums = tl.dot(tl.load(g + m * N), code.to(tl.float16), sums)
    tl.store(D + rows[:, None] * K + columns[None, :], (sums * (limit / 127.0)).to(tl.float16))

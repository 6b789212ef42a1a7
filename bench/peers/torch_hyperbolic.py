#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peer of `etalon bench hyperbolic`: layers of the Poincare ball in PyTorch, single precision.

The fully connected layer of hyperbolic neural networks++ and midpoint batch norm by the gyrovector
formulas, from tangents at 0 to tangents at 0 as the layers of Poincare ResNets are, curvature
-0.1, by automatic differentiation.  Prints one JSON line with microseconds of processor time
of each pass.

    torch_hyperbolic.py [--sizes 64,128,256,512] [--batch 128] [--seconds 0.3] [--threads 1]
"""
import argparse
import json
import time

from peer import need

torch = need("torch", "PyTorch")

C = 0.1
S = C**0.5


def norm(x):
    return x.norm(dim=-1, keepdim=True).clamp_min(1e-15)


def inner(x, y):
    return (x * y).sum(-1, keepdim=True)


def project(x):
    length, most = norm(x), (1 - 4e-3) / S
    return torch.where(length > most, x / length * most, x)


def exp0(v):
    length = S * norm(v)
    return project(torch.tanh(length) / length * v)


def log0(x):
    length = S * norm(x)
    return torch.atanh(length.clamp(max=1 - 1e-7)) / length * x


def plus(x, y):
    xy, x2, y2 = inner(x, y), inner(x, x), inner(y, y)
    top = (1 + 2 * C * xy + C * y2) * x + (1 - C * x2) * y
    return top / (1 + 2 * C * xy + C * C * x2 * y2).clamp_min(1e-15)


def factor(x):
    return 2 / (1 - C * inner(x, x)).clamp_min(1e-15)


def exp_at(x, v):
    length = S * norm(v)
    return project(plus(x, torch.tanh(length * factor(x) / 2) / length * v))


def log_at(x, y):
    m = plus(-x, y)
    length = S * norm(m)
    return 2 / factor(x) * torch.atanh(length.clamp(max=1 - 1e-7)) / length * m


def gyration(u, v, w):
    u2, v2, uv, uw, vw = inner(u, u), inner(v, v), inner(u, v), inner(u, w), inner(v, w)
    a = -C * C * uw * v2 + C * vw + 2 * C * C * uv * vw
    b = -C * C * vw * u2 - C * uw
    return w + 2 * (a * u + b * v) / (1 + 2 * C * uv + C * C * u2 * v2).clamp_min(1e-15)


def connected(v, z, r):
    x = exp0(v)
    lam, size = factor(x), z.norm(dim=0).clamp_min(1e-15)
    u = S * lam / size * (x @ z) * torch.cosh(2 * S * r) - (lam - 1) * torch.sinh(2 * S * r)
    w = torch.sinh(2 * size * torch.asinh(u)) / S
    return log0(project(w / (1 + (1 + C * inner(w, w)).sqrt())))


def batch_norm(v, shift, gain):
    x = exp0(v)
    lam = factor(x)
    m = (lam * x).sum(0, keepdim=True) / (lam - 1).sum(0, keepdim=True)
    m = m / (1 + (1 - C * inner(m, m)).sqrt())
    moved = plus(-m, x)
    away = 2 / S * torch.atanh((S * norm(moved)).clamp(max=1 - 1e-7))
    scale = (gain / ((away * away).mean() + 1e-6)).sqrt()
    b = exp0(shift)
    carried = gyration(b, -m, log_at(m, x)) * factor(m) / factor(b)
    return log0(exp_at(b, scale * carried))


def processor_us(run, seconds):
    run()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.process_time()
        run()
        times.append(1e6 * (time.process_time() - start))
    return sorted(times)[len(times) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="64,128,256,512")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    found = {"torch": torch.__version__, "batch": arguments.batch}
    for n in map(int, arguments.sizes.split(",")):
        v = torch.randn(arguments.batch, n) / n**0.5
        weight = torch.randn(arguments.batch, n)
        z = torch.randn(n, n) / (2 * n * n) ** 0.5
        r, shift = 0.1 * torch.randn(n), 0.1 * torch.randn(1, n)
        gain = torch.ones(())
        for leaf in (v, z, r, shift, gain):
            leaf.requires_grad_()

        def both(layer, leaves):
            torch.autograd.grad((layer(*leaves) * weight).sum(), leaves)

        def forward():
            with torch.no_grad():
                connected(v, z, r)

        found[f"forward_{n}"] = processor_us(forward, arguments.seconds)
        found[f"both_{n}"] = processor_us(lambda: both(connected, (v, z, r)), arguments.seconds)
        found[f"norm_{n}"] = processor_us(
            lambda: both(batch_norm, (v, shift, gain)), arguments.seconds
        )
    print(json.dumps(found))


if __name__ == "__main__":
    main()

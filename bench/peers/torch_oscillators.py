#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peer of `etalon bench dynamics`: coupled phase oscillators in PyTorch, single precision.

dphi_i/dt = b_i + sum_j J_ij sin(phi_j - phi_i) for a batch, by two matrix products for each of the
four slopes of a Runge-Kutta step.  Prints one JSON line with million oscillator steps per second.

    torch_oscillators.py [--n 256] [--batch 256] [--steps 100] [--seconds 2] [--threads 2]
"""
import argparse
import json
import time

from peer import need

torch = need("torch", "PyTorch")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    n, dt = arguments.n, 0.05
    coupling = torch.full((n, n), 1.0 / n)
    coupling.fill_diagonal_(0)
    frequency = torch.rand(arguments.batch, n) - 0.5
    start_phase = 6.28 * torch.rand(n)

    def slope(phase):
        s, c = torch.sin(phase), torch.cos(phase)
        return frequency + c * (s @ coupling) - s * (c @ coupling)

    def run():
        phase = start_phase.expand(arguments.batch, n)
        for _ in range(arguments.steps):
            k1 = slope(phase)
            k2 = slope(phase + dt / 2 * k1)
            k3 = slope(phase + dt / 2 * k2)
            k4 = slope(phase + dt * k3)
            phase = phase + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return torch.cos(phase), torch.sin(phase)

    passes = 0
    with torch.inference_mode():
        run()
        start = time.perf_counter()
        while time.perf_counter() - start < arguments.seconds:
            run()
            passes += 1
        elapsed = time.perf_counter() - start
    rate = passes * arguments.batch * arguments.steps * n / elapsed / 1e6
    print(json.dumps({"million_per_s": rate, "n": n, "threads": arguments.threads}))


if __name__ == "__main__":
    main()

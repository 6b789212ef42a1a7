#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peer of `etalon bench waves`: steps of the damped scalar wave equation in PyTorch, forward only.

convolution  the Laplacian is conv2d with a 3 x 3 kernel, coefficients of damping are formed in every
             step: how a differentiable simulator is usually written
slices       the same update from five slices with coefficients formed once, out of place, as
             differentiation needs it
in_place     the same without any allocation, which cannot be differentiated

Single precision, one thread, no gradients recorded.  Time is processor time.  Prints one JSON line.

    torch_wave.py [--cells 256] [--seconds 1]
"""
import argparse
import json
import time

from peer import need

torch = need("torch", "PyTorch")


def rate(step, cells, seconds):
    for _ in range(5):
        step()
    steps = 0
    start = time.process_time()
    while time.process_time() - start < seconds:
        step()
        steps += 1
    return 1e-6 * cells * steps / (time.process_time() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    torch.manual_seed(1)
    n = arguments.cells
    dt = 1.0
    courant2 = 0.2 + 0.06 * torch.rand(1, 1, n, n)
    side = torch.arange(n, dtype=torch.float32)
    side = torch.minimum(side, side.flip(0))
    inwards = torch.minimum(side[:, None], side[None, :])
    damping = 0.1 * torch.clamp(1 - inwards / 20, min=0)[None, None] ** 4
    kernel = torch.tensor([[[[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]]])

    waves = {"now": torch.rand(1, 1, n, n), "before": torch.rand(1, 1, n, n)}

    def convolution():
        now, before = waves["now"], waves["before"]
        laplacian = torch.nn.functional.conv2d(now, kernel, padding=1)
        scale = 1 / (1 / dt**2 + damping / dt)
        after = scale * (
            2 / dt**2 * now - (1 / dt**2 - damping / dt) * before + courant2 * laplacian
        )
        waves["now"], waves["before"] = after, now

    gain = (courant2 / (1 + damping))[0, 0].contiguous()
    keep = ((1 - damping) / (1 + damping))[0, 0].contiguous()
    centre = 1 + keep - 4 * gain
    plain = {"now": torch.zeros(n + 2, n + 2), "before": torch.rand(n, n)}
    plain["now"][1:-1, 1:-1] = torch.rand(n, n)

    def slices():
        u = plain["now"]
        inner = u[1:-1, 1:-1]
        total = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
        after = centre * inner + gain * total - keep * plain["before"]
        plain["now"], plain["before"] = torch.nn.functional.pad(after, (1, 1, 1, 1)), inner

    framed = [torch.zeros(n + 2, n + 2), torch.zeros(n + 2, n + 2)]
    framed[0][1:-1, 1:-1] = torch.rand(n, n)
    total = torch.empty(n, n)

    def in_place():
        u, y = framed
        torch.add(u[:-2, 1:-1], u[2:, 1:-1], out=total)
        total.add_(u[1:-1, :-2]).add_(u[1:-1, 2:]).mul_(gain)
        y[1:-1, 1:-1].mul_(keep).neg_().add_(total).addcmul_(centre, u[1:-1, 1:-1])
        framed.reverse()

    print(
        json.dumps(
            {
                "convolution_mcells_per_s": rate(convolution, n * n, arguments.seconds),
                "slices_mcells_per_s": rate(slices, n * n, arguments.seconds),
                "in_place_mcells_per_s": rate(in_place, n * n, arguments.seconds),
                "cells": n,
                "torch": torch.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()

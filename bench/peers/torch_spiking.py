#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peer of `etalon bench spiking`: training steps of a spiking network in PyTorch.

784-512-512-10, leaky neurons with soft reset, tau = 1.1 steps, threshold 1, triangle surrogate,
batch 128, SGD, 20 % input spikes that are made beforehand, single precision, one thread.

sltt  the membrane of the step before is detached, backward in every step
bptt  outputs are judged in every step, one backward at the end

Prints one JSON line: processor milliseconds per training step.

    torch_spiking.py [--steps 4,10,25,50,100] [--repeats 3]
"""
import argparse
import json
import os
import statistics
import time

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from peer import need  # noqa: E402

torch = need("torch", "PyTorch")

BATCH = 128
SIZES = [784, 512, 512, 10]
KEEP = 1 - 1 / 1.1


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return (z > 0).float()

    @staticmethod
    def backward(ctx, grad):
        (z,) = ctx.saved_tensors
        return grad * torch.clamp(1 - z.abs(), min=0)


def train_step(layers, optimiser, x, label, whole):
    optimiser.zero_grad(set_to_none=True)
    membranes = [torch.zeros(BATCH, layer.out_features) for layer in layers[:-1]]
    total = 0
    for frame in x:
        h = frame
        for i, layer in enumerate(layers[:-1]):
            before = membranes[i] if whole else membranes[i].detach()
            u = KEEP * before + layer(h)
            h = Spike.apply(u - 1)
            membranes[i] = u - h
        loss = torch.nn.functional.cross_entropy(layers[-1](h), label) / len(x)
        if whole:
            total = total + loss
        else:
            loss.backward()
    if whole:
        total.backward()
    optimiser.step()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", default="4,10,25,50,100")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(1)
    layers = [torch.nn.Linear(a, b, bias=False) for a, b in zip(SIZES, SIZES[1:])]
    for layer, gain in zip(layers, (1.2, 2.5, 1.0)):
        torch.nn.init.normal_(layer.weight, std=gain / layer.in_features**0.5)
    optimiser = torch.optim.SGD([layer.weight for layer in layers], lr=1e-3)
    label = torch.randint(0, 10, (BATCH,))
    result = {}
    for steps in (int(text) for text in arguments.steps.split(",")):
        x = (torch.rand(steps, BATCH, SIZES[0]) < 0.2).float()
        for rule in ("sltt", "bptt"):
            times = []
            for _ in range(arguments.repeats + 1):
                start = time.process_time()
                train_step(layers, optimiser, x, label, rule == "bptt")
                times.append(1e3 * (time.process_time() - start))
            result[f"{rule}_{steps}"] = statistics.median(times[1:])
    print(json.dumps(result))


if __name__ == "__main__":
    main()

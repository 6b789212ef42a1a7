#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peer of `etalon bench train`: the same local-ce training in PyTorch.

Two stages, 784-1000-1000.  Each stage: dense, ReLU, its own linear head to 10 classes, softmax
cross-entropy, Adam; no gradient crosses from a stage to the one before (its input is detached).
Random data, so nothing is read.  Prints one JSON line.

    torch_train.py [--seconds 5] [--threads 2] [--batch 128]
"""
import argparse
import json
import time

from peer import need

torch = need("torch", "PyTorch")


class Stage(torch.nn.Module):
    def __init__(self, n_in, n_out, n_classes, rate):
        super().__init__()
        self.dense = torch.nn.Linear(n_in, n_out)
        self.head = torch.nn.Linear(n_out, n_classes)
        self.optimiser = torch.optim.Adam(self.parameters(), lr=rate)

    def train_batch(self, x, label):
        h = torch.relu(self.dense(x))
        loss = torch.nn.functional.cross_entropy(self.head(h), label)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return h.detach()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    stages = [Stage(784, 1000, 10, 1e-3), Stage(1000, 1000, 10, 1e-3)]
    n = 8192
    x = torch.rand(n, 784)
    label = torch.randint(0, 10, (n,))

    def step(i):
        first = i * arguments.batch % (n - arguments.batch + 1)
        h = x[first : first + arguments.batch]
        y = label[first : first + arguments.batch]
        for stage in stages:
            h = stage.train_batch(h, y)

    for i in range(5):  # warm-up: allocator, threads, optimiser state
        step(i)
    steps = 0
    start = time.perf_counter()
    while time.perf_counter() - start < arguments.seconds:
        step(steps)
        steps += 1
    elapsed = time.perf_counter() - start
    print(
        json.dumps(
            {
                "samples_per_s": steps * arguments.batch / elapsed,
                "seconds": elapsed,
                "threads": arguments.threads,
                "batch": arguments.batch,
                "torch": torch.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()

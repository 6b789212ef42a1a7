#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peer of `etalon bench waves`: Meep on the same grid, 2-D Ez in a medium of varying speed with PML.

Meep's fields are double precision Ez, Hx and Hy; one thread.  Time is processor time.  Prints one
JSON line.

    meep_wave.py [--cells 1024] [--seconds 2]
"""
import argparse
import json
import time

from peer import need

meep = need("meep", "Meep")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=1024)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()

    meep.verbosity(0)
    n = arguments.cells
    resolution = 20  # cells per unit of length
    size = n / resolution
    block = meep.Block(
        size=meep.Vector3(size / 2, size / 2), material=meep.Medium(epsilon=1.2)
    )
    simulation = meep.Simulation(
        cell_size=meep.Vector3(size, size),
        resolution=resolution,
        boundary_layers=[meep.PML(1.0)],  # 20 cells
        geometry=[block],
        eps_averaging=False,
        sources=[
            meep.Source(
                meep.GaussianSource(frequency=1.0, fwidth=0.5),
                component=meep.Ez,
                center=meep.Vector3(size / 5, size / 7),
            )
        ],
    )
    simulation.init_sim()
    fields = simulation.fields
    for _ in range(3):
        fields.step()
    steps = 0
    start = time.process_time()
    while time.process_time() - start < arguments.seconds:
        fields.step()
        steps += 1
    elapsed = time.process_time() - start
    print(
        json.dumps(
            {
                "mcells_per_s": 1e-6 * n * n * steps / elapsed,
                "cells": n,
                "meep": meep.__version__,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()

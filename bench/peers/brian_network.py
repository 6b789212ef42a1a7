#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Peer of `etalon bench spiking`: the COBA or CUBA network in Brian 2, compiled standalone mode.

4000 neurons, connectivity 0.02, steps of 0.1 ms, spikes recorded, one thread.  Brian writes and
compiles a C++ program (a minute or so) in a folder, where later calls find it and only run it.
Prints one JSON line: million synaptic events per second of the clock while the network runs, mean
rate, and the mean over neurons of the coefficient of variation of the intervals between spikes.

    brian_network.py --model coba --folder DIR [--n 4000] [--seconds 2]
"""
import argparse
import glob
import json
import os
import subprocess
import sys

from peer import need


def build(arguments):
    brian = need("brian2", "Brian 2")
    ms, mV = brian.ms, brian.mV
    brian.set_device("cpp_standalone", build_on_run=False)
    n, excitatory = arguments.n, int(0.8 * arguments.n)
    scope = {"taum": 20 * ms, "taue": 5 * ms, "taui": 10 * ms, "Vt": -50 * mV, "Vr": -60 * mV}
    if arguments.model == "coba":
        scope.update(El=-60 * mV, Ee=0 * mV, Ei=-80 * mV, we=0.6, wi=6.7)
        equations = """dv/dt = (El - v + ge*(Ee - v) + gi*(Ei - v))/taum : volt (unless refractory)
                       dge/dt = -ge/taue : 1
                       dgi/dt = -gi/taui : 1"""
        method = "exponential_euler"
        initial = {"v": "El + (5*randn() - 5)*mV", "ge": "1.5*randn() + 4", "gi": "12*randn() + 20"}
    else:
        scope.update(El=-49 * mV, we=60 * 0.27 / 10 * mV, wi=-20 * 4.5 / 10 * mV)
        equations = """dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
                       dge/dt = -ge/taue : volt
                       dgi/dt = -gi/taui : volt"""
        method = "exact"
        initial = {"v": "Vr + rand()*(Vt - Vr)"}
    neurons = brian.NeuronGroup(n, equations, threshold="v > Vt", reset="v = Vr", method=method,
                                refractory=5 * ms, namespace=scope)
    for name, value in initial.items():
        setattr(neurons, name, value)
    excite = brian.Synapses(neurons[:excitatory], neurons, on_pre="ge += we", namespace=scope)
    excite.connect(p=80 / n)
    inhibit = brian.Synapses(neurons[excitatory:], neurons, on_pre="gi += wi", namespace=scope)
    inhibit.connect(p=80 / n)
    monitor = brian.SpikeMonitor(neurons, name="spikes")
    network = brian.Network(neurons, excite, inhibit, monitor)
    network.run(arguments.seconds * brian.second)
    brian.device.build(directory=arguments.folder, compile=True, run=False)


def result(arguments, pattern, kind):
    import numpy
    names = sorted(glob.glob(os.path.join(arguments.folder, "results", pattern)))
    return numpy.concatenate([numpy.fromfile(name, kind) for name in names])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=["coba", "cuba"], default="coba")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--n", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()

    numpy = need("numpy", "NumPy")
    if not os.path.exists(os.path.join(arguments.folder, "main")):
        build(arguments)
    subprocess.run(["./main"], cwd=arguments.folder, check=True, stdout=sys.stderr)
    with open(os.path.join(arguments.folder, "results", "last_run_info.txt")) as info:
        elapsed = float(info.read().split()[0])
    neuron = result(arguments, "_dynamic_array_spikes_i*", numpy.int32)
    time = result(arguments, "_dynamic_array_spikes_t*", numpy.float64)
    spikes = numpy.bincount(neuron, minlength=arguments.n)
    degree = len(result(arguments, "_dynamic_array_synapses*__synaptic_post*", numpy.int32))
    variation = []
    for i in numpy.flatnonzero(spikes > 10):
        interval = numpy.diff(time[neuron == i])
        variation.append(interval.std() / interval.mean())
    print(json.dumps({"mevents_per_s": len(neuron) * degree / arguments.n / elapsed / 1e6,
                      "rate_Hz": len(neuron) / arguments.n / arguments.seconds,
                      "variation": float(numpy.mean(variation)) if variation else None,
                      "seconds_per_s": elapsed / arguments.seconds}))


if __name__ == "__main__":
    main()

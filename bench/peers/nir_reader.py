#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second reader of NIR files, by h5py and the rules that the format's reference reader applies.

  nir_reader.py make FILE          writes a file as h5py writes it: all node types but Conv1d, gzip
  nir_reader.py make-line FILE     the same with a Conv1d, in double precision
  nir_reader.py check FILE         reads with type checking; prints every field
  nir_reader.py compare A B        checks both; nodes, fields and edges of A must be those of B
                                   (a Flatten may have another name)
  nir_reader.py data FILE          reads a NIRData recording; prints its observables

Ends with 77 when h5py is not installed."""
import sys

import peer

h5py = peer.need("h5py", "h5py")
np = peer.need("numpy", "numpy")

# Fields of a node: required, or with a default.
NEURON = ["tau", "r", "v_leak"]
CONV = ["input_shape", "weight", "stride", "padding", "dilation", "groups", "bias"]
FIELDS = {
    "Input": (["shape"], []),
    "Output": (["shape"], []),
    "Affine": (["weight", "bias"], []),
    "Linear": (["weight"], []),
    "Scale": (["scale"], []),
    "Threshold": (["threshold"], []),
    "Delay": (["delay"], []),
    "Flatten": ([], ["input_type", "start_dim", "end_dim"]),
    "Conv1d": (CONV, []),
    "Conv2d": (CONV, []),
    "SumPool2d": (["kernel_size", "stride", "padding"], []),
    "AvgPool2d": (["kernel_size", "stride", "padding"], []),
    "I": (["r"], []),
    "LI": (NEURON, []),
    "IF": (["r", "v_threshold"], ["v_reset"]),
    "LIF": (NEURON + ["v_threshold"], ["v_reset"]),
    "CubaLI": (["tau_syn", "tau_mem", "r", "v_leak"], ["w_in"]),
    "CubaLIF": (["tau_syn", "tau_mem", "r", "v_leak", "v_threshold"], ["v_reset", "w_in"]),
}


def fail(text):
    print(text, file=sys.stderr)
    sys.exit(1)


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def sliding(size, kernel, stride, padding, dilation):
    # The reference takes the kernel's first extent for all axes.
    kernel = np.broadcast_to(np.ravel(kernel)[0], size.shape)
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def infer(name, kind, field, came):
    """Type of the input and the output of a node; came: what its edges bring, or None."""
    if kind in ("Input", "Output"):
        return field["shape"], field["shape"]
    if kind in ("Affine", "Linear"):
        return np.array(field["weight"].shape[-1:]), np.array(field["weight"].shape[-2:-1])
    if kind in ("Conv1d", "Conv2d"):
        weight, size = field["weight"], np.atleast_1d(field["input_shape"])
        at_in = np.array([weight.shape[1], *size])
        if isinstance(field["padding"], str):
            out = size if field["padding"] == "same" else None
        else:
            out = sliding(size, weight.shape[2], field["stride"], field["padding"],
                          field["dilation"])
        return at_in, np.array([weight.shape[0], *out])
    if kind in ("SumPool2d", "AvgPool2d"):
        if came is None:
            fail(f"{name}: no edge tells the input of a pool")
        size = (came[1:] + 2 * field["padding"] - field["kernel_size"]) // field["stride"] + 1
        return came, np.array([came[0], *size])
    if kind == "Flatten":
        shape = field["input_type"] if "input_type" in field else came
        first, last = int(field.get("start_dim", 1)), int(field.get("end_dim", -1))
        last = len(shape) - 1 if last == -1 else last
        return shape, np.array([*shape[:first], np.prod(shape[first:last + 1]), *shape[last + 1:]])
    shapes = {key: np.shape(value) for key, value in field.items() if key != "w_in"}
    if len(set(shapes.values())) != 1:
        fail(f"{name}: fields of different shapes: {shapes}")
    shape = np.array(next(iter(shapes.values())))
    return shape, shape


def read_node(name, group):
    kind = text(group["type"][()])
    if kind == "NIRGraph":
        fail(f"{name}: a nested graph, which our writer does not make")
    if kind not in FIELDS:
        fail(f"{name}: unknown type {kind}")
    required, optional = FIELDS[kind]
    field = {key: text(value[()]) for key, value in group.items() if key not in ("type", "metadata")}
    for key in required:
        if key not in field:
            fail(f"{name} ({kind}): lacks {key}")
    for key in field:
        if key not in required + optional:
            fail(f"{name} ({kind}): unknown field {key}")
    return kind, field


def read(path):
    with h5py.File(path, "r") as file:
        version = text(file["version"][()])
        if list(file.attrs) or not version:
            fail(f"{path}: attributes at the root, or no version")
        root = file["node"]
        if text(root["type"][()]) != "NIRGraph":
            fail(f"{path}: the root is no graph")
        nodes = {name: read_node(name, group) for name, group in root["nodes"].items()}
        edges = [(text(a), text(b)) for a, b in root["edges"][()]]
    check(nodes, edges)
    return nodes, edges


def check(nodes, edges):
    """Types along the edges, from the inputs on, as far as they lead."""
    types, ready = {}, [name for name, (kind, _) in nodes.items() if kind == "Input"]
    if not ready:
        fail("no Input")
    for name in ready:
        types[name] = infer(name, *nodes[name], None)
    while ready:
        name = ready.pop()
        for _, to in [edge for edge in edges if edge[0] == name]:
            if to not in nodes:
                fail(f"an edge to {to}, which is no node")
            if to not in types:
                types[to] = infer(to, *nodes[to], types[name][1])
                ready.append(to)
    for a, b in edges:
        if not np.array_equal(types[a][1], types[b][0]):
            fail(f"{a} gives {types[a][1]}, {b} takes {types[b][0]}")


def shortened(nodes, edges):
    """Edges without Flatten, which has no name of its own."""
    flat = [name for name, (kind, _) in nodes.items() if kind == "Flatten"]
    for name in flat:
        before = [a for a, b in edges if b == name]
        behind = [b for a, b in edges if a == name]
        edges = [edge for edge in edges if name not in edge]
        edges += [(a, b) for a in before for b in behind]
    return sorted(edges), {name: node for name, node in nodes.items() if name not in flat}


def compare(first, second):
    (nodes, edges), (others, other_edges) = read(first), read(second)
    edges, nodes = shortened(nodes, edges)
    other_edges, others = shortened(others, other_edges)
    if set(nodes) != set(others):
        fail(f"nodes differ: {sorted(set(nodes) ^ set(others))}")
    if edges != other_edges:
        fail(f"edges differ: {edges} | {other_edges}")
    fields = 0
    for name, (kind, field) in nodes.items():
        other_kind, other = others[name]
        if kind != other_kind:
            fail(f"{name}: {kind} became {other_kind}")
        for key, value in field.items():
            if key not in other or np.shape(value) != np.shape(other[key]):
                fail(f"{name} ({kind}): {key} is gone or has another shape")
            if not np.allclose(value, other[key], rtol=2e-7, atol=0):
                fail(f"{name} ({kind}): {key} differs")
            fields += 1
    print(f"same: {len(nodes)} nodes, {fields} fields, {len(edges)} edges")


# ---- a file of all node types ----

def make(path):
    rng = np.random.default_rng(5)

    def numbers(*shape, low=0.1, high=1.0):
        return rng.uniform(low, high, shape).astype(np.float32)

    def neurons(n, *names):
        special = {"tau": (2e-3, 2e-2), "tau_mem": (2e-3, 2e-2), "tau_syn": (1e-3, 8e-3),
                   "v_threshold": (0.5, 1), "v_reset": (-0.2, 0.2), "v_leak": (-0.1, 0.1)}
        return {name: numbers(n, low=special.get(name, (0.5, 2))[0],
                              high=special.get(name, (0.5, 2))[1]) for name in names}

    pair = np.array([2, 2])
    conv = {"input_shape": np.array([8, 8]), "weight": numbers(4, 2, 3, 3, low=-0.5),
            "stride": np.array([1, 1]), "padding": np.array([1, 1]), "dilation": np.array([1, 1]),
            "groups": 1, "bias": numbers(4)}
    nodes = {
        "input": ("Input", {"shape": np.array([2, 8, 8])}),
        "conv": ("Conv2d", conv),
        "spikes": ("IF", {"r": numbers(4, 8, 8, low=100, high=900),
                          "v_threshold": numbers(4, 8, 8), "v_reset": np.zeros((4, 8, 8), "f4")}),
        "sum": ("SumPool2d", {"kernel_size": pair, "stride": pair, "padding": pair * 0}),
        "mean": ("AvgPool2d", {"kernel_size": pair, "stride": pair, "padding": pair * 0}),
        "flat": ("Flatten", {"input_type": np.array([4, 2, 2]), "start_dim": 0, "end_dim": -1}),
        "fc": ("Affine", {"weight": numbers(6, 16, low=-1), "bias": numbers(6)}),
        "lif": ("LIF", neurons(6, "tau", "r", "v_leak", "v_threshold", "v_reset")),
        "recurrent": ("Linear", {"weight": numbers(6, 6, low=-1)}),
        "scale": ("Scale", {"scale": numbers(6)}),
        "gate": ("Threshold", {"threshold": numbers(6)}),
        "fc2": ("Linear", {"weight": numbers(5, 6, low=-1)}),
        "cuba": ("CubaLIF", neurons(5, "tau_syn", "tau_mem", "r", "v_leak", "v_threshold",
                                    "v_reset", "w_in")),
        "late": ("Delay", {"delay": np.array([0, 1, 2, 3, 4]) * 1e-3}),
        "cubali": ("CubaLI", neurons(5, "tau_syn", "tau_mem", "r", "v_leak", "w_in")),
        "li": ("LI", neurons(5, "tau", "r", "v_leak")),
        "i": ("I", {"r": numbers(5, low=10, high=90)}),
        "output": ("Output", {"shape": np.array([5])}),
    }
    names = [name for name in nodes if name not in ("recurrent", "flat")]
    edges = list(zip(names, names[1:]))
    edges.remove(("mean", "fc"))
    edges += [("mean", "flat"), ("flat", "fc"), ("lif", "recurrent"), ("recurrent", "lif")]
    write(path, nodes, edges)


def make_line(path):
    rng = np.random.default_rng(6)
    conv = {"input_shape": 9, "weight": rng.normal(size=(3, 2, 4)), "stride": 2, "padding": 1,
            "dilation": 1, "groups": 1, "bias": rng.normal(size=3)}
    shape = (3, 4)
    nodes = {
        "input": ("Input", {"shape": np.array([2, 9])}),
        "conv": ("Conv1d", conv),
        "if": ("IF", {"r": np.full(shape, 500.0), "v_threshold": np.ones(shape),
                      "v_reset": np.zeros(shape)}),
        "output": ("Output", {"shape": np.array(shape)}),
    }
    names = list(nodes)
    write(path, nodes, list(zip(names, names[1:])))


def write(path, nodes, edges):
    string = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        file.create_dataset("version", data="1.0.8", dtype=string)
        root = file.create_group("node")
        root.create_dataset("type", data="NIRGraph", dtype=string)
        root.create_dataset("edges", data=edges)
        for name, (kind, field) in nodes.items():
            group = root.create_group(f"nodes/{name}")
            group.create_dataset("type", data=kind, dtype=string)
            for key, value in field.items():
                packed = {"compression": "gzip"} if np.ndim(value) else {}
                group.create_dataset(key, data=value, **packed)


# ---- recordings ----

def data(path):
    with h5py.File(path, "r") as file:
        if file.attrs.get("__type__") != "NIRGraphData":
            fail("the root is no NIRGraphData")
        for name, node in file["nodes"].items():
            if node.attrs["__type__"] != "NIRNodeData":
                fail(f"{name} is no NIRNodeData")
            for observable, group in node["observables"].items():
                kind = group.attrs["__type__"]
                if kind == "TimeGriddedData":
                    values = group["data"][()]
                    if values.ndim != 3 or float(group.attrs["dt"]) <= 0:
                        fail(f"{name}/{observable}: no samples, steps, neurons")
                    print(name, observable, kind, values.shape, values.dtype)
                else:
                    index, time = group["idx"][()], group["time"][()]
                    if index.shape != time.shape or index.max() >= int(group.attrs["n_neurons"]):
                        fail(f"{name}/{observable}: bad events")
                    print(name, observable, kind, index.shape, float(group.attrs["t_max"]))


def main():
    command, *paths = sys.argv[1:]
    if command == "make":
        make(*paths)
    elif command == "make-line":
        make_line(*paths)
    elif command == "compare":
        compare(*paths)
    elif command == "data":
        data(*paths)
    else:
        nodes, edges = read(*paths)
        for name, (kind, field) in nodes.items():
            for key, value in field.items():
                print(name, kind, key, getattr(value, "dtype", "text"), np.shape(value))
        print(f"{len(nodes)} nodes, {len(edges)} edges")


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# etalon export, and NIR files between Etalon and an independent reader (h5py).
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"

net='{type: spiking, input: {n: 3}, layers: [{n: 4, reset: hard, current: held, recurrent: true}]}'
run_code 0 export --system "$net" --output net.nir
prints "spiking: 3 inputs, 4 outputs, 28 knobs, written to net.nir"
given='dt: 1e-3, time_unit: s, integrator: exact, steps: 10'
run_code 0 simulate --system "{type: spiking, file: net.nir, $given}" --output once.h5
prints "spiking: 1 sample, 3 inputs, 4 outputs"

run_code 0 describe net.nir
prints "layer1.recurrent     Linear     weight [4][4]"
prints "Input      shape = 3"
prints "  layer1.weight -> layer1"
run_code 0 describe net.nir --json
is_json out
prints '"weight"'
run_code 77 describe none.nir
echo text >text.nir
run_code 1 describe text.nir
says "text.nir: is not an HDF5 file"

# What is not said is not guessed, and what cannot be said is refused.
run_code 2 simulate --system "{type: spiking, file: net.nir, $given, integrator: exakt}"
run_code 2 simulate --system "{type: spiking, file: net.nir, dt: 1e-3, steps: 10, time_unit: s}"
says "a NIR file says nothing of integrator, and it is never guessed"
run_code 77 export --system '{type: spiking, layers: [{n: 4}]}' --output soft.nir
says "NIR cannot say that it resets by subtraction"
[ ! -e soft.nir ] || fail "a refused export leaves a file"
run_code 77 export --system '{type: random, n_in: 2, n_out: 2}' --output random.nir
run_code 77 simulate --system "{type: spiking, file: none.nir, $given}"
says "none.nir"
run_code 2 export --system "$net"
says "where to? --output FILE"
run_code 2 export --output net.nir
says "give either a run file, an experiment file, --system, or --dataset"
run_code 2 export --system "$net" --layer 1 --output net.nir
says "--layer, --trained and --set go with a file"

# From an experiment, and from a run with the knobs that it learned.
cat >learn.yaml <<'YAML'
experiment: learn
seeds: 2
dataset: {type: rings, n: 60, d: 2}
layers:
  - system: {type: spiking, steps: 5, input: {n: 2}, layers: [{n: 6, reset: hard, current: held}]}
    knobs: {train: spsa}
    width: 4
method: {type: forward-forward, objective: local-ce, schedule: joint, epochs: 2}
YAML
run_code 0 export learn.yaml --output start.nir
run_code 0 run learn.yaml --output learn.h5 --quiet
run_code 0 evaluate learn.h5
run_code 0 export learn.h5 --output first.nir
run_code 0 export learn.h5 --trained 2 --output second.nir
cmp -s start.nir first.nir && fail "the knobs of the run are not in the file"
cmp -s first.nir second.nir && fail "both seeds give the same file"
run_code 0 export learn.h5 --output again.nir
cmp -s first.nir again.nir || fail "two exports of one network differ"
run_code 77 export learn.h5 --trained 3 --output third.nir
says "holds no trained network number 3"
run_code 2 export learn.h5 --layer 1 --output third.nir
says "there is no layer 1: layers are 0 to 0"

# Recordings: a data set of frames there and back, as a grid and as events.
mkdir -p events/a events/b
printf '\003\005\200\001\000\007\041\000\002\012' >events/a/1.bin
printf '\001\001\000\000\000\002\002\200\047\020' >events/b/1.bin
folder_of_events='{type: events-folder, path: events, bins: 4, window: 2e-2}'
run_code 0 export --dataset "$folder_of_events" --steps 4 --dt 5e-3 --output grid.h5
prints "2 samples, 4 steps, 2312 channels, written to grid.h5"
run_code 0 export --dataset "$folder_of_events" --steps 4 --dt 5e-3 --events --output list.h5
for file in grid list; do
    recording="{type: spikes-hdf5, format: nir-data, path: $file.h5, bins: 4, window: 2e-2}"
    run_code 0 export --dataset "$recording" --steps 4 --dt 5e-3 --output again.h5
    cmp -s grid.h5 again.h5 || fail "the recording $file.h5 does not come back"
done
run_code 1 export --dataset "$folder_of_events" --steps 3 --dt 5e-3 --output bad.h5
says "9248 features are no 3 frames of equal size"
run_code 1 export --dataset "${folder_of_events/2e-2/5e-3}" --steps 4 --dt 5e-3 --output bad.h5
says "events/b/1.bin: spike 1 at 0.01 s is beyond the window of 0.005 s"
run_code 2 export --dataset "$folder_of_events" --output bad.h5
says "--dataset needs --steps and --dt"
run_code 2 export --system "$net" --events --output bad.h5
says "--steps, --dt and --events go with --dataset"

# The independent reader: our files, and files that h5py writes, there and back.
reader() { python3 "$root/bench/peers/nir_reader.py" "$@" >out 2>err; }
code=0
reader check net.nir || code=$?
if ! command -v python3 >/dev/null || [ "$code" -eq 77 ]; then
    echo "SKIP: no h5py (Debian: python3-h5py), NIR files meet no other reader" >&2
else
    [ "$code" -eq 0 ] || fail "the independent reader refuses net.nir: $(cat err)"
    prints "5 nodes, 5 edges"
    for kind in make make-line; do
        reader "$kind" theirs.nir || fail "$kind: $(cat err)"
        run_code 0 export --system "{type: spiking, file: theirs.nir, $given}" --output ours.nir
        reader compare theirs.nir ours.nir || fail "$kind: $(cat err)"
        prints "same:"
    done
    for file in grid list; do
        reader data "$file.h5" || fail "the independent reader refuses $file.h5: $(cat err)"
        prints "input spikes"
    done
    for file in first.nir "$root/examples/nir-lif.nir"; do
        reader check "$file" || fail "the independent reader refuses $file: $(cat err)"
    done
fi
finish

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# simulate: inputs by CSV or by chance, outputs and fields to HDF5 and PNG.
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"
copy='{type: identity, n_in: 3, n_out: 3}'

run_code 0 simulate --system "$copy"
prints "written to runs/simulate.h5"
[ -s runs/simulate.h5 ] || fail "no file"

printf 'a,b,c\n# remark\n1,2,3\n\n-1, 0.5 ,2e-1\n' >good.csv
run_code 0 simulate --system "$copy" --input good.csv --output copy.h5
prints "2 samples, 3 inputs, 3 outputs"
prints ": 1 2 3"

# Equal seeds give equal files, whatever the threads; another seed gives another device.
device='{type: random, n_in: 4, n_out: 6}'
for run in "1 1" "1 2" "2 1"; do
    read -r seed threads <<<"$run"
    run_code 0 simulate --system "$device" --samples 9 --seed "$seed" --threads "$threads" \
        --output "$seed-$threads.h5"
    "$etalon" show "$seed-$threads.h5" --digest >"$seed-$threads.digest"
done
cmp -s 1-1.digest 1-2.digest || fail "threads changed the result"
cmp -s 1-1.digest 2-1.digest && fail "the seed does not matter"

printf '1,2\n' >short.csv
printf '1,2,3\n1,2,3,4\n' >ragged.csv
printf '1,nan,3\n' >nan.csv
printf '1,2,x\n' >word.csv
: >empty.csv
for file in short ragged nan word empty; do
    run_code 1 simulate --system "$copy" --input $file.csv --output bad.h5
    says "$file.csv:"
done
run_code 77 simulate --system "$copy" --input none.csv --output bad.h5
run_code 1 simulate --system "$copy" --output no/such/folder/x.h5
run_code 2 simulate --system "$copy" --frames frames --output bad.h5
says "has no field"
run_code 2 simulate --system "$copy" --animation x.gif --output bad.h5
says "--animation: system 'identity' has no field"
run_code 2 simulate
run_code 2 simulate --system "$copy" --layer 1
run_code 2 simulate --system '{type: identiti}'
says "identity"
run_code 2 simulate --system '{type: identity, n_in: 2'
[ ! -e bad.h5 ] || fail "a failed run left a file"

# A cavity has a field: frames in the file and as pictures.
cavity='{type: acoustic}'
if "$etalon" describe system/acoustic >/dev/null 2>&1; then
    run_code 0 simulate --system "$cavity" --frames frames --every 200 --output field.h5
    prints "field:"
    n=$(find frames -name 'frame_*.png' -size +0 | wc -l)
    [ "$n" -ge 2 ] || fail "only $n frames"
    [ "$(head -c 8 frames/frame_0001.png | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ] ||
        fail "a frame is no PNG file"
    run_code 0 simulate --system "$cavity" --animation field.gif --every 200 --output field.h5
    [ "$(head -c 6 field.gif)" = GIF89a ] || fail "the animation is no GIF file"
    run_code 1 simulate --system "$cavity" --animation no/folder/x.gif --every 200 --output f3.h5
    says "no/folder/x.gif"
    run_code 1 simulate --system "$cavity" --frames /proc/none --every 200 --output field2.h5
fi

# So has light: a frame for every look, from modulator to camera.
run_code 0 simulate --system '{type: diffraction, looks: 10}' --frames light --every 5 --output light.h5
prints "field: 3 frames of 32 x 32 cells"
[ -s light/frame_0002.png ] || fail "no frame of light"

# The plans that a run depends on are kept where the environment says, and told.
export ETALON_WISDOM=$PWD/plans
run_code 0 simulate --system '{type: diffraction}' --output a.h5
[ -s plans ] || fail "no plans were kept"
run_code 0 doctor
prints "cache $PWD/plans"
echo garbage >plans
run_code 0 simulate --system '{type: diffraction}' --output b.h5
says "plans: is damaged"
finish

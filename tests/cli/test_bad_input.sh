#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bad input: one clear message, the right exit code, earlier results intact.
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"
write_experiment small.yaml
run_code 0 run small.yaml --quiet --output good.h5
want=$(digest good.h5)

# broken NAME CODE TEXT SED-SCRIPT: the experiment changed by the script fails with CODE and TEXT.
broken() {
    sed "$4" small.yaml >"$1.yaml"
    cmp -s small.yaml "$1.yaml" && fail "$1: the script changes nothing"
    run_code "$2" run "$1.yaml" --output good.h5
    says "$3"
}

# Experiment files.
broken malformed 2 "malformed.yaml:" 's/dataset: {/dataset: {{/'
broken tab 2 "tab.yaml:" 's/^  epochs/\tepochs/'
broken unknown_key 2 "widht" 's/width: 16/widht: 16/'
says "did you mean 'width'?"
broken unknown_type 2 "random" 's/type: random/type: randon/'
broken wrong_type 2 "wrong_type.yaml:13:" 's/epochs: 6/epochs: many/'
broken out_of_range 2 "out_of_range.yaml:13:" 's/epochs: 6/epochs: 0/'
broken missing_key 2 "dataset" '/^dataset/d'
broken no_layers 2 "layers" 's/^layers:/layers: []\nremoved:/'
broken wrong_size 2 "n_in" 's/n_in: 3/n_in: 2/'
broken unknown_control 2 "zeroes" 's/zeros/zeroes/'
: >empty.yaml
run_code 2 run empty.yaml
head -c 3000 /dev/urandom >noise.yaml
run_code 2 run noise.yaml
run_code 2 run no_such.yaml
says "no_such.yaml: No such file"
run_code 2 run .
run_code 2 run small.yaml --set method.epoch=3
says "epochs"
run_code 2 run small.yaml --set method.epochs=-3
says "--set"
run_code 2 run small.yaml --set method.epochs
run_code 2 run small.yaml small.yaml
run_code 2 run small.yaml --seeds none
run_code 2 run small.yaml --threads 0

# Data.
data() {
    run_code "$1" run small.yaml --output good.h5 --set "dataset={type: csv, path: $2}"
    says "$3"
}
printf 'a,b,c\n1,2,x\n3,4,y\n5,6\n' >ragged.csv
printf 'a,b,c\n1,2,x\nnan,4,y\n' >nan.csv
printf 'a,b,c\n' >none.csv
data 77 absent.csv "absent.csv"
data 1 ragged.csv "ragged.csv:4"
data 1 nan.csv "nan.csv:3"
data 1 none.csv "none.csv"

# Images and labels cut in the middle, and a label out of range.
printf '\0\0\010\003\0\0\0\004\0\0\0\001\0\0\0\002\1\2\3\4\5\6\7\010' >images.idx
printf '\0\0\010\001\0\0\0\004\0\1\0\1' >labels.idx
gzip -c images.idx | head -c 30 >cut.gz
head -c 20 images.idx >short.idx
printf '\0\0\010\001\0\0\0\004\0\1\0\377' >far.idx
images() {
    run_code "$1" run small.yaml --output good.h5 --set "dataset={type: idx, images: $2, labels: $3, classes: 2}"
    says "$4"
}
images 1 cut.gz labels.idx cut.gz
images 1 short.idx labels.idx short.idx
images 1 images.idx far.idx far.idx
images 77 absent.idx labels.idx absent.idx

# Physics: an unstable time step names the largest stable one; a membrane outside the cavity.
run_code 2 simulate --system '{type: acoustic, dt: 1}' --output bad.h5
says "largest stable"
run_code 2 simulate --system '{type: acoustic, discs: [{x: 9, y: 9, radius: 0.1}]}' --output bad.h5
says "outside"

# Run files.
head -c 2000 good.h5 >cut.h5
head -c 5000 /dev/urandom >noise.h5
: >empty.h5
for file in cut noise empty; do
    for command in show evaluate report; do
        run_code 1 "$command" $file.h5
        says "$file.h5"
    done
    run_code 1 show $file.h5 --digest
done
cp cut.h5 resumed.h5
run_code 1 run small.yaml --output resumed.h5 --resume
cmp -s cut.h5 resumed.h5 || fail "a file that is no run file was overwritten"
run_code 2 show no_such.h5
run_code 2 show
run_code 2 show good.h5 --json --digest

# What is no run file is not replaced by one.
cp small.yaml kept.yaml
run_code 2 run kept.yaml --output kept.yaml
says "kept.yaml exists and is no run file"
cmp -s small.yaml kept.yaml || fail "a run replaced its experiment file"
run_code 2 run small.yaml --output ''

# Data and conditions that the stored network was not made for.
run_code 1 evaluate good.h5 --set dataset.d=2
says "trained on 3 features and 2 classes"
run_code 2 evaluate good.h5 --set seed=9
says "has learned from"
run_code 2 run small.yaml --set split.by_group=true --output good.h5
says "--set split.by_group=true: error:"

# Places that cannot be written.
run_code 1 run small.yaml --output small.yaml/run.h5
says "small.yaml/run.h5"
run_code 1 run small.yaml --output /proc/run.h5
# A full disk, played by a limit on the size of files.
(
    trap '' XFSZ
    ulimit -f 4
    exec "$etalon" run small.yaml --quiet --output good.h5
) 2>err
[ $? -eq 1 ] || fail "a full disk should give 1"
says "good.h5"

[ "$(digest good.h5)" = "$want" ] || fail "a failed run changed an earlier result"
find . -name '*.tmp-*' | grep . && fail "temporary files were left behind"
finish

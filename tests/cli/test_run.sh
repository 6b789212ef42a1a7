#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run, show, evaluate, report on a small experiment; the same numbers for any number of threads.
# shellcheck source-path=SCRIPTDIR source=check.sh
. "$(dirname "${BASH_SOURCE[0]}")/check.sh"
write_experiment small.yaml

run_code 0 run small.yaml
prints "small: 2 seeds, last epoch 6"
prints "95 % CI"
prints "zeros"
prints "ledger"
prints "runs/small.h5"
[ -s runs/small.h5 ] || fail "no run file at the default place"

run_code 0 run small.yaml --quiet --output quiet.h5
[ "$(cat out err)" = "" ] || fail "--quiet is not quiet"
run_code 0 run small.yaml --json --seeds 1 --set method.epochs=2 --output one.h5
is_json out
cp out run.json
run_code 0 show one.h5 --json
cmp -s out run.json || fail "run --json and show --json differ"
if command -v python3 >/dev/null; then
    python3 - run.json <<'PYTHON' || fail "the keys of --json are not those that scripts rely on"
import json, sys
run = json.load(open(sys.argv[1]))
assert set(run) == {"experiment", "complete", "test_accuracy", "controls", "weights", "ledger"}, run.keys()
assert run["complete"] is True
accuracy = {"mean", "sd", "ci95", "seeds", "last_epoch"}
assert set(run["test_accuracy"]) == accuracy and set(run["controls"]) == {"zeros", "linear"}
assert all(set(control) == accuracy for control in run["controls"].values())
assert set(run["ledger"]) == {"device_passes", "device_s", "device_J", "digital_macs", "wall_s"}
assert 0 <= run["test_accuracy"]["mean"] <= 1 and len(run["test_accuracy"]["ci95"]) == 2
assert run["test_accuracy"]["seeds"] == 1 and run["test_accuracy"]["last_epoch"] == 2
PYTHON
fi

# The template of an experiment runs as it is (here on less data).
"$etalon" new experiment >first.yaml || fail "no template"
run_code 0 run first.yaml --seeds 1 --set method.epochs=2 --set dataset.n=40 \
    --set 'controls=[linear]'
prints "runs/first.h5"

# Any name survives the way through JSON.
run_code 0 run small.yaml --json --seeds 1 --set method.epochs=1 --output name.h5 \
    --set 'experiment="a\"b\\c é"'
is_json out
if command -v python3 >/dev/null; then
    name=$(python3 -c 'import json; print(repr(json.load(open("out"))["experiment"]))')
    [ "$name" = "'a\"b\\\\c é'" ] || fail "the name came back as $name"
fi

# A bar on a terminal only.
if command -v script >/dev/null; then
    script -qec "$etalon run small.yaml --threads 1 --set method.epochs=4000 --output bar.h5" /dev/null >out </dev/null
    prints "ETA"
    prints "seed 1/2"
else
    echo "SKIP: no script(1), the progress bar is not checked" >&2
fi
run_code 0 run small.yaml --output bar.h5
grep -q ETA err && fail "a bar without a terminal"

# Results do not depend on the number of threads; they do depend on the seed.
want=$(digest runs/small.h5)
[ "${#want}" -eq 16 ] || fail "the digest '$want' has not 16 digits"
for threads in 1 2 8; do
    run_code 0 run small.yaml --quiet --threads $threads --output threads.h5
    [ "$(digest threads.h5)" = "$want" ] || fail "$threads threads change the result"
done
run_code 0 run small.yaml --quiet --set seed=2 --output seed.h5
[ "$(digest seed.h5)" != "$want" ] || fail "the seed does not matter"

run_code 0 evaluate runs/small.h5
prints "confusion"
run_code 0 evaluate runs/small.h5 --json --all
is_json out
run_code 0 evaluate runs/small.h5 --json --set layers.0.system.output.noise=0.3
is_json out
run_code 2 evaluate runs/small.h5 --set layers.0.system.output.nose=0.3
says "noise"

if command -v gnuplot >/dev/null; then
    run_code 0 report runs/small.h5
    prints "runs/small.png"
    [ "$(head -c 4 runs/small.png | tail -c 3)" = PNG ] || fail "the report is no PNG file"
    run_code 0 report runs/small.h5 --output small.svg
    grep -q '<svg' small.svg || fail "the report is no SVG file"
    grep -q 'linear' small.svg || fail "the report lacks the controls"
    run_code 1 report runs/small.h5 --output no/such/folder/small.png
else
    echo "SKIP: no gnuplot, pictures are not checked" >&2
fi
run_code 2 report runs/small.h5 --output small.jpeg
PATH=/nowhere "$etalon" report runs/small.h5 2>err
[ $? -eq 77 ] || fail "a missing gnuplot should give 77"
says "gnuplot is not installed"
finish

#!/bin/sh
# A stopped launch, the remedy that it prints, the passing launch, and its report; in a copy, so that nothing is left behind.
set -eu
python="$1"
here="$(cd "$(dirname "$0")" && pwd)"
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
cp -R "$here/pretrain/." "$copy"
cd "$copy"
rm -rf outputs multirun

echo '$ python train.py experiment=undertrained scalecheck=strict'
code=0
"$python" train.py experiment=undertrained scalecheck=strict 2>stopped.txt || code=$?
cat stopped.txt
echo "exit code $code; outputs/ $(test -d outputs && echo exists || echo 'does not exist')"
test "$code" -eq 3

remedy="$(sed -n 's/^  try: \([^ ]*\).*/\1/p' stopped.txt | head -n 1)"
rm stopped.txt
test -n "$remedy"
echo
echo "\$ python train.py experiment=undertrained scalecheck=strict $remedy"
"$python" train.py experiment=undertrained scalecheck=strict "$remedy"
echo "exit code 0"

report="$(find outputs -name scalecheck.json)"
echo
echo "\$ cat $report"
cat "$report"

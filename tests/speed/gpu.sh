#!/bin/sh
# What needs a GPU, in one command, after `make .venv/installed` or, in another environment, `pip install .`:
#   sh tests/speed/gpu.sh                                  every figure on made-up images, within 5 minutes
#   sh tests/speed/gpu.sh --quick                          alexnet's and sift-fisher's alone, within 100 s
#   sh tests/speed/gpu.sh TINY_IMAGENET [OUTPUT]           the same, then the trainings to the end, with their report
# PYTHON=python3 names another environment's. The package's extra `gpu` (nvidia-ml-py) is what measures the energy.
# Each part ends by itself after the seconds it is given; its figures go into one table at the end.
set -u
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-$here/../../.venv/bin/python}
# topfive's packages lie beside it, so that the root is where any environment finds them.
export PYTHONPATH="$here/../..${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1
quick=
[ "${1:-}" = --quick ] && { quick=1; shift; }
data=${1:-}
output=${2:-reports/tiny-imagenet-gpu}
figures=$(mktemp) || exit 1
trap 'rm -f "$figures"' EXIT

part() { # seconds, then the command
  seconds=$1
  shift
  echo
  echo "== $* (at most $seconds s)"
  started=$(date +%s)
  timeout -k 5 "$seconds" "$python" "$@" --json "$figures" 2>&1
  status=$?
  [ $status -eq 0 ] || echo "ended with status $status (124: out of time)"
  echo "-- $(($(date +%s) - started)) s"
}

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv || true
if [ -n "$quick" ]; then
  part 78 -m topfive.cnn.throughput alexnet --device cuda --batch 512 --images 51200 --epochs 4 --profile
  part 20 "$here/gpu_features.py" sift-fisher --images 4096 --train 1000
else
  part 70 -m topfive.cnn.throughput alexnet --device cuda --batch 512 --images 51200 --epochs 4 --profile
  part 85 -m topfive.cnn.throughput resnet-2015 --device cuda --batch 512 --images 20480 --epochs 8 --profile
  part 35 -m topfive.cnn.throughput resnet-2015 --device cuda --batch 512 --images 10240 --epochs 8
  part 55 -m topfive.cnn.throughput alexnet-2012 --device cuda --batch 512 --images 20480 --epochs 4 --profile
  part 25 "$here/gpu_features.py" sift-fisher
  part 25 "$here/gpu_features.py" oxford-vgg-2012
fi
"$python" "$here/gpu_table.py" "$figures"
[ -z "$data" ] || "$python" -m topfive.benchmark run -d "$data" -m alexnet -m resnet-2015 --device cuda -o "$output"

#!/bin/sh
# What needs a GPU, in one command, after `make .venv/installed` or, in another environment, `pip install .`:
#   sh tests/speed/gpu.sh                                  every figure on made-up images, within 5 minutes
#   sh tests/speed/gpu.sh --quick                          without resnet-2015, whose five sizes take longest; 2 minutes
#   sh tests/speed/gpu.sh TINY_IMAGENET [OUTPUT]           the same, then the trainings to the end, with their report
#   sh tests/speed/gpu.sh --cpu                            a few images on the CPU: whether all of it runs, no figures
# PYTHON=python3 names another environment's. The package's extra `gpu` (nvidia-ml-py) is what measures the energy.
# Each part ends by itself after the seconds it is given; its figures go into one table at the end. Without a GPU that
# torch can use it ends at once with status 2; it ends with 1 where a part failed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-$here/../../.venv/bin/python}
# topfive's packages lie beside it, so that the root is where any environment finds them.
export PYTHONPATH="$here/../..${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1
mode=full
case "${1:-}" in
  --quick | --cpu) mode=${1#--}; shift ;;
  -*) echo "gpu.sh: $1 is not known; --quick, --cpu, or a path" >&2; exit 2 ;;
esac
data=${1:-}
output=${2:-reports/tiny-imagenet-gpu}

"$python" -c 'import numpy, torch, topfive.cnn, topfive.baselines' || {
  echo "gpu.sh: $python does not run topfive; PYTHON= names another" >&2
  exit 2
}
"$python" -c 'import sys, numpy, torch; print("torch", torch.__version__, "numpy", numpy.__version__, flush=True)
sys.exit(sys.argv[1] != "cpu" and not torch.cuda.is_available())' "$mode" || {
  echo "gpu.sh: this needs a GPU that torch can use, and $python says that there is none; --cpu tries it without" >&2
  exit 2
}
figures=$(mktemp) || exit 1
trap 'rm -f "$figures"' EXIT
failed=0

part() { # seconds, then the command
  seconds=$1
  shift
  echo
  echo "== $* (at most $seconds s)"
  started=$(date +%s)
  timeout -k 5 "$seconds" "$python" "$@" --json "$figures" 2>&1
  status=$?
  [ $status -eq 0 ] || { echo "ended with status $status (124: out of time)"; failed=1; }
  echo "-- $(($(date +%s) - started)) s"
}

network() { # seconds, then the network and its options
  seconds=$1
  shift
  part "$seconds" -m topfive.cnn.throughput "$@"
}

features() { # seconds, then the contender and its options
  seconds=$1
  shift
  part "$seconds" "$here/gpu_features.py" "$@"
}

[ $mode = cpu ] || nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv || true
case $mode in
  cpu)
    network 200 alexnet --device cpu --batch 16 --images 32 --epochs 2
    network 200 resnet-2015 --device cpu --batch 16 --images 32 --epochs 8
    network 200 alexnet-2012 --device cpu --batch 8 --images 16 --epochs 2
    features 200 sift-fisher --device cpu --images 64 --train 64
    features 200 oxford-vgg-2012 --device cpu --images 64 --train 64
    ;;
  quick | full)
    network 70 alexnet --device cuda --batch 512 --images 51200 --epochs 4 --profile
    if [ $mode = full ]; then
      network 85 resnet-2015 --device cuda --batch 512 --images 20480 --epochs 8 --profile
      network 35 resnet-2015 --device cuda --batch 512 --images 10240 --epochs 8
    fi
    network 55 alexnet-2012 --device cuda --batch 512 --images 20480 --epochs 4 --profile
    features 25 sift-fisher
    features 25 oxford-vgg-2012
    ;;
esac
"$python" "$here/gpu_table.py" "$figures"
if [ -n "$data" ]; then
  device=cuda
  [ $mode = cpu ] && device=cpu
  "$python" -m topfive.benchmark run -d "$data" -m alexnet -m resnet-2015 --device $device -o "$output" || failed=1
fi
exit $failed

#!/bin/sh
# What needs a GPU, in one command, after `make .venv/installed` or, in another environment, `pip install .`:
#   sh tests/speed/gpu.sh TINY_IMAGENET [OUTPUT]          PYTHON=python3 names another environment's
# The package's extra `gpu` (nvidia-ml-py) is what measures the energy: `pip install '.[gpu]'`, or without it nothing is.
# 1. alexnet-2012 at 224 from device memory, at its own batch and a large one, images a second beside the FLOP floor;
# 2. the networks of 2012 and 2015 on the whole of Tiny ImageNet-200, trained to the end, with their report.
set -eu
data=${1:?path of tiny-imagenet-200, folder or archive}
output=${2:-reports/tiny-imagenet-gpu}
python=${PYTHON:-$(dirname "$0")/../../.venv/bin/python}
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv || true
for batch in 128 512; do
  "$python" -m topfive.cnn.throughput --device cuda --batch $batch || echo "throughput failed" >&2
done
"$python" -m topfive.benchmark run -d "$data" -m alexnet -m resnet-2015 --device cuda -o "$output"

#!/bin/sh
# How good AlexNet's layer sequence gets at 64 px on the full Tiny ImageNet-200, the most promising first; needs a GPU:
#   sh tests/speed/recipes.sh TINY_IMAGENET [OUT]
# The default stands at 29.9 % top-5 and 55.5 % top-1 (docs/measurements.md), overfitting: the aims are 26 and 50. resnet-2015's
# default length is run for its aims, 15 and 35. PYTHON= another environment's python.
#
# Recipes are to be chosen on held-out training images: each run prints the held-out error of its best epoch (5 % of the
# training images, which the network never learns from) first; the validation error of the chosen one is then reported.
# Expected on an H100 at 120,000 images a second: 100,000 × 62 epochs, one to two minutes each. Nothing below has been
# run on a GPU; what a CPU could decide stands in docs/measurements.md.
set -e
data=${1:?the folder of Tiny ImageNet-200}
out=${2:-reports/recipes}
topfive="${PYTHON:-python} -m topfive.benchmark"

run() { # NAME LIMIT METHOD
    timeout "$2" $topfive run -d "$data" -m "$3" --device cuda -q -o "$out/$1" || echo "$1: ended with status $?"
    ${PYTHON:-python} - "$out/$1" "$1" <<'PRINT' || true
import json, sys
folder, name = sys.argv[1:]
for r in json.load(open(f"{folder}/results.json"))["records"]:
    if r["status"] == "done":
        best = min(r["history"], key=lambda epoch: epoch["held_out_loss"])
        print(f"{name}: held-out top-1 error {100 * best['held_out_error']:.1f} % after epoch {best['epoch']} of "
              f"{len(r['history'])}, training error {100 * r['history'][-1]['train_error']:.1f} %, "
              f"{r['costs']['fit_seconds']:.0f} s")
PRINT
}

run default 10m alexnet
run cutmix 10m "alexnet[mix=cutmix]"
run cutmix-colour 10m "alexnet[mix=cutmix,augment=scale+flip+colour]"
run cutmix-long 20m "alexnet[mix=cutmix,epochs=150]"
run cutmix-less-dropout 20m "alexnet[mix=cutmix,epochs=150,dropout=0.2]"
run narrow-fc 20m "alexnet[mix=cutmix,epochs=150,hidden=1024]"
run decay 20m "alexnet[mix=cutmix,epochs=150,weight_decay=0.2]"
run mixup 10m "alexnet[mix=mixup]"
run batch-norm 20m "alexnet[mix=cutmix,epochs=150,batch_norm=true]"
run resnet 20m resnet-2015
run resnet-cutmix 20m "resnet-2015[mix=cutmix]"

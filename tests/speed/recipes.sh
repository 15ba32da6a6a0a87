#!/bin/sh
# How good AlexNet's layer sequence gets at 64 px on the full Tiny ImageNet-200, the most promising first; needs a GPU:
#   sh tests/speed/recipes.sh TINY_IMAGENET [OUT]
# The default stands at 30.0 % top-5 and 55.7 % top-1, with batch normalisation at 24.8 and 49.6; the aims are 26 and 50.
# resnet-2015 at its default length stands at 16.8 and 37.1; its aims are 15 and 35. PYTHON= another environment's python.
#
# Recipes are to be chosen on held-out training images: each run prints the held-out error of its best epoch (5 % of the
# training images, which the network never learns from) first; the validation error of the chosen one is then reported.
# What is known (docs/measurements.md): batch normalisation is worth 6 points of held-out error, a rate of 0.0004 2; batches
# of 512 with the rate grown by the square root err 2 points more than 128; CutMix on top of them gains nothing in 80
# epochs. ResNet ends with 5 % training error, so for it what varies the images comes first.
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

run resnet-cutmix 20m "resnet-2015[mix=cutmix]"
run resnet-mixup 20m "resnet-2015[mix=mixup]"
run resnet-colour 20m "resnet-2015[augment=scale+flip+colour]"
run batch-norm 10m "alexnet[batch_norm=true]"
run batch-norm-long 10m "alexnet[batch_norm=true,epochs=100,weight_decay=0.2]"
run batch-norm-half-rate 10m "alexnet[batch_norm=true,lr=0.0005]"
run batch-norm-cutmix-long 20m "alexnet[batch_norm=true,epochs=150,mix=cutmix]"
run low-rate 10m "alexnet[lr=0.0004]"
run less-dropout 10m "alexnet[dropout=0.3,lr=0.0004]"
run narrow-fc 10m "alexnet[hidden=1024,lr=0.0004]"
run colour 10m "alexnet[augment=scale+flip+colour,lr=0.0004]"
run mixup-long 20m "alexnet[epochs=150,lr=0.0004,mix=mixup]"

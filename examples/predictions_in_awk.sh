#!/bin/sh
# A contender without Python: the same five guesses for every image, written as a predictions file by awk.
#
#   topfive data ids photos | sh examples/predictions_in_awk.sh > guesses.csv
#   topfive score guesses.csv -d photos -o reports/awk --name awk
set -eu
awk 'BEGIN { print "image_id,1,2,3,4,5" } { print $1 ",brick,grass,gravel,moon,page" }'

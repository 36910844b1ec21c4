#!/bin/sh
# Size of the CPU image against a plain install of the same lock on the same base, side by side.
#
# usage: benchmarks/image_size.sh      (BASE_IMAGE, DOCKER and the rest as for docker/build.sh)
#
# Prints both sizes and their ratio; exit 1 above LIMIT (0.75).
set -eu

cd "$(dirname "$0")/.."
LIMIT=${LIMIT:-0.75}
ours=bitforbit:bench-cpu
plain=bitforbit:bench-plain

IMAGE=$ours docker/build.sh cpu --quiet >/dev/null
IMAGE=$plain docker/build.sh cpu --quiet --file benchmarks/image_size.Dockerfile --target plain >/dev/null

docker=${DOCKER:-docker}
size() {
    "$docker" image inspect --format '{{.Size}}' "$1"
}

awk -v ours="$(size $ours)" -v plain="$(size $plain)" -v limit="$LIMIT" 'BEGIN {
    ratio = ours / plain
    printf "plain install  %7.1f MB\nCPU image      %7.1f MB\nratio          %7.3f (at most %s)\n", plain / 1e6, ours / 1e6, ratio, limit
    exit ratio > limit
}'

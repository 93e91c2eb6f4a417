#!/bin/sh
# The whole recipe with one command. Arguments are those of `recipe` (see README.md); --toy is short
# for a run of under two minutes in a temporary folder that leaves nothing behind.
set -eu
cd "$(dirname "$0")"
PYTHON=${PYTHON:-/usr/bin/python3}
if [ "${1:-}" = --toy ]; then
  shift
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  "$PYTHON" -m upscale_training.recipe --preset toy --cache "$folder/cache" --out "$folder/weights" "$@"
else
  exec "$PYTHON" -m upscale_training.recipe "$@"
fi

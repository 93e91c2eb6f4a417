#!/bin/sh
# Unit tests and a toy run of the whole recipe (the toy run needs Chromium; under two minutes).
set -eu
cd "$(dirname "$0")"
exec "${PYTHON:-/usr/bin/python3}" -m unittest discover -s tests -t . -v

#!/usr/bin/env bash
# The training loop on a CUDA device, and the tests that need one. Within 9 minutes; the last line printed is JSON.
# PYTHON=… chooses the Python; arguments go to cuda.py.
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${PYTHON:-.venv/bin/python}" benchmarks/cuda.py "$@"

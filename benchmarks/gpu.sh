#!/usr/bin/env bash
# make gpu: what a bare machine with one GPU needs (wheels from build/wheels, or pip's index), and then benchmarks.gpu.
# It takes the machine's own Python with its torch, and changes nothing outside build/, but for out/gpu.json.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-$(if [ -x .venv/bin/python ]; then echo .venv/bin/python; else command -v python3; fi)}
extra=build/gpu-packages
if ! "$python" -c "import torch, pytorch_lightning, timm, torchmetrics, scipy, sklearn"; then
  echo "error: this Python lacks torch, pytorch-lightning, timm, torchmetrics, scipy or scikit-learn; PYTHON=... names another" >&2
  exit 2
fi
if ! PYTHONPATH=$extra "$python" -c "import hydra, pydantic, pytest, pytest_timeout, hypothesis, simplejpeg" 2>/dev/null; then
  if [ -d build/wheels ]; then
    from=(--no-index --find-links build/wheels)
  else
    from=()
  fi
  "$python" -m pip install --quiet --no-deps --target "$extra" "${from[@]}" -r benchmarks/gpu.txt
fi
export PYTHONPATH="src:$extra:$PWD" OMP_NUM_THREADS=1
data=data
if [ ! -e data/fashion_mnist/meta.json ] && [ -e build/gpu-data/fashion_mnist/meta.json ]; then
  data=build/gpu-data  # what `make gpu-wheels` wrote: small enough to travel
elif [ ! -e data/fashion_mnist/meta.json ]; then
  "$python" -m deeper.prepare data=fashion_mnist
fi
exec "$python" -m benchmarks.gpu --data "$data" "$@"

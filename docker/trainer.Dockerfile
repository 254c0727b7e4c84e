# What: the trainer and the study: `train`, `generate`, `study`, torchrun.  No Ray, no crawler.
# Build: docker build --file docker/trainer.Dockerfile --tag mathcode-trainer:0.8.1 .
# Run:   docker run --gpus all --shm-size 8g --volume "$PWD:/data" mathcode-trainer:0.8.1 train /data/train.yaml
#        with torchrun: --entrypoint torchrun, then --nproc-per-node 8 -m mathcode_data.trainer /data/train.yaml
# The wheels of torch bring CUDA's libraries; of the host only the driver is used.  Triton compiles a launcher with gcc.
# Packages come from docker/trainer.lock, each with its hash; docker/lock.sh makes that file anew from pyproject.toml.
ARG BASE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/venv
COPY docker/trainer.lock /tmp/trainer.lock
RUN /opt/venv/bin/pip install --require-hashes --only-binary=:all: --requirement /tmp/trainer.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md /src/
COPY mathcode_data /src/mathcode_data
COPY mixtures /src/mixtures
COPY pipelines /src/pipelines
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation /src

FROM ${BASE}
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/venv /opt/venv
RUN groupadd --gid 10001 mathcode && useradd --uid 10001 --gid mathcode --create-home --shell /usr/sbin/nologin mathcode \
    && install --directory --owner=mathcode --group=mathcode /data
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 NUMBA_CACHE_DIR=/opt/loops \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
# The loops' machine code, for the kind of processor that builds; on another a container compiles once and keeps it in its ~/.cache.
RUN mathcode-data doctor --compile && chmod -R a+rX,go-w /opt/loops
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["mathcode-data"]
CMD ["doctor"]

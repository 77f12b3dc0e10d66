# syntax=docker/dockerfile:1
# One image with every binary; a service chooses its own by `command`. Built once, in the first stage.

FROM rust:1.95-bookworm AS build
ARG BUILD_REVISION=unknown
# The image brings this toolchain; without the variable rust-toolchain.toml would add formatter and linter.
ENV RUSTUP_TOOLCHAIN=1.95.0 CARGO_INCREMENTAL=0 BUILD_REVISION=$BUILD_REVISION
WORKDIR /src
COPY . .
# The caches hold downloads and objects between builds; the binaries are copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p eventflow --bins \
    && mkdir /out \
    && find target/release -maxdepth 1 -type f -executable -exec cp {} /out/ \;

FROM debian:bookworm-slim
# The system's certificates are for tools inside the container. The processes themselves trust Mozilla's
# authorities, which are built into them.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin eventflow \
    && install -d -o eventflow -g eventflow /data
COPY --from=build /out/ /usr/local/bin/
# By number: Kubernetes cannot tell from a name that it is not root (`runAsNonRoot`).
USER 10001
# `eventflow` without URLs keeps its data file in ./data.
WORKDIR /
# A container is reached from outside of itself; the default is the loopback address.
ENV LISTEN=0.0.0.0:8080
VOLUME /data
STOPSIGNAL SIGTERM
CMD ["eventflow"]

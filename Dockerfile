# Assay's images: `server` and `worker` (CPU), and `worker-gpu` after them.
# Built without BuildKit as well, hence no `RUN --mount`. Base images are
# arguments; any Debian 12 with the same things in it will do.
ARG RUST_IMAGE=rust:1-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

# ---- libtorch: headers and CPU libraries of the pip wheel -------------------
FROM ${RUNTIME_IMAGE} AS libtorch
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m pip install --quiet --no-cache-dir --no-deps --target /tmp/wheel \
        torch==2.11.0 'nvidia-cuda-cupti==13.0.*' 'nvidia-cuda-runtime==13.0.*' \
 && mkdir -p /opt/libtorch/torch/lib /opt/libtorch/nvidia/cu13/lib \
 && mv /tmp/wheel/torch/include /opt/libtorch/torch/ \
 && cd /tmp/wheel/torch/lib \
 && mv libc10.so libtorch.so libtorch_cpu.so libgomp.so.1 /opt/libtorch/torch/lib/ \
 && cd /tmp/wheel/nvidia/cu13/lib \
 && mv libcupti.so.* libcudart.so.* /opt/libtorch/nvidia/cu13/lib/ \
 && rm -rf /tmp/wheel
# What `cargo xtask libtorch` writes into .libtorch/
RUN cd /opt/libtorch/torch && echo 2.11.0 > build-version \
 && printf 'TORCH=%s\nLIBRARY_PATH=%s\n' /opt/libtorch/torch \
        /opt/libtorch/torch/lib:/opt/libtorch/nvidia/cu13/lib > env

# ---- all binaries -----------------------------------------------------------
FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY --from=libtorch /opt/libtorch /opt/libtorch
RUN ln -s /opt/libtorch/torch .libtorch
# The dependencies alone first (libtorch's bindings take minutes): this layer
# stays while only our sources change.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY crates/core/Cargo.toml crates/core/
COPY crates/store/Cargo.toml crates/store/
COPY workers/Cargo.toml workers/
COPY xtask/Cargo.toml xtask/
RUN mkdir -p src crates/core/src crates/store/src workers/src xtask/src \
 && touch src/lib.rs crates/core/src/lib.rs crates/store/src/lib.rs \
 && for bin in src workers/src xtask/src; do echo 'fn main() {}' > $bin/main.rs; done \
 && cargo build --release --locked -p assay -p assay-worker
COPY . .
# What records of work say the worker was built from; the repository itself is not here.
ARG ASSAY_COMMIT=
ENV ASSAY_COMMIT=${ASSAY_COMMIT}
# Sources older than the stand-ins above would pass for already built.
RUN find src crates workers migrations templates static presets -type f -exec touch {} + \
 && cargo build --release --locked -p assay -p assay-worker \
 && cp target/release/assay target/release/assay-worker /usr/local/bin/

# ---- the server -------------------------------------------------------------
FROM ${RUNTIME_IMAGE} AS server
# A font: the labels of .png files are written with it.
RUN apt-get update \
 && apt-get install -y --no-install-recommends fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /var/lib/assay --create-home assay
COPY --from=build /usr/local/bin/assay /usr/local/bin/assay
USER assay
VOLUME /var/lib/assay
EXPOSE 8337
ENTRYPOINT ["assay"]
CMD ["serve", "--listen", "0.0.0.0:8337"]

# ---- a worker on CPU cores --------------------------------------------------
FROM ${RUNTIME_IMAGE} AS worker
RUN useradd --system --uid 10001 --home-dir /var/lib/assay --create-home assay
COPY --from=build /opt/libtorch/torch/lib /opt/libtorch/torch/lib
COPY --from=build /opt/libtorch/nvidia /opt/libtorch/nvidia
COPY --from=build /usr/local/bin/assay-worker /usr/local/bin/assay-worker
USER assay
ENTRYPOINT ["assay-worker"]

# ---- a worker on a GPU: the same binary beside all of libtorch --------------
FROM ${RUNTIME_IMAGE} AS libtorch-gpu
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m pip install --quiet --no-cache-dir --target /opt/libtorch torch==2.11.0 \
 && rm -rf /opt/libtorch/torch/include

FROM worker AS worker-gpu
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=libtorch-gpu /opt/libtorch /opt/libtorch

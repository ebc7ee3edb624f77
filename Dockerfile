# docker build -t pith .                      CPU
# docker build -t pith:cuda --target cuda .   NVIDIA GPU
#
# Each step is a make target that the checks run as well; nothing is done here that is not done there.

FROM golang:1.26-bookworm AS source
# The image says local; go.mod names the toolchain whose standard library has no known holes.
ENV GOTOOLCHAIN=auto
RUN apt-get update && apt-get install -y --no-install-recommends python3-pip && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .

FROM source AS build-cpu
RUN make install PREFIX=/out

FROM source AS build-cuda
RUN make install PREFIX=/out ONNXRUNTIME_FLAGS=--cuda

FROM nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04 AS cuda
COPY --from=build-cuda /out /usr/local
ENV PITH_LISTEN=0.0.0.0:8484 PITH_DEVICE=auto
EXPOSE 8484
USER 65532:65532
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s CMD ["pith", "doctor", "--ready", "http://127.0.0.1:8484"]
ENTRYPOINT ["pith"]
CMD ["serve"]

# Last, so that it is what a plain `docker build` makes.
FROM debian:bookworm-slim AS cpu
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libstdc++6 && rm -rf /var/lib/apt/lists/*
COPY --from=build-cpu /out /usr/local
ENV PITH_LISTEN=0.0.0.0:8484
EXPOSE 8484
USER 65532:65532
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s CMD ["pith", "doctor", "--ready", "http://127.0.0.1:8484"]
ENTRYPOINT ["pith"]
CMD ["serve"]

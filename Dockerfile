# Cloakroom as an image of one static binary: no shell, no package manager, no root.
#
#   docker build -t cloakroom .
#   docker run -p 8080:8080 -v ./cloakroom.toml:/etc/cloakroom/cloakroom.toml:ro -v cloakroom:/var/lib/cloakroom cloakroom
#
# In the configuration: server.listen = ["0.0.0.0:8080"], server.admin_listen = "0.0.0.0:9090" (keep it inside), store.url = "sqlite:/var/lib/cloakroom/cloakroom.db".
# The master key: mount it readable by user 65532 only, and name it in CLOAKROOM_STORE_MASTER_KEY_FILE.

FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends musl-tools \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# The toolchain first: this layer stays while the code changes.
COPY rust-toolchain.toml .
RUN rustup target add "$(uname -m)-unknown-linux-musl"
COPY . .
RUN cargo build --release --locked --package cloakroom-server --bin cloakroom --target "$(uname -m)-unknown-linux-musl" \
 && install -D "target/$(uname -m)-unknown-linux-musl/release/cloakroom" /image/cloakroom \
 # For upstreams that speak https.
 && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
 && install -d -m 0700 -o 65532 -g 65532 /image/var/lib/cloakroom \
 && printf 'cloakroom:x:65532:65532::/var/lib/cloakroom:/nologin\n' > /image/etc/passwd \
 && printf 'cloakroom:x:65532:\n' > /image/etc/group

FROM scratch
COPY --from=build /image /
# By number, so that a cluster can see without looking inside that it is not root.
USER 65532:65532
WORKDIR /var/lib/cloakroom
VOLUME /var/lib/cloakroom
EXPOSE 8080
# Drains its connections, as on `docker stop`.
STOPSIGNAL SIGTERM
# No HEALTHCHECK: there is nothing in the image to ask with. Ask the admin listener's /readyz from outside.
ENTRYPOINT ["/cloakroom"]
CMD ["serve", "--config", "/etc/cloakroom/cloakroom.toml"]

#!/bin/sh
# Build an image: docker/build.sh [TARGET] [further `docker build` arguments]      (default: cpu)
#
#   IMAGE=bitforbit:TARGET    the image's name
#   BASE_IMAGE=               another base, such as bitforbit-base:trixie from docker/base/build.sh
#   DOCKER=docker             the client; unset, /usr/bin/docker steps in for one without BuildKit
#   BITFORBIT_PIP_CONF=       pip.conf of a private index   } handed over as build secrets, never in the image;
#   BITFORBIT_CA_BUNDLE=      CA bundle of that index        } an empty value hands over none
#   BITFORBIT_BUILD_NETWORK=  network of the build steps: host, where a bridge reaches nothing
#
# Unset, the two files are what pip itself would use here: PIP_CONFIG_FILE, else /etc/pip.conf;
# PIP_CERT, REQUESTS_CA_BUNDLE or SSL_CERT_FILE, else the system's bundle.
set -eu

cd "$(dirname "$0")/.."
target=${1:-cpu}
[ $# -eq 0 ] || shift
IMAGE=${IMAGE:-bitforbit:$target}

die() {
    echo "docker/build.sh: $*" >&2
    exit 2
}

first_file() { # of the arguments that name a readable file
    for file; do
        if [ -n "$file" ] && [ -f "$file" ] && [ -r "$file" ]; then
            echo "$file"
            return
        fi
    done
}

# From 23.0 on, a client builds with BuildKit through the buildx plugin alone.
can_build() {
    version=$("$1" version --format '{{.Client.Version}}' 2>/dev/null) || return 1
    [ "${version%%.*}" -lt 23 ] || "$1" buildx version >/dev/null 2>&1
}

if [ -z "${DOCKER:-}" ]; then
    DOCKER=docker
    can_build docker || ! can_build /usr/bin/docker || DOCKER=/usr/bin/docker
fi
command -v "$DOCKER" >/dev/null 2>&1 || die "no '$DOCKER' found: install Docker, or set DOCKER to the client's path"
"$DOCKER" version >/dev/null 2>&1 || die "'$DOCKER' does not reach a daemon: start it, or join the docker group"
can_build "$DOCKER" || die "'$DOCKER' cannot use BuildKit: install its buildx plugin, or set DOCKER to another client"
grep -qi "^FROM .* AS $target\$" docker/Dockerfile || die "no target '$target' in docker/Dockerfile"

pip_conf=$(first_file "${BITFORBIT_PIP_CONF-${PIP_CONFIG_FILE:-/etc/pip.conf}}")
ca_bundle=$(first_file ${BITFORBIT_CA_BUNDLE+"$BITFORBIT_CA_BUNDLE"})
if [ -z "${BITFORBIT_CA_BUNDLE+set}" ]; then
    ca_bundle=$(first_file "${PIP_CERT:-}" "${REQUESTS_CA_BUNDLE:-}" "${SSL_CERT_FILE:-}" \
        /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem)
fi

set -- --file docker/Dockerfile --target "$target" --tag "$IMAGE" "$@"
[ -z "$pip_conf" ] || set -- --secret "id=pipconf,src=$pip_conf" "$@"
[ -z "$ca_bundle" ] || set -- --secret "id=ca,src=$ca_bundle" "$@"
[ -z "${BASE_IMAGE:-}" ] || set -- --build-arg "BASE_IMAGE=$BASE_IMAGE" "$@"
[ -z "${BITFORBIT_BUILD_NETWORK:-}" ] || set -- --network "$BITFORBIT_BUILD_NETWORK" "$@"

# What pyproject.toml says of the project goes into the policy's variables and into the labels.
project() { # TITLE=name: a quoted key of [project], as a build argument
    sed -n "/^\[project\]/,/^\[/s/^${1#*=} *= *\"\(.*\)\"\$/${1%%=*}=\1/p" pyproject.toml | head -n 1
}
pool_size=$(sed -n '/^\[tool\.bitforbit\]/,/^\[/s/^pool-size *= *\([0-9]*\).*/\1/p' pyproject.toml)
[ -z "$pool_size" ] || set -- --build-arg "POOL_SIZE=$pool_size" "$@"

for name in TITLE=name DESCRIPTION=description LICENSES=license VERSION=version; do
    argument=$(project $name)
    [ -z "$argument" ] || set -- --build-arg "$argument" "$@"
done
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' src/bitforbit/__init__.py)
[ -n "$(project VERSION=version)" ] || set -- --build-arg "VERSION=$version" "$@"
if revision=$(git rev-parse --verify --quiet HEAD 2>/dev/null); then
    [ -z "$(git --no-optional-locks status --porcelain 2>/dev/null)" ] || revision=$revision-dirty
    set -- --build-arg "REVISION=$revision" "$@"
fi
if source=$(git config --get remote.origin.url 2>/dev/null); then
    # A URL may carry a password; the label must not.
    source=$(printf '%s\n' "$source" | sed 's|//[^/@]*@|//|')
    set -- --build-arg "SOURCE=$source" "$@"
fi

export DOCKER_BUILDKIT=1
status=0
"$DOCKER" build "$@" . || status=$?
if [ $status -ne 0 ] && [ -z "${BASE_IMAGE:-}" ]; then
    make=image
    [ "$target" = cpu ] || make=image-$target
    echo "docker/build.sh: where no registry is reachable: docker/base/build.sh && BASE_IMAGE=bitforbit-base:trixie make $make" >&2
fi
exit $status

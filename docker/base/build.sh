#!/bin/sh
# Build the images' base from Debian's own packages and import it,
# for machines that reach a Debian mirror but no registry.
#
# usage: docker/base/build.sh [--if-missing] [TAG]      (default TAG: bitforbit-base:trixie)
#
#   SUITE=trixie          Debian release
#   MIRROR=               a mirror's URL (default: deb.debian.org and the security archive)
#   BASE_TAR=             keep the tar under this path
#   SOURCE_DATE_EPOCH=    newest time stamp in the tar (default: the day of the pinned Docker Hub tag)
#   DOCKER=docker         the client
#
# Prints the tar's SHA-256, which is also the layer's diff ID. Two builds from one state of the mirror
# give the same tar; a TAG that already holds it stays as it is.
set -eu

SUITE=${SUITE:-trixie}
MIRROR=${MIRROR:-}
DOCKER=${DOCKER:-docker}
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1789689600}" # 2026-09-18, as in the Dockerfile's BASE_IMAGE
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 TZ=UTC

die() {
    echo "docker/base/build.sh: $*" >&2
    exit 2
}

if_missing=no
if [ "${1:-}" = --if-missing ]; then
    if_missing=yes
    shift
fi
TAG=${1:-bitforbit-base:$SUITE}

command -v "$DOCKER" >/dev/null 2>&1 || die "no '$DOCKER' found: install Docker, or set DOCKER to the client's path"
"$DOCKER" version >/dev/null 2>&1 || die "'$DOCKER' does not reach a daemon: start it, or join the docker group"
if [ $if_missing = yes ] && "$DOCKER" image inspect "$TAG" >/dev/null 2>&1; then
    echo "$TAG is there already" >&2
    exit 0
fi
command -v mmdebstrap >/dev/null 2>&1 || die "no mmdebstrap found: install it with 'apt-get install mmdebstrap'"

# mmdebstrap gives apt a configuration of its own; a proxy of the host's apt still has to count.
if [ -z "${http_proxy:-}" ] && command -v apt-config >/dev/null 2>&1; then
    PROXY=
    eval "$(apt-config shell PROXY Acquire::http::Proxy)"
    if [ -n "$PROXY" ] && [ "$PROXY" != DIRECT ]; then
        export http_proxy="$PROXY"
    fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
tar=${BASE_TAR:-$work/base.tar}

# What Debian's slim images leave out, and their quiet apt; then everything that the building machine
# or the hour would write into the tree.
# shellcheck disable=SC2016  # "$1" is the hook's: the new root
mmdebstrap --quiet --variant=minbase --format=tar \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/groff/*' \
    --dpkgopt='path-exclude=/usr/share/lintian/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-include=/usr/share/locale/locale.alias' \
    --aptopt='Acquire::Languages "none"' \
    --aptopt='Apt::AutoRemove::SuggestsImportant "false"' \
    --customize-hook='printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d" && chmod 0755 "$1/usr/sbin/policy-rc.d"' \
    --customize-hook='cd "$1" && rm -rf etc/resolv.conf etc/hostname etc/machine-id etc/passwd- etc/group- etc/shadow- etc/gshadow- var/lib/dbus/machine-id var/cache/ldconfig/aux-cache var/cache/debconf/*-old var/lib/dpkg/*-old' \
    --customize-hook='find "$1/var/log" -type f -delete' \
    "$SUITE" "$tar" ${MIRROR:+"$MIRROR"} ||
    die "mmdebstrap failed: is the mirror reachable, and does this machine know Debian's keys (debian-archive-keyring)?"

sum=$(sha256sum "$tar" | cut -d' ' -f1)
echo "sha256 $sum" >&2

there=$("$DOCKER" image inspect --format '{{join .RootFS.Layers " "}}' "$TAG" 2>/dev/null || true)
if [ "$there" = "sha256:$sum" ]; then
    echo "$TAG holds this tar already" >&2
else
    "$DOCKER" import --change 'CMD ["bash"]' --message "debian $SUITE minbase, by mmdebstrap" - "$TAG" <"$tar" >/dev/null
    echo "$TAG imported" >&2
fi
echo "$sum"

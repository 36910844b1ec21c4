#!/bin/sh
# Start the project's image on this machine: docker/run.sh RUNS IMAGE ARGUMENT...
#
#   RUNS           the folder of results, mounted on /runs; "" for none
#   DOCKER=docker  the client
#   WORK=          this folder is mounted there too, read-only, and the program starts in it
#
# Data of the project's own is no part of the image. What data.lock records is mounted read-only where the image's
# project looks for it: each file or folder at the top, and what links in it point to outside.
set -eu

cd "$(dirname "$0")/.."
runs=$1 image=$2
shift 2
DOCKER=${DOCKER:-docker}
inside=/opt/bitforbit

die() {
    echo "docker/run.sh: $*" >&2
    exit 2
}

command -v "$DOCKER" >/dev/null 2>&1 || die "no '$DOCKER' found. Next step: install Docker, or set DOCKER"
if ! "$DOCKER" image inspect "$image" >/dev/null 2>&1; then
    "$DOCKER" version >/dev/null 2>&1 || die "'$DOCKER' does not reach a daemon. Next step: start it, or join the docker group"
    case $image in */*) ;; *) die "no image $image here. Next step: make image" ;; esac
fi

bind() { # SOURCE TARGET: as the value of --mount, which is a line of CSV
    case $1$2 in
    *[,\"]*) printf '%s\n%s\n' "source=$1" "target=$2" | sed 's/"/""/g; s/.*/"&"/' | paste -sd , | sed 's/^/type=bind,/' ;;
    *) echo "type=bind,source=$1,target=$2" ;;
    esac
}

set -- "$image" "$@"
if [ -n "$runs" ]; then
    mkdir -p "$runs"
    set -- --mount "$(bind "$(realpath "$runs")" /runs)" "$@"
fi

[ -z "${WORK:-}" ] || set -- --mount "$(bind "$PWD" "$WORK"),readonly" --workdir "$WORK" "$@"

if [ -f data.lock ]; then
    links=0
    # Two blanks after the digest; then the first part of the path.
    while IFS= read -r name; do
        case $name in
        src | golden) continue ;; # in the image, as they were when it was built
        bin | lib) die "data.lock records files in $name/, where the image has its own. Next step: move them to data/" ;;
        esac
        [ -e "$name" ] || die "data.lock records $name, found no such file. Next step: bring it back"
        set -- --mount "$(bind "$(realpath "$name")" "$inside/$name"),readonly" "$@"
        [ -d "$name" ] || continue
        while IFS= read -r link; do
            [ -n "$link" ] || continue
            case $(realpath "$link") in "$(realpath "$name")"/*) continue ;; esac
            links=$((links + 1))
            [ $links -le 50 ] || die "more than 50 links leave $name/. Next step: link folders, not each file"
            points_to=$(readlink "$link")
            case $points_to in /*) ;; *) points_to=$inside/$(dirname "$link")/$points_to ;; esac
            points_to=$(realpath -ms "$points_to")
            case $points_to/ in
            /usr/* | /lib/* | /bin/* | /etc/* | /opt/venv/* | $inside/src/* | $inside/lib/* | $inside/bin/* | /opt/ | /)
                die "$link points to $points_to, where the image has its own. Next step: put the files into $name/" ;;
            esac
            set -- --mount "$(bind "$(realpath "$link")" "$points_to"),readonly" "$@"
        done <<-LINKS
			$(find "$name/" -type l -exec test -e {} ';' -print)
		LINKS
    done <<-ROOTS
		$(sed -n 's|^[0-9a-f]\{64\}  \([^/]*\).*|\1|p' data.lock | sort -u)
	ROOTS
fi

exec "$DOCKER" run --rm --network none --user "$(id -u):$(id -g)" "$@"

#!/usr/bin/env bash
# Unpacks Debian's redis-server and memcached into .cache/reference/, for the conformance tests and the benchmarks.
#
# Nothing is installed: `apt-get download` + `dpkg -x` put the files under one ignored folder, so no maintainer script
# runs, no system service is enabled or started, and no root is needed (a machine whose package lists were never
# fetched is the exception: then `apt-get update` runs, which needs it). What it leaves:
#
#   .cache/reference/usr/bin/{redis-server,redis-cli,redis-benchmark,memcached}
#   .cache/reference/env         LD_LIBRARY_PATH=...; for programs to source or parse
#   .cache/reference/versions    package and version, one a line
#
# A second call is free. Exit 0: the binaries are there and answer --version. Exit 3: they cannot be had here, and the
# last line on stderr says why; callers skip what compares against them and show that line.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${1:-$here/.cache/reference}

unavailable() {
    echo "reference servers unavailable: $*" >&2
    exit 3
}

# redis-server is a link into redis-tools; the libraries are what the two servers link beyond libc, OpenSSL and systemd,
# which every Debian has. Names of Debian 12; one that another release lacks is passed over and the final check decides.
servers=(redis-server redis-tools memcached)
libraries=(libjemalloc2 liblzf1 libatomic1 libevent-2.1-7 libsasl2-2 libhiredis0.14 liblua5.1-0)

multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")
library_path=$target/usr/lib/$multiarch:$target/lib/$multiarch

works() {
    [ -x "$target/usr/bin/redis-server" ] && [ -x "$target/usr/bin/memcached" ] &&
        LD_LIBRARY_PATH=$library_path "$target/usr/bin/redis-server" --version >/dev/null 2>&1 &&
        LD_LIBRARY_PATH=$library_path "$target/usr/bin/memcached" --version >/dev/null 2>&1
}

# Written on every call, so that a repository that was moved has its present path in it.
finish() {
    echo "LD_LIBRARY_PATH=$library_path" >"$target/env"
    exit 0
}

if works; then finish; fi
command -v apt-get >/dev/null && command -v dpkg >/dev/null || unavailable "this is not a Debian (no apt-get and dpkg)"

mkdir -p "$(dirname "$target")"
# Two callers at once (tests and benchmarks) wait for each other instead of unpacking into one another.
exec 9>"$target.lock"
flock 9
if works; then finish; fi

download=$(mktemp -d "$target.download.XXXXXX")
trap 'rm -rf "$download"' EXIT
cd "$download"
if ! apt-get download "${servers[@]}" >log 2>&1; then
    [ "$(id -u)" = 0 ] || unavailable "apt-get download failed and updating the package lists needs root: $(tail -n 1 log)"
    apt-get update >log 2>&1 || unavailable "apt-get update failed: $(tail -n 1 log)"
    apt-get download "${servers[@]}" >log 2>&1 || unavailable "apt-get download failed: $(tail -n 1 log)"
fi
for library in "${libraries[@]}"; do
    apt-get download "$library" >>log 2>&1 || true
done

rm -rf "$target"
mkdir -p "$target"
for package in *.deb; do
    dpkg -x "$package" "$target"
    dpkg-deb -W --showformat='${Package} ${Version}\n' "$package" >>"$target/versions"
done
works || unavailable "unpacked, but they do not start: $(LD_LIBRARY_PATH=$library_path ldd "$target/usr/bin/redis-server" "$target/usr/bin/memcached" 2>&1 | grep 'not found' | tr -s '\n\t' '  ')"
echo "reference servers: $target/usr/bin" >&2
finish

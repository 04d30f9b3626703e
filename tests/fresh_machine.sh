#!/usr/bin/env bash
# Proves that the README's commands work on a fresh machine: a minimal Debian of its own, an empty
# environment and home, and HEAD as it was committed. `make fresh` and `.ci/run` run it.
#
# usage: [SUITE=bookworm] tests/fresh_machine.sh [COMMAND]
#   COMMAND is a line for a shell; else: make demo && make test. SUITE is Debian's; else: trixie.
#
# 1. A folder is made on a disk. It goes at the end, come what may.
# 2. In mounts and processes of their own: debootstrap, this machine's way to packages, the clone.
# 3. The new root becomes `/` by pivot_root: in a chroot the kernel refuses the namespaces that
#    drills need. When the first process ends, all others and all mounts do; then the folder goes.
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."

SUITE="${SUITE:-trixie}" PACKAGES=ca-certificates,git,make CLONE=/srv/giucong NEEDED_GIB=8
APART=(unshare --mount --pid --fork --kill-child --propagation private)

fail() { # WHAT WHY NEXT
  printf 'error: %s\n  why: %s\n  next: %s\n' "$@" >&2
  exit 1
}

main() { # [COMMAND]
  ((EUID == 0)) || fail 'only root can make a fresh Debian' \
    'debootstrap and mounts need it' 'sudo make fresh'
  "${APART[@]}" true || fail 'a fresh machine cannot be shut off from this one' \
    'the kernel refuses namespaces of mounts and processes; is this a container?' \
    'run it on a machine, or in a container that may make them (--privileged)'
  place="$(choose_place)"
  work="$(mktemp -d "$place/giucong-fresh.XXXXXX")" child=
  trap clean_up EXIT
  trap 'exit 130' INT TERM HUP
  # In the background: a trap would wait for what runs in the foreground.
  setpriv --pdeathsig=KILL "${APART[@]}" --mount-proc \
    tests/fresh_machine.sh --inside "$work" "$@" < /dev/null &
  child=$!
  wait "$child"
}

# Gives a folder with room on a disk: memory is for the tests.
choose_place() {
  local place free
  for place in /var/tmp /srv /tmp; do
    free="$(df --output=avail --block-size=1G "$place" | tail -n 1)"
    [[ "$(stat --file-system --format=%T "$place")" == tmpfs ]] || ((free < NEEDED_GIB)) \
      || { echo "$place"; return; }
  done
  fail 'there is no room for a fresh Debian' \
    "none of /var/tmp, /srv and /tmp has $NEEDED_GIB GiB free on a disk" 'make room in /var/tmp'
}

# Ends the first process inside, and with it all others; its parent ends when they have ended.
clean_up() {
  local first=
  trap '' INT TERM HUP
  if [[ -n "$child" ]]; then
    read -r first 2> /dev/null < "/proc/$child/task/$child/children" || true
    kill -KILL "${first:-$child}" 2> /dev/null || true
    wait "$child" 2> /dev/null || true
  fi
  ! grep -qF " $work/" /proc/self/mountinfo || fail "$work was left behind" \
    'something is mounted in it' "unmount it, then: rm -r --one-file-system $work"
  rm -rf --one-file-system "$work"
}

inside() { # WORK [COMMAND]
  local root="$1/root" log="$1/log" name way=()
  for name in http_proxy https_proxy no_proxy PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST \
    PIP_PROXY PIP_CERT CONFORMANCE; do
    [[ -z "${!name:-}" ]] || way+=("$name=${!name}")
  done
  echo "a fresh Debian ($SUITE) for commit $(git -c safe.directory='*' log -1 --format='%h, %s')"
  make_root "$root" > "$log" 2>&1 & # before an `||`, bash would not stop at its first error
  wait $! || fail 'no fresh Debian could be made' \
    "this was done last:"$'\n'"$(tail -n 15 "$log")" \
    'see that packages can be reached (apt-get update), then try again'
  enter "$root"
  setpriv --reuid=65534 --regid=65534 --clear-groups \
    unshare --user --map-root-user --mount --pid --net --fork true \
    || fail 'drills cannot be tried here' 'the kernel refuses namespaces to all but root' \
      'sysctl user.max_user_namespaces=10000 kernel.unprivileged_userns_clone=1; then try again'
  # This shell stays the first process: it takes in what others leave behind.
  env -i "${way[@]}" HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    bash -c "cd $CLONE; ${2:-make demo && make test}"
}

make_root() { # ROOT
  local file data="${CONFORMANCE_DIR:-${PWD%/*}/shared/conformance}"
  if ! command -v debootstrap > /dev/null; then
    apt-get -q update
    apt-get -q install -y --no-install-recommends debootstrap debian-archive-keyring
  fi
  mkdir "$1"
  debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$1" "$(find_mirror)"
  apt-config dump | grep -E '^Acquire::(https?|Check-|Retries)' \
    > "$1/etc/apt/apt.conf.d/99machine" || true
  cp -r /usr/local/share/ca-certificates "$1/usr/local/share/" || true
  chroot "$1" update-ca-certificates
  for file in /etc/hosts /etc/resolv.conf /etc/pip.conf /etc/ssl/certs/ca-certificates.crt \
    ${PIP_CERT:-}; do
    [[ ! -e "$file" ]] || install -D -m 644 "$file" "$1$file"
  done
  # Somebody else's folder is none that git reads without being told.
  git clone -q --depth=1 --upload-pack="git -c safe.directory='*' upload-pack" \
    "file://$PWD" "$1$CLONE"
  [[ ! -d "$data" ]] || { mkdir -p "$1${CLONE%/*}/shared"; cp -r "$data" "$1${CLONE%/*}/shared/"; }
}

# Gives where this machine gets Debian from; nothing: debootstrap knows a place itself.
find_mirror() {
  ! grep -qx 'ID=debian' /etc/os-release || grep -hsoPm 1 '^(URIs:|deb( \[.*?\])?) \Khttps?://\S+' \
    /etc/apt/sources.list{,.d/*.list,.d/*.sources} | head -n 1
}

enter() { # ROOT
  mount --bind "$1" "$1"
  cd "$1"
  mount --rbind /dev dev
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t sysfs sysfs sys
  [[ ! -d /sys/fs/cgroup ]] || mount --rbind /sys/fs/cgroup sys/fs/cgroup
  mkdir .old
  pivot_root . .old
  cd /
  mount -t proc proc /proc
  umount -l /.old
  rmdir /.old
}

case "${1:-}" in
  --inside) inside "${@:2}" ;;
  *) main "$@" ;;
esac; exit # on one line: nothing is read anew from a file that may be another by then

#!/usr/bin/env bash
# Installs what the tests with real clients and with a browser need, and does nothing that is done
# already. Run it as root on Debian:
#
#     scripts/clients.sh
#
# Packages come from apt. What Debian lacks is built by Go into .clients/bin, or into CLIENTS_BIN if it is set.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
bin="${CLIENTS_BIN:-$root/.clients/bin}"
go_minimum="1.26.2" # the most that one of these asks for in its go.mod

# Each client that Go builds: its module, its version, and the package in there.
go_clients=(
  "crane   github.com/google/go-containerregistry  v0.22.1  ./cmd/crane"
  "oras    oras.land/oras                          v1.3.2   ./cmd/oras"
  "helm    helm.sh/helm/v4                         v4.3.1   ./cmd/helm"
  "cosign  github.com/sigstore/cosign/v3           v3.1.3   ./cmd/cosign"
  "regctl  github.com/regclient/regclient          v0.11.7  ./cmd/regctl"
)

# Each command that is needed, and the package it comes from.
declare -A package_of=(
  [skopeo]=skopeo
  [podman]=podman
  [docker]=docker.io
  [dockerd]=docker.io
  [containerd]=containerd
  [ctr]=containerd
  [runc]=runc
  [crun]=crun
  [chromium]=chromium
  [nginx]=nginx-light
  [curl]=curl
  [git]=git
  [update-ca-certificates]=ca-certificates # Go downloads over HTTPS, and trusts nobody without
)

# Daemons live in folders that only root has on its search path.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

fail() {
  echo "scripts/clients.sh: $*" >&2
  exit 1
}

has() {
  command -v "$1" >/dev/null
}

missing_packages() {
  local command
  for command in "${!package_of[@]}"; do
    has "$command" || echo "${package_of[$command]}"
  done | sort -u
}

install_packages() {
  local packages
  mapfile -t packages < <(missing_packages)
  [ ${#packages[@]} -gt 0 ] || return 0
  has apt-get || fail "missing: ${packages[*]}. There is no apt-get here: install them by hand"
  [ "$(id -u)" -eq 0 ] || fail "missing: ${packages[*]}. Run this script as root to install them"

  # Another apt may be at work on a new machine: wait for it rather than fail.
  local apt=(apt-get -q -o DPkg::Lock::Timeout=300)
  export DEBIAN_FRONTEND=noninteractive
  "${apt[@]}" update
  "${apt[@]}" install -y --no-install-recommends "${packages[@]}"
}

# The oldest of the two versions comes first, so it is the minimum unless Go is older.
check_go() {
  local found
  has go || fail "$1 needs Go $go_minimum or newer to build, and there is no go on the PATH"
  found="$(go env GOVERSION)"
  found="${found#go}"
  [ "$(printf '%s\n' "$go_minimum" "$found" | sort -V | head -n 1)" = "$go_minimum" ] ||
    fail "$1 needs Go $go_minimum or newer to build, and $(command -v go) is Go $found"
}

# Builds a client in the folder of its module: `go install` would ask for the list of the module's versions too, which a
# proxy need not have. What was built is remembered beside it, because not every client says its version.
install_go_client() {
  local name="$1" module="$2" version="$3" package="$4" folder
  local built="$bin/.$name.version"
  [ -x "$bin/$name" ] && [ "$(cat "$built" 2>/dev/null)" = "$version" ] && return 0
  check_go "$name"
  mkdir -p "$bin"
  folder="$(cd / && go mod download -json "$module@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')"
  [ -d "$folder" ] || fail "Go could not download $module@$version"
  (
    target="$(cd "$bin" && pwd)/$name"
    cd "$folder" && CGO_ENABLED=0 go build -ldflags='-s -w' -o "$target" "$package"
  )
  "$bin/$name" version >/dev/null || fail "$name was built, but $bin/$name does not run"
  echo "$version" >"$built"
}

# Prints a client's name and the first version number in what the command after it says.
report() {
  local name="$1" said
  shift
  said="$("$@" 2>/dev/null)" || fail "this command failed: $*"
  [[ $said =~ v?[0-9]+\.[0-9][^[:space:],]* ]] || fail "no version in what this says: $*"
  printf '%-10s  %s\n' "$name" "${BASH_REMATCH[0]}"
}

install_packages
for client in "${go_clients[@]}"; do
  read -r name module version package <<<"$client"
  install_go_client "$name" "$module" "$version" "$package"
  report "$name" echo "$version"
done

report skopeo skopeo --version
report podman podman --version
report docker docker --version
report dockerd dockerd --version
report containerd containerd --version
report ctr ctr --version
report runc runc --version
report crun crun --version
report chromium chromium --version
report nginx bash -c 'nginx -v 2>&1'

# Sourced by install.sh: what it needs of this host, and the versions in /opt/chat-server. `current` names the version that
# runs, `previous` the one before; both are symbolic links switched by one rename, so that there is no moment without a
# product. It uses `source` (this folder), `opt`, and `fail` and `say`; it sets `node`, `release`, `is_new` and `staging`.
# shellcheck shell=sh disable=SC2034,SC2154

NODE_OLDEST=20.19

require_node() {
  node=$(command -v node) || fail 69 "Node is missing: install Node $NODE_OLDEST or newer"
  command -v npm > /dev/null || fail 69 'npm is missing: it comes with Node, or as a package of its own'
  node=$("$node" -p 'process.execPath')
  "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); const [x, y] = process.argv[1].split(".").map(Number);
    process.exit(a > x || (a === x && b >= y) ? 0 : 1)' "$NODE_OLDEST" ||
    fail 69 "Node $("$node" --version) is too old: $NODE_OLDEST or newer is needed"
  case $node in
    /root/* | /home/* | /tmp/*) fail 69 "Node is $node, where the unit may not look: install Node for the whole host (a package, or /usr/local)" ;;
  esac
  command -v systemd-sysusers > /dev/null || fail 69 'systemd-sysusers is missing: this host has no systemd'
}

# A checkout installs its packages and builds what is older than its sources; an unpacked package brings dist.
build() {
  if [ -d "$source/src" ] && [ -f "$source/scripts/prepare.mjs" ]; then
    "$node" -e 'import(process.argv[1]).then(({ prepare }) => prepare())' "$source/scripts/prepare.mjs" || fail 69 'the build failed'
  fi
  [ -f "$source/dist/main.js" ] || fail 69 "$source/dist/main.js is missing, and there are no sources to build it from"
}

copy_product() {
  for part in dist docs main.ini main.ini.d cluster.json nginx-sites packaging package.json package-lock.json README.md CHANGELOG.md LICENSE; do
    [ ! -e "$source/$part" ] || cp -R "$source/$part" "$1/"
  done
  mkdir "$1/scripts"
  cp "$source/scripts/install.sh" "$source/scripts/install-release.sh" "$source/scripts/install-upgrade.sh" "$source/scripts/make-certs.sh" "$1/scripts/"
}

# What runs in production: the packages of this folder without those for development, else from npm's registry.
copy_packages() {
  if [ -f "$source/node_modules/.package-lock.json" ] && [ -f "$1/package-lock.json" ]; then
    cp -R "$source/node_modules" "$1/"
    run_npm "$1" prune --offline
  elif [ -f "$1/package-lock.json" ]; then
    run_npm "$1" ci
  else
    run_npm "$1" install --no-save --no-package-lock
  fi
}

run_npm() {
  folder=$1
  shift
  (cd "$folder" && npm "$@" --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null) ||
    fail 69 "npm $1 failed: the packages could not be installed"
}

# Every folder of ours holds this file; what does not is somebody else's and never touched.
MARK=.tandem-release

# A folder or command of this name may belong to another product.
refuse_foreign() {
  if [ -d "$opt" ] && [ ! -L "$opt/current" ] && [ -n "$(ls -A "$opt")" ]; then
    fail 64 "$opt is not empty and not ours: move it away first"
  fi
  if [ -e "$wrapper" ] && ! grep -q 'install.sh makes this /usr/local/bin/chat-server' "$wrapper"; then
    fail 64 "$wrapper is not ours: move it away first"
  fi
}

# The version that this folder holds: its name in `release`, put into $opt if it is not there yet.
add_release() {
  is_new=no
  mkdir -p "$opt"
  chmod 0755 "$opt"
  staging=$(mktemp -d "$opt/.staging.XXXXXX")
  copy_product "$staging"
  version=$("$node" -p 'JSON.parse(require("node:fs").readFileSync(process.argv[1])).version' "$source/package.json")
  # One version number may stand for several builds of a checkout: those are called 0.1.0, 0.1.0.2, 0.1.0.3 …
  release=$version
  builds=1
  for folder in "$opt/$version" "$opt/$version".*; do
    [ -d "$folder" ] || continue
    if diff -rq --exclude=node_modules --exclude="$MARK" "$staging" "$folder" > /dev/null; then
      rm -rf "$staging"
      release=$(basename "$folder")
      say "$folder is this version already"
      return 0
    fi
    build=${folder#"$opt/$version."}
    case $build in *[!0-9]*) ;; *) [ "$build" -le "$builds" ] || builds=$build ;; esac
    release=$version.$((builds + 1))
  done
  copy_packages "$staging"
  touch "$staging/$MARK"
  chown -hR 0:0 "$staging"
  chmod -R u+rwX,go+rX,go-w "$staging"
  mv "$staging" "$opt/$release"
  is_new=yes
  say "put version $release into $opt/$release"
}

# What add_release has put there and nobody will run.
drop_release() {
  [ "$is_new" = no ] || rm -rf "${opt:?}/${release:?}"
}

link() {
  ln -sfn "$2" "$1.new"
  mv -T "$1.new" "$1"
}

switch_to() {
  old=$(readlink "$opt/current" || true)
  [ "$old" != "$1" ] || return 0
  link "$opt/current" "$1"
  [ -z "$old" ] || link "$opt/previous" "$old"
  say "$opt/current is $1 now${old:+, and $old is kept for going back}"
}

remove_old_releases() {
  for folder in "$opt"/*; do
    [ ! -L "$folder" ] && [ -f "$folder/$MARK" ] || continue
    old=$(basename "$folder")
    case $old in current | previous | "$(readlink "$opt/current")" | "$(readlink "$opt/previous" || true)") continue ;; esac
    rm -rf "$folder"
    say "removed version $old"
  done
}

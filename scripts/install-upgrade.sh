# Sourced by install.sh: from one version to another and back. A version is asked about this host's configuration before it is
# switched to, and it stays only if the nodes that served before serve again; else the one before comes back by itself. It uses
# `opt`, `etc`, `node`, `root`, `wait_seconds`, `fail`, `say`, `put_programs` and what install-release.sh has.
# shellcheck shell=sh disable=SC2154

# The nodes of this host, by their files.
node_names() {
  for file in "$etc"/*.env; do
    [ ! -e "$file" ] || basename "$file" .env
  done
}

# A command of the release $1, for the rest of the arguments, as the user and with the files of a node.
chat_server() {
  of=$1
  shift
  sed "s|/usr/bin/node|$node|g; s|/opt/chat-server/current|/opt/chat-server/$of|g" "$opt/$of/packaging/chat-server.sh" |
    setpriv --reuid=chat-server --regid=chat-server --init-groups sh -s -- "$@"
}

# Faults go to standard error. An image has no configuration that is its last.
accepts_config() {
  [ -z "$root" ] || return 0
  for name in $(node_names); do
    chat_server "$1" check-config --node_name "$name" > /dev/null || return 1
  done
}

serves() {
  chat_server "$(readlink "$opt/current")" healthcheck --node_name "$1" > /dev/null 2>&1 || [ $? = 1 ]
}

serving_nodes() {
  ! systemd_runs || for name in $(node_names); do
    ! systemctl --quiet is-active "chat-server@$name" || ! serves "$name" || echo "$name"
  done
}

# Waits until all of them serve. Of those that do not it says which.
all_serve() {
  deadline=$(($(date +%s) + wait_seconds))
  for name in "$@"; do
    until serves "$name"; do
      if [ "$(date +%s)" -ge "$deadline" ]; then
        say "$name does not serve; why: journalctl -u chat-server@$name"
        return 1
      fi
      sleep 1
    done
  done
}

# A node that does not start is noticed by all_serve.
restart_nodes() {
  if systemd_runs; then
    systemctl daemon-reload
    systemctl try-restart 'chat-server@*.service' || true
  else
    echo 'Next:'
    echo '  systemctl daemon-reload'
    echo "  systemctl try-restart 'chat-server@*.service'"
  fi
}

do_upgrade() {
  [ -e "$opt/current" ] || fail 64 "nothing is installed in $opt: use install"
  require_node
  build
  add_release
  if ! accepts_config "$release"; then
    drop_release
    fail 78 "version $version refuses the configuration in $etc, as said above: nothing was changed"
  fi
  old=$(readlink "$opt/current")
  before=$(readlink "$opt/previous" || true)
  served=$(serving_nodes)
  [ "$old" = "$release" ] || undo=go_back # from here on, whatever ends this
  switch_to "$release"
  put_programs "$opt/$release"
  restart_nodes
  # shellcheck disable=SC2086
  if all_serve $served; then
    undo=
    systemd_runs || return 0
    remove_old_releases
    say "the nodes of this host run version $release"
  elif [ -z "$undo" ]; then
    fail 70 "version $release was restarted and does not serve"
  elif go_back; then
    fail 75 "version $version did not serve: $old runs again"
  else
    fail 70 "version $version did not serve, and $old, which is in its place again, does not either"
  fi
}

# Everything as it was before the switch.
go_back() {
  undo=
  link "$opt/current" "$old"
  if [ -n "$before" ]; then link "$opt/previous" "$before"; else rm -f "$opt/previous"; fi
  put_programs "$opt/$old"
  say "going back: $opt/current is $old again"
  restart_nodes
  drop_release
  # shellcheck disable=SC2086
  all_serve $served
}

# Gone back once, `previous` is what runs: doing it again changes nothing.
do_rollback() {
  previous=$(readlink "$opt/previous" || true)
  [ -n "$previous" ] && [ -d "$opt/$previous" ] || fail 64 "there is no version before in $opt"
  old=$(readlink "$opt/current")
  if [ "$old" = "$previous" ]; then
    say "$opt/current is $previous, the version before, already"
    return 0
  fi
  require_node
  accepts_config "$previous" || fail 78 "version $previous refuses the configuration in $etc, as said above: nothing was changed"
  served=$(serving_nodes)
  link "$opt/current" "$previous"
  put_programs "$opt/$previous"
  say "$opt/current is $previous now; $old is there until the next upgrade"
  restart_nodes
  # shellcheck disable=SC2086
  all_serve $served || fail 70 "version $previous does not serve"
  ! systemd_runs || say "the nodes of this host run version $previous"
}

#!/bin/sh
# Installs, upgrades and removes a node of chat-server under systemd; docs/two-hosts.md leads through a whole cluster.
# The product goes into /opt/chat-server/<version> (install-release.sh), the unit into /etc/systemd/system. What a person
# may have edited in /etc/chat-server is never overwritten.
set -eu
umask 022

usage() {
  cat <<'TEXT'
install.sh install --node NAME --mode master|slave [options]
install.sh upgrade     puts the version of this folder beside the old one, asks it whether the configuration is right, and
                       switches to it; if a node that served does not serve again, it goes back by itself
install.sh rollback    switches back to the version before; done twice it stays there
                       --wait SECONDS  for how long a node may take to serve again (both; default 60)
install.sh uninstall   removes the product and its units; keeps /etc/chat-server and /var/lib/chat-server
                       --purge removes these and the user chat-server too (never the database)

Options of install:
  --listen ADDRESS     where Nginx reaches this node (default: main.ini, else 127.0.0.1)
  --port PORT          1024 to 65535 (default: main.ini, else 8260)
  --tls-cert FILE --tls-key FILE   the node's certificate and key; copied to /etc/chat-server/tls
  --config-from DIR    main.ini, main.ini.d and cluster.json come from here (default: those of this folder)
For all:
  --root DIR           works in DIR instead of /, for images; starts and stops nothing
  --help               this text

Exit codes: 0 done; 64 wrong usage; 69 Node, npm or another program is missing, too old, or failed;
  70 ended in the middle, or no version serves; 75 the new version did not serve, the old one runs again;
  78 the version refuses the configuration, nothing was changed.
TEXT
}

fail() {
  code=$1
  shift
  printf 'install.sh: %s\n' "$*" >&2
  exit "$code"
}

say() {
  printf '· %s\n' "$*"
}

systemd_runs() {
  [ -z "$root" ] && [ -d /run/systemd/system ]
}

# The unit and the wrapper of the release in the folder $1, with this host's Node in them.
put_programs() {
  mkdir -p "$root/etc/systemd/system" "$root/usr/local/bin"
  put_program "$1/packaging/chat-server@.service" "$unit" 0644
  put_program "$1/packaging/chat-server.sh" "$wrapper" 0755
}

put_program() {
  sed "s|/usr/bin/node|$node|g" "$1" > "$2.new"
  chmod "$3" "$2.new"
  mv -f "$2.new" "$2"
}

# ---- user and configuration ---------------------------------------------------------------------------------------

make_user() {
  mkdir -p "$root/etc/sysusers.d"
  echo 'u chat-server - "chat-server" /var/lib/chat-server' > "$root/etc/sysusers.d/chat-server.conf"
  systemd-sysusers ${root:+"--root=$root"} chat-server.conf || fail 69 'systemd-sysusers could not make the user chat-server'
  uid=$(sed -n 's/^chat-server:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
  gid=$(sed -n 's/^chat-server:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/group")
  [ -n "$uid" ] && [ -n "$gid" ] || fail 69 'the user chat-server was not made'
}

# Root writes, the node reads, nobody else.
put_file() {
  install -o 0 -g "$gid" -m 0640 "$1" "$2.new"
  mv -f "$2.new" "$2"
}

put_file_once() {
  if [ ! -e "$2" ]; then
    put_file "$1" "$2"
  elif cmp -s "$1" "$2"; then
    say "kept $2"
  else
    say "kept $2, although it differs from what would be put there now"
  fi
}

put_config() {
  install -d -o 0 -g "$gid" -m 0750 "$etc" "$etc/main.ini.d"
  install -d -o "$uid" -g "$gid" -m 0750 "$root/var/lib/chat-server"
  put_file_once "$config_from/main.ini" "$etc/main.ini"
  put_file_once "$config_from/cluster.json" "$etc/cluster.json"
  for file in "$config_from"/main.ini.d/*.ini; do
    [ ! -e "$file" ] || put_file_once "$file" "$etc/main.ini.d/$(basename "$file")"
  done
  certificate= key=
  if [ -n "$tls_cert" ]; then
    install -d -o 0 -g "$gid" -m 0750 "$etc/tls"
    put_file "$tls_cert" "$etc/tls/$name.pem"
    put_file "$tls_key" "$etc/tls/$name.key"
    certificate=/etc/chat-server/tls/$name.pem key=/etc/chat-server/tls/$name.key
  fi
  cat > "$opt/.env.new" <<TEXT
# What differs on this node; the rest is in main.ini, the same on all nodes. Empty: as main.ini says.
CHAT_MULTINODE_MODE=$mode
CHAT_LISTEN=$listen
CHAT_PORT=$port
CHAT_TLS_CERT=$certificate
CHAT_TLS_KEY=$key
TEXT
  put_file_once "$opt/.env.new" "$etc/$name.env"
  rm -f "$opt/.env.new"
}

# ---- commands -----------------------------------------------------------------------------------------------------

do_install() {
  require_node
  refuse_foreign
  make_user
  if [ -e "$opt/current" ]; then
    release=$(readlink "$opt/current")
    say "$opt/$release stays: upgrade changes the version"
  else
    build
    add_release
    switch_to "$release"
  fi
  put_config
  put_programs "$opt/$release"
  if [ -z "$root" ] && ! "$wrapper" check-config --node_name "$name" > /dev/null; then
    echo "Next, set what is named above in $etc, and then:"
  elif systemd_runs; then
    systemctl daemon-reload
    systemctl enable --now "chat-server@$name"
    say "chat-server@$name is enabled and started"
    return 0
  else
    echo 'Next:'
  fi
  echo "  chat-server check-config --node_name $name"
  echo '  systemctl daemon-reload'
  echo "  systemctl enable --now chat-server@$name"
}

in_file() {
  grep -q '^chat-server:' "$root/etc/$1" 2> /dev/null
}

do_uninstall() {
  # A second time there is no unit any more.
  if systemd_runs && [ -e "$unit" ]; then
    systemctl stop 'chat-server@*.service'
    for name in $(node_names); do
      systemctl disable "chat-server@$name"
    done
  fi
  for folder in "$opt"/*; do
    if [ -L "$folder" ] || [ -f "$folder/$MARK" ]; then rm -rf "$folder"; fi
  done
  rm -f "$unit"
  ! grep -qs 'install.sh makes this /usr/local/bin/chat-server' "$wrapper" || rm -f "$wrapper"
  rmdir "$opt" 2> /dev/null || [ ! -d "$opt" ] || say "kept $opt: there is more in it than ours"
  if systemd_runs; then
    systemctl daemon-reload
    systemctl reset-failed 'chat-server@*.service' 2> /dev/null || true
  fi
  if [ "$purge" = no ]; then
    say "removed the product; kept $etc and $root/var/lib/chat-server"
    return
  fi
  rm -rf "$etc" "$root/var/lib/chat-server" "$root/etc/sysusers.d/chat-server.conf" "$root"/etc/systemd/system/chat-server@*.service.d
  # userdel takes the group along on some systems only.
  ! in_file passwd || userdel ${root:+--prefix "$root"} chat-server
  ! in_file group || groupdel ${root:+--prefix "$root"} chat-server
  say 'removed the product, its configuration and its user; the database is as it was'
}

# ---- the command line ---------------------------------------------------------------------------------------------

needs_value() {
  [ "$2" -ge 2 ] || fail 64 "$1 needs a value"
}

[ $# -gt 0 ] || { usage >&2; exit 64; }
command=$1
case $command in
  --help | -h | help) usage; exit 0 ;;
  install | upgrade | rollback | uninstall) shift ;;
  *) fail 64 "unknown command $command; --help shows what there is" ;;
esac
name= mode= listen= port= tls_cert= tls_key= config_from= root= purge=no wait_seconds=60
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --purge) purge=yes; shift; continue ;;
    --*=*) option=${1%%=*} value=${1#*=}; shift ;;
    --*) needs_value "$1" $#; option=$1 value=$2; shift 2 ;;
    *) fail 64 "unknown argument $1; --help shows what there is" ;;
  esac
  case $command$option in
    install--node) name=$value ;;
    install--mode) mode=$value ;;
    install--listen) listen=$value ;;
    install--port) port=$value ;;
    install--tls-cert) tls_cert=$value ;;
    install--tls-key) tls_key=$value ;;
    install--config-from) config_from=$value ;;
    upgrade--wait | rollback--wait) wait_seconds=$value ;;
    *--root) root=$value; [ -n "$root" ] || fail 64 '--root needs a folder' ;;
    *) fail 64 "$command knows no $option; --help shows what there is" ;;
  esac
done
[ "$purge" = no ] || [ "$command" = uninstall ] || fail 64 "$command knows no --purge"

source=$(cd "$(dirname "$0")/.." && pwd -P)
# shellcheck source=scripts/install-release.sh
. "$source/scripts/install-release.sh"
# shellcheck source=scripts/install-upgrade.sh
. "$source/scripts/install-upgrade.sh"
case $wait_seconds in '' | *[!0-9]* | ?????*) fail 64 "--wait $wait_seconds must be a number of seconds" ;; esac
if [ "$command" = install ]; then
  case $name in '' | *[!A-Za-z0-9_.-]*) fail 64 '--node NAME is needed: letters, digits, _ . or -, as in cluster.json' ;; esac
  case $mode in master | slave) ;; *) fail 64 '--mode master or --mode slave is needed' ;; esac
  case $port in *[!0-9]* | ??????*) fail 64 "--port $port must be a number from 1024 to 65535" ;; esac
  if [ -n "$port" ] && { [ "$port" -lt 1024 ] || [ "$port" -gt 65535 ]; }; then
    fail 64 "--port $port must be a number from 1024 to 65535: Nginx has the public ports, a node has no right to them"
  fi
  [ -n "$tls_cert" ] && [ -n "$tls_key" ] || [ -z "$tls_cert$tls_key" ] || fail 64 '--tls-cert and --tls-key are given together'
  config_from=${config_from:-$source}
  for file in ${tls_cert:+"$tls_cert"} ${tls_key:+"$tls_key"} "$config_from/main.ini" "$config_from/cluster.json"; do
    [ -r "$file" ] || fail 64 "$file cannot be read"
  done
fi
[ "$(id -u)" = 0 ] || fail 64 'run it as root'
if [ -n "$root" ]; then
  mkdir -p "$root"
  root=$(cd "$root" && pwd -P)
  [ "$root" != / ] || root=
fi
opt=$root/opt/chat-server
etc=$root/etc/chat-server
unit=$root/etc/systemd/system/chat-server@.service
wrapper=$root/usr/local/bin/chat-server
staging= undo=
trap '[ -z "$staging" ] || rm -rf "$staging"; [ -z "$undo" ] || go_back' EXIT
trap 'exit 70' INT TERM HUP
"do_$command"

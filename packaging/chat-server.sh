#!/bin/sh
# chat-server on a host where install.sh has put it: the binary, told where the files are. With --config it is told
# nothing. It speaks for the node that --node_name or CHAT_NODE_NAME names, else for the only one on this host.
# install.sh makes this /usr/local/bin/chat-server. Run it as root or in the group chat-server: the files hold secrets.
set -eu

etc=/etc/chat-server
main=/opt/chat-server/current/dist/main.js

has_config=no
name=${CHAT_NODE_NAME:-}
before=
for arg; do
  case $arg in
    --config | --config=*) has_config=yes ;;
    --node_name=*) name=${arg#*=} ;;
  esac
  [ "$before" != --node_name ] || name=$arg
  before=$arg
done

if [ "$has_config" = no ]; then
  # The binary takes the main.ini of the folder that it runs in.
  cd "$etc"
  if [ -z "$name" ]; then
    found=
    for file in ./*.env; do
      [ -e "$file" ] || continue
      [ -z "$found" ] || { found=; break; }
      found=$file
    done
    name=${found#./}
    name=${name%.env}
  fi
  if [ -n "$name" ] && [ -r "./$name.env" ]; then
    export CHAT_NODE_NAME="$name" CHAT_CLUSTER_CONFIG="${CHAT_CLUSTER_CONFIG:-$etc/cluster.json}"
    while IFS="=" read -r key value || [ -n "$key" ]; do
      case $key in
        CHAT_*[!A-Z_]*) ;;
        # What the caller has set wins.
        CHAT_*) eval "[ -n \"\${$key:-}\" ]" || export "$key=$value" ;;
      esac
    done < "./$name.env"
  fi
fi
exec /usr/bin/node "$main" "$@"

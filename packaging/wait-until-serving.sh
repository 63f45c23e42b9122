#!/bin/sh
# ExecStartPost of chat-server@.service: waits until the node serves (healthcheck says 0 healthy or 1 degraded).
# Arguments: the path of Node, then the node's flags. Its environment is the unit's, with MAINPID.
#
# A node that lives but does not serve in time is no failure of the unit. It waits for its database by itself and
# comes up when that is back; were this to fail, systemd would kill and start it over and over, which brings no
# database back, costs a start each time, and fails a `systemctl start` at boot for what heals by itself.
# Only a node that has ended is a failure; its own exit code decides whether it is started again.
set -u

# Well below TimeoutStartSec, with the 3 s that a healthcheck may take.
WAIT_SECONDS=30

# Of the clock that nobody sets.
seconds_since_boot() {
  read -r uptime _ < /proc/uptime
  echo "${uptime%%.*}"
}

node=$1
shift
main=$(dirname "$0")/../dist/main.js
deadline=$(($(seconds_since_boot) + WAIT_SECONDS))
while kill -0 "$MAINPID" 2> /dev/null; do
  said=$("$node" "$main" healthcheck "$@" 2>&1)
  case $? in 0 | 1) exit 0 ;; esac
  if [ "$(seconds_since_boot)" -ge "$deadline" ]; then
    # A warning, for the journal.
    echo "${JOURNAL_STREAM:+<4>}the node runs but does not serve after $WAIT_SECONDS s: $said; it goes on trying"
    exit 0
  fi
  sleep 1
done
echo "${JOURNAL_STREAM:+<3>}the node has ended: its last lines in the journal say why" >&2
exit 1

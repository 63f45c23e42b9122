#!/bin/sh
# Certificates for the way from Nginx to the nodes, and from the nodes to PostgreSQL and RabbitMQ: a small CA of your own (made once,
# then kept) and a key with a certificate for each node or service. Run it on one host, as the one who keeps ca.key; see docs/two-hosts.md.
set -eu
umask 077

# The name that Nginx asks for (proxy_ssl_name in chat-proxy.inc): its upstreams hold several nodes, so each
# certificate carries this name too.
COMMON_NAME=chat-node
CA_DAYS=3650
NODE_DAYS=825

usage() {
  cat <<'TEXT'
make-certs.sh [--out DIR] [--force] NAME[,ADDRESS…] …

For each NAME it makes DIR/NAME.key and DIR/NAME.pem, signed by DIR/ca.pem, which is made first if it is not there.
The certificate is for NAME, the ADDRESSes behind it (IP addresses or names) and chat-node. An example:

  make-certs.sh --out certs chat-master,10.0.0.11 chat-slave,10.0.0.12

  --out DIR   where the files go (default: ./certs)
  --force     make the key and certificate of a node anew although they exist; the CA is always kept
  --help      this text

Exit codes: 0 made; 64 wrong usage, or a file exists; 69 openssl is missing or failed.
TEXT
}

fail() {
  code=$1
  shift
  printf 'make-certs.sh: %s\n' "$*" >&2
  exit "$code"
}

# DNS:… or IP:…, as openssl wants it.
alt_name() {
  case $1 in
    *:*) printf 'IP:%s' "$1" ;;
    *[!0-9.]*) printf 'DNS:%s' "$1" ;;
    *) printf 'IP:%s' "$1" ;;
  esac
}

alt_names() {
  list="DNS:$COMMON_NAME"
  rest=$1,
  while [ -n "$rest" ]; do
    list="$list,$(alt_name "${rest%%,*}")"
    rest=${rest#*,}
  done
  printf '%s' "$list"
}

# A configuration of our own: what the system's openssl.cnf adds differs from host to host.
write_config() {
  cat > "$work/openssl.cnf" <<TEXT
[req]
distinguished_name = name
prompt = no
[name]
CN = $1
[ca]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[node]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = ${2:-DNS:unused}
TEXT
}

run_openssl() {
  openssl "$@" 2> "$work/said" || fail 69 "openssl $1 failed: $(cat "$work/said")"
}

make_key() {
  run_openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}

make_ca() {
  write_config "Tandem chat-server CA"
  make_key "$work/ca.key"
  run_openssl req -x509 -new -sha256 -config "$work/openssl.cnf" -extensions ca -days "$CA_DAYS" \
    -key "$work/ca.key" -out "$work/ca.pem"
  publish ca
}

make_node() {
  write_config "$1" "$(alt_names "$2")"
  make_key "$work/$1.key"
  run_openssl req -new -sha256 -config "$work/openssl.cnf" -key "$work/$1.key" -out "$work/$1.csr"
  run_openssl x509 -req -sha256 -in "$work/$1.csr" -CA "$out/ca.pem" -CAkey "$out/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
    -extfile "$work/openssl.cnf" -extensions node -days "$NODE_DAYS" -out "$work/$1.pem"
  publish "$1"
}

# Both files are whole before the first of them appears.
publish() {
  chmod 0600 "$work/$1.key"
  chmod 0640 "$work/$1.pem"
  mv -f "$work/$1.key" "$out/$1.key"
  mv -f "$work/$1.pem" "$out/$1.pem"
}

out=certs
force=no
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --force) force=yes ;;
    --out) [ $# -ge 2 ] || fail 64 '--out needs a folder'; out=$2; shift ;;
    --out=*) out=${1#*=} ;;
    --) shift; break ;;
    -*) fail 64 "unknown option $1; --help shows what there is" ;;
    *) break ;;
  esac
  shift
done
[ $# -gt 0 ] || fail 64 'no node is named; --help shows how'
[ -n "$out" ] || fail 64 '--out needs a folder'
case $out in -*) out=./$out ;; esac

for node; do
  name=${node%%,*}
  case $name in
    '' | *[!A-Za-z0-9_.-]* | .* | -*) fail 64 "'$name' is no name of a node: letters, digits, _ . or -" ;;
    ca) fail 64 "a node cannot have the name ca: its files would be those of the CA" ;;
  esac
  case $node, in *,,*) fail 64 "'$node': an address behind the name is empty" ;; esac
  case ${node#*,} in *[!A-Za-z0-9_.:,-]*) fail 64 "'$node': addresses are IP addresses or names" ;; esac
  if [ "$force" = no ] && { [ -e "$out/$name.key" ] || [ -e "$out/$name.pem" ]; }; then
    fail 64 "$out/$name.key or .pem exists; --force makes them anew"
  fi
done
command -v openssl > /dev/null || fail 69 'openssl is missing (on Debian: apt-get install openssl)'

mkdir -p "$out"
work=$(mktemp -d "$out/.making.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 70' INT TERM HUP
if [ -e "$out/ca.key" ] && [ -e "$out/ca.pem" ]; then
  echo "kept the CA in $out"
elif [ -e "$out/ca.key" ] || [ -e "$out/ca.pem" ]; then
  fail 64 "only one of $out/ca.key and $out/ca.pem is there: bring the other one back, or move both away"
else
  make_ca
fi
for node; do make_node "${node%%,*}" "$node"; done

echo "What goes where (each over a safe way, such as scp):"
for node; do
  name=${node%%,*}
  echo "  $out/$name.pem, $out/$name.key   to the host of $name: install.sh install --node $name --tls-cert … --tls-key …"
done
echo "  $out/ca.pem   to /etc/chat-server/ca.pem on the host of Nginx (proxy_ssl_trusted_certificate)"
echo "  $out/ca.key   stays here, or offline: who has it can make certificates that Nginx believes"
echo "The nodes' certificates end in $NODE_DAYS days; --force makes new ones."

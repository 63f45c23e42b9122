/**
 * Whose address it is, as far as one person or one household can be told by it: IPv4 as it is, of IPv6 the network that one
 * customer is given (/64), because whoever has one has 2^64 addresses. An IPv4 address in IPv6 form is the IPv4 address.
 * However a proxy writes it (with a port, in brackets, with leading zeros, which are decimal), it has one key. Called where something is counted per address. It never throws: what is no address is its own key.
 */
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
/** IPv4 in IPv6 is ::ffff:0:0/96. */
const MAPPED = ['0', '0', '0', '0', '0', 'ffff'];
const LONGEST = 100;

export function addressKey(ip: string): string {
  const address = withoutPort(ip.slice(0, LONGEST).trim().toLowerCase());
  if (IPV4.test(address)) return address.split('.').map(Number).join('.');
  const groups = groupsOf(address);
  if (groups === undefined) return address.slice(0, LONGEST);
  if (MAPPED.every((group, i) => groups[i] === group)) return groups.slice(6).map(ipv4Bytes).join('.');
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** Nor brackets, nor zone. Without brackets the last group of an IPv6 address is no port. */
function withoutPort(address: string): string {
  const [, inBrackets] = /^\[([^\]]*)\](?::\d*)?$/.exec(address) ?? [];
  const [, ipv4] = /^(\d{1,3}(?:\.\d{1,3}){3}):\d*$/.exec(address) ?? [];
  return (inBrackets ?? ipv4 ?? address).split('%')[0] ?? '';
}

/** The eight groups of an IPv6 address, without leading zeros; undefined: it is none. */
function groupsOf(address: string): readonly string[] | undefined {
  const [head, tail, ...more] = withoutIpv4(address).split('::');
  if (head === undefined || more.length > 0 || !address.includes(':')) return undefined;
  const left = split(head);
  const right = tail === undefined ? [] : split(tail);
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 0) return undefined;
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  return groups.every(group => /^[0-9a-f]{1,4}$/.test(group)) ? groups.map(group => group.replace(/^0+(?=.)/, '')) : undefined;
}

function split(groups: string): readonly string[] {
  return groups === '' ? [] : groups.split(':');
}

/** `::ffff:1.2.3.4` with its last four bytes as two groups. */
function withoutIpv4(address: string): string {
  const end = address.slice(address.lastIndexOf(':') + 1);
  if (!IPV4.test(end)) return address;
  const [a = 0, b = 0, c = 0, d = 0] = end.split('.').map(Number);
  return `${address.slice(0, -end.length)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function ipv4Bytes(group: string): string {
  const number = Number.parseInt(group, 16);
  return `${number >> 8}.${number & 255}`;
}

/** Who counts as one by his address. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressKey } from '../../src/protocol/address.ts';

const TABLE: readonly (readonly [ip: string, key: string])[] = [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:192.0.2.7', '192.0.2.7'],
  ['::ffff:c000:207', '192.0.2.7'],
  ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ['', ''],
  ['unknown', 'unknown'],
];

test('an IPv4 address counts as itself, however it is written, one of IPv6 as its network of 64 bits', () => {
  for (const [ip, key] of TABLE) assert.equal(addressKey(ip), key, ip);
});

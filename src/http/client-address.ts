/**
 * From where a request comes, when it is not Express that answers it: upgrades and the calls of visitor-calls.ts. What proxies
 * say counts only as far as they are trusted (trusted_proxies), by the rules of Express itself.
 */
import type { IncomingMessage } from 'node:http';
import express from 'express';
import { addressKey } from '../protocol/address.ts';

export type AddressOf = (request: IncomingMessage) => string;

/** As `addressKey`. */
export function createAddressOf(trustedProxies: readonly string[]): AddressOf {
  const isTrusted = express()
    .set('trust proxy', [...trustedProxies])
    .get('trust proxy fn') as (address: string, distance: number) => boolean;
  return request => {
    const told = request.headers['x-forwarded-for'];
    const forwarded = (Array.isArray(told) ? told.join(',') : (told ?? '')).split(',').map(address => address.trim());
    let from = request.socket.remoteAddress ?? '';
    for (const [distance, address] of forwarded.filter(Boolean).reverse().entries()) {
      if (!isTrusted(from, distance)) break;
      from = address;
    }
    return addressKey(from);
  };
}

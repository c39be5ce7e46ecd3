import { BlockList, isIP, isIPv6 } from 'node:net';
import { withoutBrackets } from '../common/private-network.ts';

/** Maximum number of entries read from `NO_PROXY`. */
const MAX_ENTRIES = 1000;

/**
 * Returns whether `NO_PROXY` exempts a URL, by curl's rules. `NO_PROXY` lists host names (which include their
 * subdomains and may start with a dot), addresses, address ranges (`10.0.0.0/8`, `fd00::/8`), and `*` for everything.
 * An entry may end with a port; an IPv6 address is then in brackets.
 */
export function isExempt(url: URL, noProxy: string): boolean {
  const host = withoutBrackets(url.hostname).toLowerCase().replace(/\.$/, '');
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const entries = noProxy.toLowerCase().split(/[\s,]+/, MAX_ENTRIES);
  return entries.some((entry) => {
    if (entry === '*') return true;
    const [pattern, entryPort] = splitPort(entry);
    if (entryPort !== undefined && entryPort !== port) return false;
    return isIP(host) === 0 ? isInDomain(host, pattern) : isInRange(host, pattern);
  });
}

function splitPort(entry: string): readonly [pattern: string, port: string | undefined] {
  const [, address, prefix = '', ipv6Port] = /^\[([^\]]+)\](\/\d+)?(?::(\d+))?$/.exec(entry) ?? [];
  if (address !== undefined) return [`${address}${prefix}`, ipv6Port];
  if (isIPv6(entry.split('/', 1)[0] ?? '')) return [entry, undefined];
  const [, pattern = entry, port] = /^(.+):(\d+)$/.exec(entry) ?? [];
  return [pattern, port];
}

function isInDomain(host: string, pattern: string): boolean {
  const domain = pattern.replace(/^\*?\.+/, '').replace(/\.$/, '');
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}

function isInRange(host: string, pattern: string): boolean {
  const [address = '', prefix, ...rest] = pattern.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  const maxBits = family === 4 ? 32 : 128;
  const bits = prefix === undefined ? maxBits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (!(bits <= maxBits)) return false;
  const range = new BlockList();
  range.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  return range.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}

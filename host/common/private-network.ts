import { BlockList, isIP } from 'node:net';

/**
 * This machine, private and link-local networks: addresses that nobody in between can eavesdrop on, and that a public
 * server has no reason to name. Sources: RFC 1122, 1918, 3927, 4291, 4193.
 */
const NETWORKS = [
  ['0.0.0.0', 8, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['::', 127, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
] as const;

/**
 * Returns whether a URL's host name is this machine or an address in a private network. Other names, which DNS resolves,
 * are neither.
 */
export function isPrivateHost(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '').toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  return isPrivateAddress(withoutBrackets(name));
}

/** Returns a URL's host name as sockets take it: an IPv6 address without brackets. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Returns whether an IP address is this machine's or one in a private network; false for anything else. */
export function isPrivateAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const networks = new BlockList();
  for (const [network, prefix, family] of NETWORKS) networks.addSubnet(network, prefix, family);
  return networks.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

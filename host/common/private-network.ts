import { BlockList, isIP } from 'node:net';

/**
 * Addresses of this computer and of private and link-local networks: traffic to them does not pass through public
 * networks, and public servers have no reason to refer to them. Sources: RFC 1122, 1918, 3927, 4291, 4193.
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
 * Returns whether a URL's host name is this computer or an address in a private network. Returns false for names that
 * DNS resolves.
 */
export function isPrivateHost(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '').toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  return isPrivateAddress(withoutBrackets(name));
}

/** Returns a URL's host name in the form for sockets: an IPv6 address without brackets. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Returns whether an IP address belongs to this computer or a private network; false for anything else. */
export function isPrivateAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return false;
  const networks = new BlockList();
  for (const [network, prefix, family] of NETWORKS) networks.addSubnet(network, prefix, family);
  return networks.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isPrivateAddress } from '../common/private-network.ts';
import { HubError } from './hub-error.ts';

/**
 * Resolves a server name like Node.js, and fails with `REDIRECT_REFUSED` if any of its addresses is in a private
 * network: the owner of a public name controls its addresses. This is checked when the connection is opened, because an
 * earlier check could get a different answer from DNS.
 */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, options, (error, address: string | LookupAddress[], family) => {
    const addresses = typeof address === 'string' ? [address] : (address ?? []).map((entry) => entry.address);
    const found = error === null ? addresses.find(isPrivateAddress) : undefined;
    callback(found === undefined ? error : refused(hostname, found), address, family);
  });
};

function refused(hostname: string, found: string): HubError {
  return new HubError(
    'REDIRECT_REFUSED',
    `A public server redirected to ${hostname}, which is in a private network (${found}). That is not allowed.`,
    { details: { host: hostname, found } },
  );
}

import { HostError } from '../common/errors.ts';
import { isPrivateHost } from '../common/private-network.ts';
import type { RemoteEngineEntry } from '../configuration/config-file.ts';

/** The address and settings of a remote engine, from an entry of the configuration. */
export interface Endpoint {
  readonly name: string;
  /** Base address without a trailing slash; the paths of the API are appended. */
  readonly base: string;
  /** Whether it is on this computer or in a private network. */
  readonly isPrivate: boolean;
  /** The models to offer; undefined for all. */
  readonly models: readonly string[] | undefined;
  readonly keyVariable: string | undefined;
  readonly takesMoreSettings: boolean;
  /** Maximum time until the first text, in milliseconds. */
  readonly firstTextMs: number;
  /** Maximum pause within an answer, in milliseconds. */
  readonly idleMs: number;
}

/** Default: a slow computer can process a long prompt for minutes before the first token. */
const FIRST_TEXT_SECONDS = 300;

/** Default: a working engine sends data more often than this within an answer. */
const IDLE_SECONDS = 60;

/**
 * Converts an entry of the configuration to an endpoint.
 *
 * @throws HostError `CONFIG_UNUSABLE` for an invalid URL, a URL with credentials or a query, or plain HTTP outside
 * private networks unless the entry allows it.
 */
export function readEndpoint(entry: RemoteEngineEntry): Endpoint {
  const { name, models, keyVariable, firstTextSeconds, idleSeconds } = entry;
  const url = URL.canParse(entry.url) ? new URL(entry.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw unusable(name, 'an http or https URL such as "http://127.0.0.1:8080/v1"');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw unusable(name, 'a URL without credentials, query or fragment (API keys are saved separately)');
  }
  const isPrivate = isPrivateHost(url.hostname);
  if (url.protocol === 'http:' && !isPrivate && entry.plainHttp !== true) {
    throw unusable(
      name,
      'an https URL, because http is not encrypted and this address is not in a private network; ' +
        '"plainHttp": true allows it anyway',
    );
  }
  const path = url.pathname.replace(/\/+$/, '');
  return {
    name,
    base: `${url.origin}${path === '' ? '/v1' : path}`,
    isPrivate,
    models,
    keyVariable,
    takesMoreSettings: entry.moreSettings ?? isPrivate,
    firstTextMs: (firstTextSeconds ?? FIRST_TEXT_SECONDS) * 1000,
    idleMs: (idleSeconds ?? IDLE_SECONDS) * 1000,
  };
}

function unusable(name: string, expected: string): HostError {
  return new HostError(
    'CONFIG_UNUSABLE',
    `Invalid URL for remote engine "${name}" in config.json: expected ${expected}.`,
    {
      details: { engine: name, field: 'remoteEngines.url' },
    },
  );
}

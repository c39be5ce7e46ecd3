import { isHostError } from '../../common/errors.ts';
import type { HostConfig } from '../../config.ts';
import type { Client } from '../client.ts';
import type { Finding } from './finding.ts';

/** Longest the hub may take, milliseconds: a host that cannot reach it would try for half a minute. */
const HUB_TIMEOUT_MS = 10_000;

/** A model that does not exist: "not found" shows that the hub responds. */
const NO_MODEL = { modelId: 'tabagent/no-such-repository/none.gguf' };

/** Errors that show that the hub responds. Some respond with 401 for what they do not have. */
const ANSWERS = ['REPO_NOT_FOUND', 'FILE_NOT_FOUND', 'REVISION_NOT_FOUND', 'UNAUTHORIZED', 'GATED_REPO'];

/** Checks whether the hub can be reached, and whether it accepts the access token. */
export async function examineHub(client: Client, config: HostConfig): Promise<readonly Finding[]> {
  const hub = await reach(client, config);
  const { payload } = await client.request('GET_HF_TOKEN_STATUS', {});
  if (payload.warning === undefined) return hub;
  const { message, source } = payload.warning;
  return [...hub, { check: 'access token', status: 'warning', message, details: { source } }];
}

async function reach(client: Client, { hubEndpoint, env }: HostConfig): Promise<readonly Finding[]> {
  const check = 'hub';
  const reachable: Finding = { check, status: 'ok', message: `${hubEndpoint} is reachable.` };
  const timeout = AbortSignal.timeout(HUB_TIMEOUT_MS);
  try {
    await client.request('RECOMMEND_SPLIT', NO_MODEL, { signal: timeout });
    return [reachable];
  } catch (error) {
    if (!isHostError(error) && !timeout.aborted) throw error;
    const code = isHostError(error) ? error.code : 'HUB_UNREACHABLE';
    if (ANSWERS.includes(code)) return [reachable];
    const known = isHostError(error) && !timeout.aborted;
    const message = known ? error.message : `${hubEndpoint} did not respond within ${HUB_TIMEOUT_MS / 1000} seconds.`;
    if (code === 'OFFLINE') {
      return [
        {
          check,
          status: 'warning',
          message: 'Offline mode is on (HF_HUB_OFFLINE is set).',
          fix: 'Unset HF_HUB_OFFLINE to download models.',
        },
      ];
    }
    if (code === 'RATE_LIMITED')
      return [{ check, status: 'warning', message, fix: 'Wait and try again, or set HF_TOKEN for a higher limit.' }];
    const proxy = env.HTTPS_PROXY || env.https_proxy ? 'the proxy in HTTPS_PROXY' : 'HTTPS_PROXY (if you use a proxy)';
    const fix = `Check the network connection, ${proxy} and HF_ENDPOINT. Downloaded models work offline.`;
    return [{ check, status: 'failed', message, fix, details: { code } }];
  }
}

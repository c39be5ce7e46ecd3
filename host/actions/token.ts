import { findToken } from '../hub/token.ts';
import { HUB_TOKEN } from '../secrets/names.ts';
import type { Actions, Parts } from './action.ts';

/** What is known of the token, without the token. */
async function statusOf(parts: Parts) {
  const kept = await (await parts.secrets()).get(HUB_TOKEN);
  const found = await findToken(parts.config.env, async () => kept);
  return {
    has_token: found !== undefined,
    source: found?.source ?? null,
    kept: kept !== undefined,
    endpoint: parts.config.hubEndpoint,
  };
}

export const actions: Actions<'SET_HF_TOKEN' | 'GET_HF_TOKEN_STATUS' | 'CLEAR_HF_TOKEN'> = {
  async SET_HF_TOKEN({ token }, { parts }) {
    await (await parts.secrets()).set(HUB_TOKEN, token);
    const payload = await statusOf(parts);
    const message =
      payload.source === 'SET_HF_TOKEN'
        ? 'Token kept'
        : `Token kept, but the one in ${payload.source} is used: take that away to use this one`;
    return { payload, topLevel: payload, message };
  },

  async GET_HF_TOKEN_STATUS(_request, { parts }) {
    const payload = await statusOf(parts);
    return { payload, topLevel: payload };
  },

  async CLEAR_HF_TOKEN(_request, { parts }) {
    const cleared = await (await parts.secrets()).clear(HUB_TOKEN);
    const payload = await statusOf(parts);
    const still = payload.source === null ? '' : `. The one in ${payload.source} is none of this host's, and is used`;
    return { payload, topLevel: payload, message: `${cleared ? 'Token removed' : 'There was no token'}${still}` };
  },
};

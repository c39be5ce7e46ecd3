import { findToken } from '../hub/token.ts';
import { HUB_TOKEN } from '../secrets/names.ts';
import { IN_KEYCHAIN } from '../secrets/secrets.ts';
import type { Actions, Services } from './action.ts';

/** What is known of the token, without the token: a keychain that has it is not asked, and asks nobody for a password. */
async function statusOf(parts: Services) {
  const { env } = parts.config;
  const place = await (await parts.secrets()).placeOf(HUB_TOKEN);
  const isGiven = Boolean(env.HF_TOKEN?.trim());
  const source = place === undefined || isGiven ? ((await findToken(env))?.source ?? null) : place;
  return { has_token: source !== null, source, kept: place !== undefined, endpoint: parts.config.hubEndpoint };
}

const CLEARED = {
  removed: 'Token removed',
  left: "Token forgotten; the system's keychain would not remove its entry of TabAgent, which you may",
  none: 'There was no token',
};

export const actions: Actions<'SET_HF_TOKEN' | 'GET_HF_TOKEN_STATUS' | 'CLEAR_HF_TOKEN'> = {
  async SET_HF_TOKEN({ token }, { services }) {
    await (await services.secrets()).set(HUB_TOKEN, token);
    const payload = await statusOf(services);
    const { source } = payload;
    const message =
      source !== 'HF_TOKEN'
        ? `Token kept in ${source === IN_KEYCHAIN ? "the system's keychain" : source}`
        : `Token kept, but the one in ${source} is used: take that away to use this one`;
    return { payload, topLevel: payload, message };
  },

  async GET_HF_TOKEN_STATUS(_request, { services }) {
    const payload = await statusOf(services);
    return { payload, topLevel: payload };
  },

  async CLEAR_HF_TOKEN(_request, { services }) {
    const cleared = await (await services.secrets()).clear(HUB_TOKEN);
    const payload = await statusOf(services);
    const still = payload.source === null ? '' : `. The one in ${payload.source} is none of this host's, and is used`;
    return { payload, topLevel: payload, message: `${CLEARED[cleared ?? 'none']}${still}` };
  },
};

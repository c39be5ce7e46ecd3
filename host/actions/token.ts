import { findToken } from '../hub/token.ts';
import * as declared from '../protocol/actions/token.ts';
import { HUB_TOKEN_NAME } from '../secrets/names.ts';
import { KEYCHAIN_LOCATION } from '../secrets/secrets.ts';
import type { Services } from '../services.ts';
import { handle } from './action.ts';
import { hubWarning } from './hub-warning.ts';

/** Returns the status of the token. Does not read it from the keychain, which could ask the user for a password. */
async function statusOf(services: Services) {
  const { config, secrets } = services;
  const { env, hubEndpoint: endpoint } = config;
  const place = await (await secrets()).locationOf(HUB_TOKEN_NAME);
  const isInEnvironment = Boolean(env.HF_TOKEN?.trim());
  const source = place === undefined || isInEnvironment ? ((await findToken(env))?.source ?? null) : place;
  const saved = place !== undefined;
  return { has_token: source !== null, source, saved, kept: saved, endpoint, ...(await hubWarning(services)) };
}

const CLEARED = {
  removed: 'Token removed',
  left: 'Token removed. The system keychain did not delete its entry for TabAgent; you can delete it yourself',
  none: 'There was no saved token',
};

export const setHfToken = handle(declared.setHfToken, async ({ token }, { services }) => {
  await (await services.secrets()).set(HUB_TOKEN_NAME, token);
  (await services.hub.current())?.forgetRejectedToken();
  const payload = await statusOf(services);
  const { source } = payload;
  const message =
    source !== 'HF_TOKEN'
      ? `Token saved in ${source === KEYCHAIN_LOCATION ? 'the system keychain' : source}`
      : `Token saved, but ${source} takes precedence. Unset it to use the saved token`;
  return { payload, message };
});

export const getHfTokenStatus = handle(declared.getHfTokenStatus, async (_request, { services }) => {
  return { payload: await statusOf(services) };
});

export const clearHfToken = handle(declared.clearHfToken, async (_request, { services }) => {
  const cleared = await (await services.secrets()).clear(HUB_TOKEN_NAME);
  (await services.hub.current())?.forgetRejectedToken();
  const payload = await statusOf(services);
  const remaining = payload.source === null ? '' : `. The token in ${payload.source} is still used`;
  return { payload, message: `${CLEARED[cleared ?? 'none']}${remaining}` };
});

import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS } from '../errors.ts';
import { field, hubWarning, nullable } from '../fields.ts';

/** A secret as it can stand in an HTTP header. */
export const secret = (what: string) =>
  v.pipe(v.string(), v.trim(), v.regex(/^[\x21-\x7e]{1,4096}$/, `${what}: visible ASCII characters without spaces`));

const tokenStatus = v.object({
  has_token: field(v.boolean(), 'Whether an access token is set.'),
  source: nullable(
    v.string(),
    'Where it comes from: `HF_TOKEN`, `keychain` (the system keychain) or the path of a file; null without a token.',
  ),
  saved: field(v.boolean(), 'Whether a token set with `SET_HF_TOKEN` is saved, even if `HF_TOKEN` takes precedence.'),
  kept: field(v.boolean(), 'Alias of `saved`.'),
  endpoint: field(v.string(), 'The server the token is sent to, and no other.'),
  ...hubWarning,
});

const errors = ['KEYCHAIN_UNAVAILABLE', ...CACHE_ERRORS] as const;

export const setHfToken = defineAction({
  name: 'SET_HF_TOKEN',
  summary: 'Saves the Hugging Face access token. No reply ever contains it.',
  request: { token: field(secret('an access token'), 'The access token.') },
  response: tokenStatus,
  topLevel: 'payload',
  errors,
});

export const getHfTokenStatus = defineAction({
  name: 'GET_HF_TOKEN_STATUS',
  summary: 'Returns whether an access token is set and where it comes from.',
  request: {},
  response: tokenStatus,
  topLevel: 'payload',
  errors,
});

export const clearHfToken = defineAction({
  name: 'CLEAR_HF_TOKEN',
  summary: 'Removes the saved access token.',
  request: {},
  response: tokenStatus,
  topLevel: 'payload',
  errors,
});

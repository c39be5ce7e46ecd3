import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { ENGINE_NAME } from '../engine-name.ts';
import { CACHE_ERRORS } from '../errors.ts';
import { count, errorInfo, field, nullable, optional } from '../fields.ts';
import { secret } from './token.ts';

const engineName = v.pipe(v.string(), v.regex(ENGINE_NAME, 'the name of a remote engine in config.json'));

export const listRemoteEngines = defineAction({
  name: 'LIST_REMOTE_ENGINES',
  summary: 'Lists the configured remote engines and whether each is reachable.',
  request: {},
  response: v.object({
    engines: field(
      v.array(
        v.object({
          name: field(v.string(), 'Its name. The ids of its models are `remote/<name>/<model>`.'),
          url: nullable(v.string(), 'Its base URL; null if the configured one is not valid.'),
          key_source: nullable(
            v.string(),
            'Where its API key comes from: `SET_REMOTE_KEY`, the name of an environment variable, or null without a key.',
          ),
          reachable: field(v.boolean(), 'Whether it responded.'),
          answers: field(v.boolean(), 'Alias of `reachable`.'),
          models: field(count, 'The number of its models.'),
          error: optional(errorInfo, 'Why it is not reachable.'),
        }),
      ),
      'The remote engines.',
    ),
  }),
});

const keySaved = v.object({
  engine: field(v.string(), 'The name of the remote engine.'),
  saved: field(v.boolean(), 'Whether an API key is saved for it now.'),
  kept: field(v.boolean(), 'Alias of `saved`.'),
});

const errors = ['REMOTE_NOT_CONFIGURED', 'KEYCHAIN_UNAVAILABLE', ...CACHE_ERRORS] as const;

export const setRemoteKey = defineAction({
  name: 'SET_REMOTE_KEY',
  summary: 'Saves the API key of a remote engine where only this user can read it.',
  request: {
    engine: field(engineName, 'The name of the remote engine.'),
    key: field(secret('an API key'), 'The API key. It is sent only to the URL of that engine; no reply contains it.'),
  },
  response: keySaved,
  errors,
});

export const clearRemoteKey = defineAction({
  name: 'CLEAR_REMOTE_KEY',
  summary: 'Removes the saved API key of a remote engine.',
  request: { engine: field(engineName, 'The name of the remote engine.') },
  response: keySaved,
  errors,
});

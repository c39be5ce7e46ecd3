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
          configured: field(v.boolean(), 'Whether it is in `config.json`, and not only found on this computer.'),
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

const configured = { engine: field(v.string(), 'The name of the remote engine.') };

export const addRemoteEngine = defineAction({
  name: 'ADD_REMOTE_ENGINE',
  summary:
    'Adds a remote engine to `config.json` in two steps: the first request returns what the user has to confirm, the second one repeats it with `confirmation`.',
  request: {
    engine: field(engineName, 'The name of the remote engine: lower-case letters, digits, ".", "_" and "-".'),
    url: field(
      v.pipe(v.string(), v.trim(), v.maxLength(2048)),
      'The base URL of its API, such as `https://api.example.com/v1`.',
    ),
    models: optional(
      v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(512))), v.maxLength(200)),
      'The models to offer. Default: all that the engine lists.',
    ),
    plain_http: optional(
      v.boolean(),
      'Allow an `http` URL beyond this computer and private networks, where others can read the traffic.',
    ),
    confirmation: optional(v.pipe(v.string(), v.maxLength(100)), 'The code of the first reply, once the user agrees.'),
  },
  response: v.object({
    ...configured,
    url: field(v.string(), 'Its base URL.'),
    added: field(v.boolean(), 'Whether it was added now.'),
    confirmation: optional(
      v.object({
        code: field(v.string(), 'What `confirmation` must contain in the second request. Valid for ten minutes.'),
        host: field(v.string(), 'The host, and port, that prompts will be sent to.'),
        encrypted: field(v.boolean(), 'Whether the connection is encrypted.'),
        private_network: field(v.boolean(), 'Whether the host is this computer or in a private network.'),
      }),
      'What the user has to confirm; absent once it was added.',
    ),
  }),
  errors,
  ownExtensionOnly: true,
});

export const removeRemoteEngine = defineAction({
  name: 'REMOVE_REMOTE_ENGINE',
  summary: 'Removes a remote engine from `config.json`, and its saved API key.',
  request: { engine: field(engineName, 'The name of the remote engine.') },
  response: v.object({
    ...configured,
    removed: field(v.boolean(), 'Whether it was in the file. Engines that were found on this computer are not.'),
  }),
  errors,
  ownExtensionOnly: true,
});

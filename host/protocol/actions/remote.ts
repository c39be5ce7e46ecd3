import * as v from 'valibot';
import { ENGINE_NAME } from '../engine-name.ts';

const EngineName = v.pipe(v.string(), v.regex(ENGINE_NAME, 'the name of an engine in config.json'));

/** *Ours*: the engines elsewhere that the configuration names. */
export const ListRemoteEnginesRequest = v.looseObject({});
export const ListRemoteEnginesPayload = v.object({
  engines: v.array(
    v.object({
      /** Its models' ids are `remote/<name>/<model>`. */
      name: v.string(),
      /** Its base address; null where that cannot be used. */
      url: v.nullable(v.string()),
      /** Where its key comes from: `SET_REMOTE_KEY`, the name of a variable, or null where it has none. */
      key_source: v.nullable(v.string()),
      answers: v.boolean(),
      /** Models it lists. */
      models: v.number(),
      /** Why it does not answer. */
      error: v.optional(v.object({ code: v.string(), message: v.string() })),
    }),
  ),
});

/** *Ours*: the key of an engine elsewhere. */
export const SetRemoteKeyRequest = v.looseObject({
  engine: EngineName,
  /** It is kept by the host and sent to that engine's address; no reply has it. */
  key: v.pipe(v.string(), v.trim(), v.regex(/^[\x21-\x7e]{1,4096}$/, 'a key: visible ASCII characters without spaces')),
});
export const ClearRemoteKeyRequest = v.looseObject({ engine: EngineName });

const KeyKept = v.object({
  engine: v.string(),
  /** Whether a key of SET_REMOTE_KEY is kept now. */
  kept: v.boolean(),
});
export const SetRemoteKeyPayload = KeyKept;
export const ClearRemoteKeyPayload = KeyKept;

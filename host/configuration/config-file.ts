import * as v from 'valibot';
import { validate } from '../common/validate.ts';
import { ENGINE_NAME } from '../protocol/engine-name.ts';
import { objectWith } from '../protocol/fields.ts';
import { configUnusable, NOT_VALID, readConfigJson } from './config-text.ts';

/** Plain HTTP is allowed only for this computer. */
const RELEASE_URL = /^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost)[:/])/;

/** A server with an OpenAI-compatible API. Its address is checked when it is used. */
const RemoteEngineSchema = objectWith({
  /** The name in model IDs: `remote/<name>/<model>`. */
  name: v.pipe(v.string(), v.regex(ENGINE_NAME, 'lower-case letters, digits, ".", "_" and "-"')),
  /** The base address, such as `http://127.0.0.1:8080/v1`. */
  url: v.pipe(v.string(), v.maxLength(2048)),
  /** The models to offer; by default, all models that the engine lists. */
  models: v.optional(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(512)))),
  /** The environment variable with the API key; by default, the key saved with SET_REMOTE_KEY, if any. */
  keyVariable: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'the name of a variable'))),
  /** Allows plain HTTP beyond this computer and private networks, where others can read the traffic and the key. */
  plainHttp: v.optional(v.boolean()),
  /**
   * Whether to send settings that OpenAI's API lacks (top_k, min_p, repetition penalty); by default, only in private
   * networks.
   */
  moreSettings: v.optional(v.boolean()),
  /** Maximum time until the first text, in seconds. */
  firstTextSeconds: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(86_400))),
  /** Maximum pause within an answer, in seconds. */
  idleSeconds: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(86_400))),
});

/** One entry of `remoteEngines`. */
export type RemoteEngineEntry = v.InferOutput<typeof RemoteEngineSchema>;

/** The fields of the file. A host that writes the file keeps fields of later versions. */
const ConfigFileSchema = objectWith({
  /** IDs of extensions that may use the host besides TabAgent's own. */
  allowedExtensions: v.optional(v.array(v.string())),
  /** The commands that EXECUTE_COMMAND may run, each a program and its arguments. They are run without a shell. */
  allowedCommands: v.optional(v.array(v.pipe(v.array(v.string()), v.minLength(1)))),
  /** Time limit of these commands, in seconds. */
  commandTimeoutSeconds: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(3600))),
  /** The address that `tabagent update` requests; its response has the format of GitHub's `releases/latest`. */
  releaseUrl: v.optional(v.pipe(v.string(), v.maxLength(2048), v.regex(RELEASE_URL, 'an https URL'))),
  /** Servers whose models are offered in addition to local ones. */
  remoteEngines: v.optional(v.array(RemoteEngineSchema)),
});

/** The contents of a configuration file. */
export type ConfigFile = v.InferOutput<typeof ConfigFileSchema>;

/**
 * Reads and validates a configuration file. Returns an empty configuration if it does not exist.
 *
 * @throws HostError `CONFIG_UNUSABLE` if it cannot be read or is not valid, or if other users can change it.
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const { success, output, issues } = validate(ConfigFileSchema, readConfigJson(path) ?? {});
  if (success) return output;
  throw configUnusable(path, NOT_VALID, issues[0]);
}

/** Returns the new text of the configuration file, with additional allowed extensions. */
export function withExtensions(before: ConfigFile, ids: readonly string[]): string {
  const allowedExtensions = [...new Set([...(before.allowedExtensions ?? []), ...ids])];
  return `${JSON.stringify({ ...before, allowedExtensions }, null, 2)}\n`;
}

/** Returns the new text of the configuration file, with these remote engines. */
export function withRemoteEngines(before: ConfigFile, remoteEngines: readonly RemoteEngineEntry[]): string {
  return `${JSON.stringify({ ...before, remoteEngines }, null, 2)}\n`;
}

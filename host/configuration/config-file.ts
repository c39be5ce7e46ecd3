import * as v from 'valibot';
import { validate } from '../common/validate.ts';
import { ENGINE_NAME } from '../protocol/engine-name.ts';
import { objectWith } from '../protocol/fields.ts';
import { configUnusable, NOT_VALID, readConfigJson } from './config-text.ts';

/** Unencrypted only within this computer. */
const RELEASE_URL = /^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost)[:/])/;

/** An engine elsewhere that speaks OpenAI's API. Its address is judged where it is used. */
const RemoteEngineSchema = objectWith({
  /** What it is called in ids: `remote/<name>/<model>`. */
  name: v.pipe(v.string(), v.regex(ENGINE_NAME, 'lower-case letters, digits, ".", "_" and "-"')),
  /** Its base address, such as `http://127.0.0.1:8080/v1`. */
  url: v.pipe(v.string(), v.maxLength(2048)),
  /** The models offered; absent = all that it lists. */
  models: v.optional(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(512)))),
  /** The environment variable its key is in; absent = the key SET_REMOTE_KEY kept, or none. */
  keyVariable: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'the name of a variable'))),
  /** Allows http to an address that is not this machine's or a private one: everything, the key too, can be read on the way. */
  plainHttp: v.optional(v.boolean()),
  /** Whether it takes settings beside OpenAI's (top_k, min_p, repetition penalty); absent = on this machine and in private networks. */
  moreSettings: v.optional(v.boolean()),
  /** Longest it may think before the first text, seconds. */
  firstTextSeconds: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(86_400))),
  /** Longest pause within its answer, seconds. */
  idleSeconds: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(86_400))),
});

/** One entry of `remoteEngines`. */
export type RemoteEngineEntry = v.InferOutput<typeof RemoteEngineSchema>;

/** What the file may say. Fields of later versions are kept when an older host writes it. */
const ConfigFileSchema = objectWith({
  /** Ids of extensions that may use the host besides TabAgent's own. */
  allowedExtensions: v.optional(v.array(v.string())),
  /**
   * Commands EXECUTE_COMMAND may run: exactly these, each a program and its arguments. None is read by a shell.
   */
  allowedCommands: v.optional(v.array(v.pipe(v.array(v.string()), v.minLength(1)))),
  /** Longest such a command may run, seconds. */
  commandTimeoutSeconds: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(3600))),
  /** Where `tabagent update` asks for the newest release: an address that answers as GitHub's `releases/latest` does. */
  releaseUrl: v.optional(v.pipe(v.string(), v.maxLength(2048), v.regex(RELEASE_URL, 'an https URL'))),
  /** Engines elsewhere whose models are served beside this host's. Only here: no message can name an address. */
  remoteEngines: v.optional(v.array(RemoteEngineSchema)),
});

/** A configuration file, read. */
export type ConfigFile = v.InferOutput<typeof ConfigFileSchema>;

/**
 * Reads and validates a configuration file; one that does not exist is empty.
 *
 * @throws HostError `CONFIG_UNUSABLE` if it cannot be read or is not valid, or if other users can change it.
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const { success, output, issues } = validate(ConfigFileSchema, readConfigJson(path) ?? {});
  if (success) return output;
  throw configUnusable(path, NOT_VALID, issues[0]);
}

/** Returns the text of a configuration file that also allows these extensions. */
export function withExtensions(before: ConfigFile, ids: readonly string[]): string {
  const allowedExtensions = [...new Set([...(before.allowedExtensions ?? []), ...ids])];
  return `${JSON.stringify({ ...before, allowedExtensions }, null, 2)}\n`;
}

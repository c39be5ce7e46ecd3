import { join } from 'node:path';
import { isJsonObject } from '../common/json.ts';
import { configUnusable, readConfigJson } from './config-text.ts';

/**
 * Environment variables that `tabagent install` saves for every host of the user, in a file of their own beside
 * `config.json`. A browser started from the desktop does not have the variables of a terminal, and its host must work
 * as the command line does. Variables for a single run, such as `HF_HUB_OFFLINE`, and secrets are not among them.
 */
export const SAVED_VARIABLES: readonly string[] = [
  'TABAGENT_HOME',
  'TABAGENT_GPU',
  'TABAGENT_SANDBOX',
  'TABAGENT_SPEED_TEST',
  'HF_ENDPOINT',
  'HF_HOME',
  'HF_HUB_CACHE',
  'HF_TOKEN_PATH',
  'TABAGENT_HUB_PLAIN_HTTP',
  'LLAMA_CACHE',
  'OLLAMA_MODELS',
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
];

/** Longest value, in characters: paths and addresses are shorter. */
const MAX_VALUE_LENGTH = 4096;

/** Returns the path of the file with saved variables in a folder. */
export function environmentFileIn(folder: string): string {
  return join(folder, 'environment.json');
}

/** Variables and their values. */
export type SavedEnvironment = Readonly<Record<string, string>>;

/**
 * Reads the variables that are saved in a folder; none if there is no file.
 *
 * @throws HostError `CONFIG_UNUSABLE` if the file, or the field, cannot be used.
 */
export function readSavedEnvironment(folder: string): SavedEnvironment {
  const path = environmentFileIn(folder);
  const environment = readConfigJson(path) ?? {};
  if (isJsonObject(environment) && Object.entries(environment).every(isSaved)) return environment as SavedEnvironment;
  throw configUnusable(path, `is not valid: it may have only ${SAVED_VARIABLES.join(', ')}, each a text`);
}

function isSaved([name, value]: [string, unknown]): boolean {
  return SAVED_VARIABLES.includes(name) && typeof value === 'string' && value.length <= MAX_VALUE_LENGTH;
}

/**
 * Returns an environment without the variables that can be saved: the environment of a browser, as far as it is known.
 */
export function withoutSavedVariables(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !SAVED_VARIABLES.includes(name) && name !== 'XDG_DATA_HOME'),
  );
}

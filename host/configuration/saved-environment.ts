import { join } from 'node:path';
import { isJsonObject } from '../common/json.ts';
import { configUnusable, readConfigJson } from './config-text.ts';

/**
 * Environment variables that `tabagent install` saves for all hosts of the user, in a separate file next to
 * `config.json`. A browser that is started from the desktop does not have the variables of a terminal, but its host
 * must behave like the command line. Variables for a single run, such as `HF_HUB_OFFLINE`, and secrets are not saved.
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

/** Maximum length of a value, in characters: paths and addresses are shorter. */
const MAX_VALUE_LENGTH = 4096;

/** Returns the path of the file with saved variables in a folder. */
export function environmentFileIn(folder: string): string {
  return join(folder, 'environment.json');
}

/** Variables and their values. */
export type SavedEnvironment = Readonly<Record<string, string>>;

/**
 * Reads the saved variables from a folder. Returns an empty object if the file does not exist.
 *
 * @throws HostError `CONFIG_UNUSABLE` if the file cannot be read or is not valid.
 */
export function readSavedEnvironment(folder: string): SavedEnvironment {
  const path = environmentFileIn(folder);
  const environment = readConfigJson(path) ?? {};
  if (isJsonObject(environment) && Object.entries(environment).every(isSaved)) return environment as SavedEnvironment;
  throw configUnusable(path, `is not valid: it may contain only ${SAVED_VARIABLES.join(', ')}, each a string`);
}

function isSaved([name, value]: [string, unknown]): boolean {
  return SAVED_VARIABLES.includes(name) && typeof value === 'string' && value.length <= MAX_VALUE_LENGTH;
}

/**
 * Returns an environment without the variables that can be saved. It approximates the environment of a browser.
 */
export function withoutSavedVariables(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !SAVED_VARIABLES.includes(name) && name !== 'XDG_DATA_HOME'),
  );
}

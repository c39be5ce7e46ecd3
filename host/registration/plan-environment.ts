import { defaultHome } from '../config.ts';
import { SAVED_VARIABLES, type SavedEnvironment, withoutSavedVariables } from '../configuration/saved-environment.ts';
import type { Machine } from './installation.ts';

/** The variables to save for the host that browsers start, and the folders of the files. */
export interface EnvironmentPlan {
  /** Variables to save in the data folder, or in the program folder for all users. */
  readonly environment: SavedEnvironment;
  /** Variables to save in the folder in which a host looks first, if it is not the data folder. */
  readonly pointer?: { readonly folder: string; readonly environment: SavedEnvironment };
  /** Variables that cannot be saved, with the reason. */
  readonly notes: readonly string[];
}

/** Selects the variables of this environment to save for the host that browsers start. Empty ones are removed. */
export function planEnvironment({ env, dataFolder }: Machine, systemWide: boolean): EnvironmentPlan {
  const notes: string[] = [];
  const environment: Record<string, string> = {};
  for (const name of SAVED_VARIABLES) {
    const value = env[name];
    if (value === undefined || name === 'TABAGENT_HOME') continue;
    if (systemWide && hasPassword(value)) {
      notes.push(`${name} was not saved: it contains a password, which all users could read.`);
    } else environment[name] = value;
  }
  // A system-wide registration is shared, but each user has a data folder.
  if (systemWide) return { environment, notes };
  const folder = defaultHome(withoutSavedVariables(env));
  if (folder === dataFolder) {
    return { environment: env.TABAGENT_HOME === '' ? { ...environment, TABAGENT_HOME: '' } : environment, notes };
  }
  return { environment, notes, pointer: { folder, environment: { TABAGENT_HOME: dataFolder } } };
}

function hasPassword(value: string): boolean {
  return URL.canParse(value) && new URL(value).password !== '';
}

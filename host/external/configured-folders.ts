import { isAbsolute } from 'node:path';
import * as v from 'valibot';
import { isHostError } from '../common/errors.ts';
import { validate } from '../common/validate.ts';
import { readConfigFile } from '../configuration/config-file.ts';

/** The field `modelFolders` of the configuration. An error in it must not affect other fields. */
const ModelFolders = v.optional(v.pipe(v.array(v.string()), v.maxLength(100)), []);

/** The folders that the user configured, and the problem with the configuration if there is one. */
export interface ConfiguredFolders {
  readonly folders: readonly string[];
  readonly problem?: string;
}

/**
 * Reads `modelFolders`, absolute paths, from the user's configuration. Reads the file on every call, so that a change
 * takes effect without restarting the browser.
 */
export async function configuredFolders(file: string): Promise<ConfiguredFolders> {
  let named: unknown;
  try {
    named = (await readConfigFile(file)).modelFolders;
  } catch (error) {
    if (isHostError(error)) return { folders: [], problem: error.message };
    throw error;
  }
  const { success, output } = validate(ModelFolders, named);
  if (!success) {
    const problem = `Ignored "modelFolders" in ${file}: expected a list such as ["/srv/models"].`;
    return { folders: [], problem };
  }
  const folders = output.filter((folder) => isAbsolute(folder) && !folder.includes('\0'));
  if (folders.length === output.length) return { folders };
  return {
    folders,
    problem: `Ignored some folders in ${file}: every entry of "modelFolders" must be an absolute path.`,
  };
}

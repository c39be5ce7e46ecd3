import { isAbsolute } from 'node:path';
import * as v from 'valibot';
import { isHostError } from '../common/errors.ts';
import { validate } from '../common/validate.ts';
import { readConfigFile } from '../configuration/config-file.ts';

/** The field of the configuration that is read here. Other readers of the file do not mind what is wrong with it. */
const ModelFolders = v.optional(v.pipe(v.array(v.string()), v.maxLength(100)), []);

/** The folders of the user's own, and what is wrong with the file that names them. */
export interface ConfiguredFolders {
  readonly folders: readonly string[];
  readonly problem?: string;
}

/**
 * Reads `modelFolders`, absolute paths, out of the user's configuration. Read anew each time: a user who changes it
 * need not start the browser again.
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

import { isAbsolute } from 'node:path';
import * as v from 'valibot';
import { readSmallText } from './bounded-folder.ts';
import { parseObject } from './named-folder.ts';

/** The part of `config.json` that is read here. */
const Config = v.looseObject({ modelFolders: v.optional(v.pipe(v.array(v.string()), v.maxLength(100)), []) });

/** The folders of the user's own, and what is wrong with the file that names them. */
export interface ConfiguredFolders {
  readonly folders: readonly string[];
  readonly problem?: string;
}

/**
 * Reads `modelFolders`, absolute paths, out of the host's `config.json`. Read anew each time: a user who changes it
 * need not start the browser again.
 */
export async function configuredFolders(file: string): Promise<ConfiguredFolders> {
  const text = await readSmallText(file);
  if (text === undefined) return { folders: [] };
  const { success, output } = v.safeParse(Config, parseObject(text));
  const example = '{"modelFolders": ["/srv/models"]}';
  if (!success) return { folders: [], problem: `Expected ${file} to hold ${example} as JSON. It is ignored.` };
  const folders = output.modelFolders.filter((folder) => isAbsolute(folder) && !folder.includes('\0'));
  if (folders.length === output.modelFolders.length) return { folders };
  return { folders, problem: `Expected every folder in ${file} to be an absolute path. Others are ignored.` };
}

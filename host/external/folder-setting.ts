import { posix, win32 } from 'node:path';
import { isJsonObject } from '../common/json.ts';
import { parseJson } from '../common/json-limits.ts';
import type { Platform } from '../common/platform.ts';
import type { FolderSetting, ProgramFolder } from './program-folders.ts';

/** Returns the folder that the user chose in a program's settings; undefined if there is none or it is not absolute. */
export function folderFromSetting(setting: FolderSetting, text: string, platform: Platform): ProgramFolder | undefined {
  const { join, isAbsolute } = platform === 'win32' ? win32 : posix;
  const { program, format } = setting;
  const folder = readers[format](text)?.trim();
  if (folder === undefined || !isAbsolute(folder) || folder.includes('\0')) return undefined;
  switch (format) {
    case 'lm-studio-home':
      return { program, folder: join(folder, 'models'), layout: 'publisher' };
    case 'lm-studio-settings':
      return { program, folder, layout: 'publisher' };
    case 'jan-settings':
      return { program, folder, layout: 'jan' };
    case 'gpt4all-ini':
      return { program, folder, layout: 'plain' };
  }
}

const readers: Readonly<Record<FolderSetting['format'], (text: string) => string | undefined>> = {
  'lm-studio-home': (text) => text.split('\n')[0],
  'lm-studio-settings': (text) => textField(text, 'downloadsFolder'),
  'jan-settings': (text) => textField(text, 'data_folder'),
  // Qt doubles backslashes in INI values.
  'gpt4all-ini': (text) => /^modelPath=(.+)$/m.exec(text)?.[1]?.replaceAll('\\\\', '\\'),
};

function textField(json: string, field: string): string | undefined {
  const value = parseObject(json)?.[field];
  return typeof value === 'string' ? value : undefined;
}

/** Parses a JSON object from a file of another program. Returns undefined for anything else. */
export function parseObject(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = parseJson(json);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

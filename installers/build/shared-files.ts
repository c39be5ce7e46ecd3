import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPLETIONS } from '../../host/cli/completion/shells.ts';
import { manPage } from '../../host/cli/man.ts';
import { COMMANDS } from '../../host/cli/table.ts';

/**
 * Writes the files that packages install in system folders: the manual page, and a completion script for each shell.
 */
export function writeShared(folder: string): void {
  mkdirSync(join(folder, 'completions'), { recursive: true });
  writeFileSync(join(folder, 'tabagent.1'), manPage(COMMANDS));
  for (const [shell, script] of Object.entries(COMPLETIONS)) {
    writeFileSync(join(folder, 'completions', `tabagent.${shell}`), script(COMMANDS));
  }
}

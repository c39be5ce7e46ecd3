import { fileURLToPath } from 'node:url';
import type { CommandIo } from '../registration/command.ts';
import { stablePath } from '../registration/stable-path.ts';
import type { CommandContext } from './context.ts';

/** Returns what the commands that register the host with browsers work with. */
export function registrationIo({ terminal, entry }: CommandContext): CommandIo {
  const { stdout, stderr, env } = terminal;
  const mainPath = fileURLToPath(entry);
  return { stdout, stderr, env, execPath: stablePath(process.execPath), mainPath: stablePath(mainPath) };
}

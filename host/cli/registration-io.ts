import { fileURLToPath } from 'node:url';
import type { CommandIo } from '../registration/command.ts';
import type { CommandContext } from './context.ts';

/** What the commands that register the host with browsers work with. */
export function registrationIo({ terminal, entry }: CommandContext): CommandIo {
  const { stdout, stderr, env } = terminal;
  return { stdout, stderr, env, execPath: process.execPath, mainPath: fileURLToPath(entry) };
}

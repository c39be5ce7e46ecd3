import type { CommandInput } from '../../../host/cli/command-input.ts';
import { helpOf } from '../../../host/cli/help.ts';
import { install as runInstall } from '../../../host/cli/install.ts';
import { parseCommand } from '../../../host/cli/parse-command.ts';
import { commandOf } from '../../../host/cli/table.ts';
import { uninstall as runUninstall } from '../../../host/cli/uninstall.ts';
import { UsageError } from '../../../host/cli/usage-error.ts';
import type { CommandIo } from '../../../host/registration/command.ts';

/** Runs `tabagent install` with injected input and output. */
export const install = (args: readonly string[], io: CommandIo) => run('install', runInstall, args, io);

/** Runs `tabagent uninstall` with injected input and output. */
export const uninstall = (args: readonly string[], io: CommandIo) => run('uninstall', runUninstall, args, io);

async function run(
  name: string,
  program: (input: CommandInput, io: CommandIo) => Promise<number>,
  args: readonly string[],
  io: CommandIo,
): Promise<number> {
  const command = commandOf(name);
  if (command === undefined) throw new Error(`No command ${name}`);
  try {
    return await program(parseCommand(command, args), io);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr.write(`${error.message}\n${helpOf(command)}`);
    return 2;
  }
}

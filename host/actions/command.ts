import { allowedCommand } from '../command/allowed-command.ts';
import { runCommand } from '../command/run-command.ts';
import { readConfigFile } from '../configuration/config-file.ts';
import { configFileIn } from '../configuration/config-text.ts';
import type { Actions } from './action.ts';

/** Longest a command may run where the configuration says nothing, seconds: the original's limit. */
const TIMEOUT_SECONDS = 30;

export const actions: Actions<'EXECUTE_COMMAND'> = {
  async EXECUTE_COMMAND({ command }, { services, signal }) {
    const { paths, env } = services.config;
    const file = configFileIn(paths.home);
    const { allowedCommands, commandTimeoutSeconds = TIMEOUT_SECONDS } = await readConfigFile(file);
    const parsed = allowedCommand(command, allowedCommands, file);
    services.log.info('command.run', { program: parsed[0] });
    const result = await runCommand(parsed, { env, timeoutMs: commandTimeoutSeconds * 1000, signal });
    const payload = { command, ...result };
    return { payload, topLevel: payload };
  },
};

import { allowedCommand, runCommand } from '../command/run-command.ts';
import { readConfigFile } from '../configuration/config-file.ts';
import { configFileIn } from '../configuration/config-text.ts';
import * as declared from '../protocol/actions/command.ts';
import { handle } from './action.ts';

/** Default time limit of a command, seconds: the original's. */
const TIMEOUT_SECONDS = 30;

export const executeCommand = handle(declared.executeCommand, async ({ command }, { services, signal }) => {
  const { paths, env } = services.config;
  const file = configFileIn(paths.home);
  const { allowedCommands, commandTimeoutSeconds = TIMEOUT_SECONDS } = await readConfigFile(file);
  const parsed = allowedCommand(command, allowedCommands, file);
  services.log.info('command.run', { program: parsed[0] });
  const result = await runCommand(parsed, { env, timeoutMs: commandTimeoutSeconds * 1000, signal });
  return { payload: { command, ...result } };
});

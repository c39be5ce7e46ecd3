import { HostError } from '../common/errors.ts';

/**
 * Returns the command of a request if the user allowed exactly this one. They are compared as text, with single spaces
 * between the parts. An empty or missing list allows nothing.
 *
 * @throws HostError `COMMAND_NOT_ALLOWED`.
 */
export function allowedCommand(
  asked: string,
  allowed: readonly (readonly string[])[] | undefined,
  configFile: string,
): readonly string[] {
  const command = allowed?.find((parts) => parts.join(' ') === asked);
  if (command !== undefined) return command;
  throw new HostError(
    'COMMAND_NOT_ALLOWED',
    `This command is not allowed. Only commands listed in "allowedCommands" in ${configFile} can be run, exactly as written there.`,
    { details: { allowed: (allowed ?? []).map((parts) => parts.join(' ')) } },
  );
}

import { HostError } from '../common/errors.ts';

/**
 * The command a request means, if the user listed exactly that one: compared as a text with single spaces between its
 * parts, as a person writes it. A list that is empty or absent allows nothing.
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

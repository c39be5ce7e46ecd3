import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { field, nonEmptyText, nullable } from '../fields.ts';

export const executeCommand = defineAction({
  name: 'EXECUTE_COMMAND',
  summary: 'Runs a command that the user allowed in `config.json`, without a shell.',
  request: {
    command: field(
      nonEmptyText(8192),
      'The command exactly as it is listed in the configuration, with spaces between its parts.',
    ),
  },
  response: v.object({
    command: field(v.string(), 'The command.'),
    stdout: field(v.string(), 'The first 64 KiB of its output.'),
    stderr: field(v.string(), 'The first 64 KiB of its error output.'),
    returncode: nullable(v.number(), 'Its exit code; null if a signal ended it.'),
  }),
  topLevel: 'payload',
  errors: ['COMMAND_NOT_ALLOWED', 'COMMAND_FAILED'],
});

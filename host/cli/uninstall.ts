import { parseArgs } from 'node:util';
import {
  type CommandIo,
  EXIT,
  faultOf,
  isUsageError,
  openMachine,
  reportFault,
  reportUsage,
  titles,
} from '../../installers/registration/command.ts';
import { type Machine, placesOf } from '../../installers/registration/installation.ts';
import { type UnregisterOutcome, unregister } from '../../installers/registration/unregister.ts';
import { CONFIG_FILE_NAME } from '../configuration/config-file.ts';

/** How `tabagent uninstall` is used. */
export const UNINSTALL_USAGE = `Usage: tabagent uninstall [options]

Takes away exactly what "tabagent install" wrote for browsers. A file that was
changed since is left and named. Models and settings stay.

  --system             what was written for all users (as administrator)
  --json               say what was done as JSON
  --help               print this

Exit codes: 0 nothing of it is left, 1 something could not be removed, 2 wrong usage
`;

/** `tabagent uninstall`: takes the registration with browsers back. Returns the exit code. */
export async function uninstall(args: string[], io: CommandIo): Promise<number> {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    if (isUsageError(error)) return reportUsage(error.message, UNINSTALL_USAGE, io);
    throw error;
  }
  if (values.help) {
    io.stdout.write(UNINSTALL_USAGE);
    return EXIT.ok;
  }
  try {
    const machine = openMachine(io);
    const { recordFile } = placesOf(machine, values.system);
    const outcomes = await unregister({ recordFile, reg: machine.reg });
    const note = values.system ? undefined : systemNote(machine);
    if (values.json) io.stdout.write(asJson(outcomes ?? [], note));
    else say(outcomes, note, io);
    return outcomes?.some(({ status }) => status === 'failed') ? EXIT.failed : EXIT.ok;
  } catch (error) {
    return reportFault(error, 'tabagent uninstall', io, values.json);
  }
}

function parse(args: string[]) {
  return parseArgs({
    args,
    options: {
      system: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values;
}

/** One user's uninstall leaves what an administrator set up for all; that must not go unsaid. */
function systemNote(machine: Machine): string | undefined {
  if (!machine.exists(placesOf(machine, true).recordFile)) return undefined;
  return 'The host is also registered for all users. To end that: sudo tabagent uninstall --system';
}

function say(outcomes: readonly UnregisterOutcome[] | undefined, note: string | undefined, io: CommandIo): void {
  if (outcomes === undefined) io.stdout.write('Nothing is registered with browsers here.\n');
  for (const outcome of outcomes ?? []) {
    const name = outcome.browsers.length > 0 ? titles(outcome.browsers) : nameOf(outcome.where);
    const { stream, text } = sentence(outcome);
    io[stream].write(`${name}: ${text}\n`);
  }
  if (note !== undefined) io.stderr.write(`${note}\n`);
}

/** What no browser reads: the launcher, and the configuration. */
function nameOf(where: string): string {
  return where.endsWith(CONFIG_FILE_NAME) ? 'Configuration' : 'Launcher';
}

function sentence({ status, where, error }: UnregisterOutcome): { stream: 'stdout' | 'stderr'; text: string } {
  switch (status) {
    case 'removed':
      return { stream: 'stdout', text: `removed ${where}` };
    case 'gone':
      return { stream: 'stdout', text: `${where} was gone already` };
    case 'kept':
      return { stream: 'stderr', text: `left ${where}: it was changed since it was written. Remove it if it is yours` };
    case 'failed':
      return { stream: 'stderr', text: `could not remove ${where}. ${faultOf(error, 'tabagent uninstall').message}` };
  }
}

function asJson(outcomes: readonly UnregisterOutcome[], note: string | undefined): string {
  const removed = outcomes.map(({ error, ...outcome }) => ({
    ...outcome,
    ...(error === undefined ? {} : { error: faultOf(error, 'tabagent uninstall') }),
  }));
  return `${JSON.stringify({ removed, notes: note === undefined ? [] : [note] }, null, 2)}\n`;
}

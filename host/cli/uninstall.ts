import { defined } from '../common/defined.ts';
import { EXIT } from '../common/exit-codes.ts';
import { type CommandIo, faultOf, openMachine, reportFault, titles } from '../registration/command.ts';
import { removeIfEmpty } from '../registration/files.ts';
import { type Machine, placesOf } from '../registration/installation.ts';
import { type UnregisterOutcome, unregister } from '../registration/unregister.ts';
import type { CommandInput } from './command-input.ts';
import { forgetSecrets, type RemovedData, readPaths, removeData } from './remove-data.ts';

/** `tabagent uninstall`: removes the registration with browsers. Returns the exit code. */
export async function uninstall(input: CommandInput, io: CommandIo): Promise<number> {
  const systemWide = input.flag('system');
  const json = input.flag('json');
  try {
    const machine = openMachine(io);
    const { recordFile } = placesOf(machine, systemWide);
    // First, because it can be refused while a host is running.
    const paths = input.flag('models') ? readPaths(io) : undefined;
    const removed = paths === undefined ? undefined : await removeData(paths, () => forgetSecrets(io));
    const outcomes = await unregister({ recordFile, reg: machine.reg });
    if (paths !== undefined) await removeIfEmpty(paths.home);
    const note = systemWide ? undefined : systemNote(machine);
    if (json) io.stdout.write(asJson(outcomes ?? [], note, removed));
    else say(outcomes, note, removed, io);
    return outcomes?.some(({ status }) => status === 'failed') ? EXIT.failed : EXIT.ok;
  } catch (error) {
    return reportFault(error, 'tabagent uninstall', io, json);
  }
}

/** Returns a note if the host is also registered for all users, which the uninstallation for one user leaves. */
function systemNote(machine: Machine): string | undefined {
  if (!machine.exists(placesOf(machine, true).recordFile)) return undefined;
  return 'The host is also registered for all users. To remove that registration, run: sudo tabagent uninstall --system';
}

function say(
  outcomes: readonly UnregisterOutcome[] | undefined,
  note: string | undefined,
  data: RemovedData | undefined,
  io: CommandIo,
): void {
  if (outcomes === undefined) io.stdout.write('The host is not registered with any browser.\n');
  for (const outcome of outcomes ?? []) {
    const name = outcome.browsers.length > 0 ? titles(outcome.browsers) : nameOf(outcome.where);
    const { stream, text } = sentence(outcome);
    io[stream].write(`${name}: ${text}\n`);
  }
  for (const path of data?.removed ?? []) io.stdout.write(`Data: removed ${path}\n`);
  for (const path of data?.linked ?? []) {
    io.stderr.write(`Data: kept ${path}, to which a link in the data folder led. Delete it if you no longer need it\n`);
  }
  if (note !== undefined) io.stderr.write(`${note}\n`);
}

/** Names a file that no browser reads: the launcher, or a configuration file. */
function nameOf(where: string): string {
  return where.endsWith('.json') ? 'Configuration' : 'Launcher';
}

function sentence({ status, where, error }: UnregisterOutcome): { stream: 'stdout' | 'stderr'; text: string } {
  switch (status) {
    case 'removed':
      return { stream: 'stdout', text: `removed ${where}` };
    case 'gone':
      return { stream: 'stdout', text: `${where} was already removed` };
    case 'kept':
      return {
        stream: 'stderr',
        text: `kept ${where} because it was changed after installation. Delete it if you no longer need it`,
      };
    case 'failed':
      return { stream: 'stderr', text: `could not remove ${where}. ${faultOf(error, 'tabagent uninstall').message}` };
  }
}

function asJson(
  outcomes: readonly UnregisterOutcome[],
  note: string | undefined,
  data: RemovedData = { removed: [], linked: [] },
): string {
  const removed = outcomes.map(({ error, ...outcome }) => ({
    ...outcome,
    ...defined({ error: error && faultOf(error, 'tabagent uninstall') }),
  }));
  return `${JSON.stringify({ removed, data: data.removed, linked: data.linked, notes: note === undefined ? [] : [note] }, null, 2)}\n`;
}

import { BROWSERS, type BrowserName, isBrowserName } from '../../manifests/browser.ts';
import { browsersOn } from '../../manifests/browsers.ts';
import { familyOfExtensionId } from '../../manifests/extension-id.ts';
import { CHROMIUM_EXTENSION_IDS, FIREFOX_ADDON_ID } from '../../manifests/extension-identity.ts';
import type { AllowedExtensions } from '../../manifests/host-manifest.ts';
import { defined } from '../common/defined.ts';
import { EXIT } from '../common/exit-codes.ts';
import { isOwnExtension } from '../configuration/caller.ts';
import { type CommandIo, faultOf, openMachine, reportFault, titles } from '../registration/command.ts';
import { findBrowsers } from '../registration/find-browsers.ts';
import { type Machine, placesOf } from '../registration/installation.ts';
import { planLauncher } from '../registration/launcher.ts';
import { planRegistration } from '../registration/plan.ts';
import { planExtensions, planVariables } from '../registration/plan-configuration.ts';
import { planEnvironment } from '../registration/plan-environment.ts';
import { readRecord } from '../registration/record.ts';
import { type RegisterOutcome, register } from '../registration/register.ts';
import { withRegistrationLock } from '../registration/registration-lock.ts';
import { FOLDER_MODE } from '../registration/target.ts';
import type { CommandInput } from './command-input.ts';
import { table } from './terminal/text.ts';
import { UsageError } from './usage-error.ts';

/** The options of the command, checked. */
interface InstallOptions {
  readonly browsers: readonly BrowserName[] | undefined;
  readonly allowed: AllowedExtensions;
  readonly systemWide: boolean;
  readonly json: boolean;
}

/** `tabagent install`: registers the host with browsers. Returns the exit code; throws {@link UsageError}. */
export async function install(input: CommandInput, io: CommandIo): Promise<number> {
  const options = readOptions(input);
  try {
    return input.texts('browser').includes('') ? listBrowsers(io, options.json) : await run(options, io);
  } catch (error) {
    return reportFault(error, 'tabagent install', io, options.json);
  }
}

/** Lists the known browsers, and which of them are installed. */
function listBrowsers(io: CommandIo, json: boolean): number {
  const machine = openMachine(io);
  const found = findBrowsers(machine);
  const browsers = browsersOn(machine.system).map((name) => ({
    name,
    title: BROWSERS[name].title,
    found: found.includes(name),
  }));
  const rows = browsers.map((browser) => [browser.name, browser.title, browser.found ? 'yes' : 'no']);
  io.stdout.write(
    json ? `${JSON.stringify({ browsers }, null, 2)}\n` : table([['NAME', 'BROWSER', 'INSTALLED'], ...rows]),
  );
  return EXIT.ok;
}

async function run(options: InstallOptions, io: CommandIo): Promise<number> {
  const machine = openMachine(io);
  const { recordFile } = placesOf(machine, options.systemWide);
  const folderMode = options.systemWide ? FOLDER_MODE.system : FOLDER_MODE.user;
  return withRegistrationLock(recordFile, folderMode, (created) => runLocked(options, machine, created, io));
}

async function runLocked(
  { browsers, allowed, systemWide, json }: InstallOptions,
  machine: Machine,
  created: readonly string[],
  io: CommandIo,
): Promise<number> {
  const { folder, recordFile } = placesOf(machine, systemWide);
  const before = await readRecord(recordFile);
  const launcher = planLauncher({
    ...machine,
    execPath: io.execPath,
    mainPath: io.mainPath,
    programFolder: folder,
    systemWide,
  });
  const saved = planEnvironment(machine, systemWide);
  const at = { folder, systemWide, record: before };
  const configs = [await planExtensions(at, extensionsOf(allowed)), await planVariables(at, saved.environment)];
  if (saved.pointer !== undefined) {
    configs.push(await planVariables({ ...at, folder: saved.pointer.folder }, saved.pointer.environment));
  }
  const plan = planRegistration({
    ...machine,
    ...(browsers ? { browsers } : {}),
    registered: before?.entries.flatMap((entry) => entry.browsers) ?? [],
    allowed,
    hostPath: launcher.hostPath,
    systemWide,
    programFolder: folder,
  });
  const outcomes =
    plan.targets.length === 0
      ? []
      : await register({
          ...machine,
          targets: [
            ...(launcher.target ? [launcher.target] : []),
            ...configs.flatMap(({ targets }) => targets),
            ...plan.targets,
          ],
          runs: launcher.runs,
          recordFile,
          created,
          owners: systemWide && process.getuid ? [0, process.getuid()] : undefined,
        });

  // A file of the user is changed, but not recorded as one to remove.
  if (outcomes.length > 0) for (const { change } of configs) await change?.();

  for (const note of saved.notes) io.stderr.write(`${note}\n`);
  if (json) io.stdout.write(asJson(plan, outcomes, launcher.hostPath, allowed, recordFile));
  else say(plan, outcomes, launcher.hostPath, allowed, io);
  return outcomes.length === 0 || outcomes.some(({ status }) => status === 'failed') ? EXIT.failed : EXIT.ok;
}

/** Returns the extensions that were given, without TabAgent's own. */
function extensionsOf({ chromium, firefox }: AllowedExtensions): string[] {
  return [...chromium, ...firefox].filter((id) => !isOwnExtension({ extensionId: id }));
}

type Plan = ReturnType<typeof planRegistration>;

function say(
  plan: Plan,
  outcomes: readonly RegisterOutcome[],
  hostPath: string,
  allowed: AllowedExtensions,
  io: CommandIo,
): void {
  for (const outcome of outcomes.filter(({ browsers }) => browsers.length > 0)) {
    const { stream, text } = sentence(outcome);
    io[stream].write(`${titles(outcome.browsers)}: ${text}\n`);
  }
  for (const { text } of plan.notes) io.stderr.write(`${text}\n`);
  if (outcomes.length > 0) {
    io.stdout.write(`Browsers will start ${hostPath}\n`);
    io.stdout.write(`Allowed extensions: ${[...allowed.chromium, ...allowed.firefox].join(', ')}\n`);
  } else if (plan.notes.length === 0) {
    io.stderr.write(
      `No supported browser was found (${titles(browsersOn(openMachine(io).system))}). Start your browser once and run this command again, ` +
        'or name it: tabagent install --browser firefox\n',
    );
  }
}

function sentence({ status, where, error }: RegisterOutcome): { stream: 'stdout' | 'stderr'; text: string } {
  switch (status) {
    case 'written':
      return { stream: 'stdout', text: `registered in ${where}` };
    case 'updated':
      return { stream: 'stdout', text: `updated in ${where}` };
    case 'replaced':
      return { stream: 'stdout', text: `registered in ${where}, replacing another registration` };
    case 'unchanged':
      return { stream: 'stdout', text: `already registered in ${where}` };
    case 'failed':
      return {
        stream: 'stderr',
        text: `could not be registered in ${where}. ${faultOf(error, 'tabagent install').message}`,
      };
  }
}

function asJson(
  plan: Plan,
  outcomes: readonly RegisterOutcome[],
  hostPath: string,
  allowed: AllowedExtensions,
  record: string,
): string {
  const registered = outcomes.map(({ error, ...outcome }) => ({
    ...outcome,
    ...defined({ error: error && faultOf(error, 'tabagent install') }),
  }));
  return `${JSON.stringify({ hostPath, allowed, registered, notes: plan.notes, record }, null, 2)}\n`;
}

function readOptions(input: CommandInput): InstallOptions {
  const chromium = new Set(CHROMIUM_EXTENSION_IDS);
  const firefox = new Set([FIREFOX_ADDON_ID]);
  for (const id of input.texts('extension-id')) {
    const family = familyOfExtensionId(id);
    if (family === undefined) {
      throw new UsageError(
        `Invalid value for --extension-id: "${id}". Expected 32 letters from a to p (Chrome), or an add-on ID such as name@example.org (Firefox).`,
      );
    }
    (family === 'firefox' ? firefox : chromium).add(id);
  }
  // The command table allows no other names.
  const browsers = input.texts('browser').filter(isBrowserName);
  return {
    browsers: browsers.length > 0 ? browsers : undefined,
    allowed: { chromium: [...chromium], firefox: [...firefox] },
    systemWide: input.flag('system'),
    json: input.flag('json'),
  };
}

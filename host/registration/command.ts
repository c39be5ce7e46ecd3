import { pathToFileURL } from 'node:url';
import { types } from 'node:util';
import { BROWSERS, type BrowserName } from '../../manifests/browser.ts';
import { errorInfo, HostError, isHostError, isSystemError } from '../common/errors.ts';
import { EXIT } from '../common/exit-codes.ts';
import { homeFolder } from '../common/platform.ts';
import { readConfig } from '../config.ts';
import { type Machine, type MachineOptions, machineOf } from './installation.ts';

/** The environment of the commands `install` and `uninstall`. */
export interface CommandIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The running executable: Node, or the packaged host. */
  readonly execPath: string;
  /** The host's main file; undefined if the executable does not need one. */
  readonly mainPath: string | undefined;
  /** A computer other than this one: a staging folder for a package, or a folder of a test. */
  readonly machine?: Partial<Pick<MachineOptions, 'system' | 'root' | 'paths' | 'reg' | 'exists'>>;
}

/**
 * Returns the computer to register on. @throws HostError `REGISTRATION_FAILED` on a platform without known browsers.
 */
export function openMachine(io: CommandIo): Machine {
  const config = readConfig({ runnerEntry: pathToFileURL(io.mainPath ?? io.execPath), env: io.env });
  const home = homeFolder(io.env);
  const machine = machineOf({ env: io.env, home, dataFolder: config.paths.home, ...io.machine });
  if (machine !== undefined) return machine;
  throw new HostError(
    'REGISTRATION_FAILED',
    `The host cannot be registered with browsers on ${process.platform}. Supported are Linux, macOS and Windows.`,
  );
}

/** Returns the titles of browsers as a comma-separated list. */
export function titles(browsers: readonly BrowserName[]): string {
  return browsers.map((browser) => BROWSERS[browser].title).join(', ');
}

/** An error to show to the user. */
export interface Fault {
  readonly code: string;
  readonly message: string;
}

/** Converts an error to one that can be shown to the user. Rethrows unexpected errors, which are bugs. */
export function faultOf(error: unknown, command: string): Fault {
  if (isHostError(error)) return errorInfo(error);
  if (isSystemError(error, 'EACCES', 'EPERM', 'EROFS')) {
    const what = error.path ?? 'A file';
    return {
      code: 'REGISTRATION_FAILED',
      message: `No permission to change ${what} (${error.code}). For a system-wide installation, run: sudo ${command} --system`,
    };
  }
  if (types.isNativeError(error) && 'syscall' in error) return { code: 'REGISTRATION_FAILED', message: error.message };
  throw error;
}

/** Writes an error to stderr, or with `--json` as an object to stdout. Returns the exit code. */
export function reportFault(error: unknown, command: string, io: CommandIo, json: boolean): number {
  const fault = faultOf(error, command);
  if (json) io.stdout.write(`${JSON.stringify({ error: fault }, null, 2)}\n`);
  else io.stderr.write(`${fault.message}\n`);
  return EXIT.failed;
}

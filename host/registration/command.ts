import { pathToFileURL } from 'node:url';
import { types } from 'node:util';
import { BROWSERS, type BrowserName } from '../../manifests/browser.ts';
import { errorInfo, HostError, isHostError, isSystemError } from '../common/errors.ts';
import { EXIT } from '../common/exit-codes.ts';
import { homeFolder } from '../common/platform.ts';
import { readConfig } from '../config.ts';
import { type Machine, type MachineOptions, machineOf } from './installation.ts';

/** What the commands `install` and `uninstall` work with. */
export interface CommandIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The running executable: Node, or the packaged host. */
  readonly execPath: string;
  /** The host's main file; undefined when the executable needs none. */
  readonly mainPath: string | undefined;
  /** Another computer than this one: a folder to stage a package in, or that of a test. */
  readonly machine?: Partial<Pick<MachineOptions, 'system' | 'root' | 'paths' | 'reg' | 'exists'>>;
}

/** Returns the computer that a command works on. Throws `REGISTRATION_FAILED` on a platform without known browsers. */
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

/** Returns the names of browsers, for a sentence. */
export function titles(browsers: readonly BrowserName[]): string {
  return browsers.map((browser) => BROWSERS[browser].title).join(', ');
}

/** An error as it is shown to the user. */
export interface Fault {
  readonly code: string;
  readonly message: string;
}

/** Converts an error for the user. One that neither the computer nor the user causes is a bug, and is thrown. */
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

/** Reports an error on stderr, or with `--json` as an object on stdout. Returns the exit code. */
export function reportFault(error: unknown, command: string, io: CommandIo, json: boolean): number {
  const fault = faultOf(error, command);
  if (json) io.stdout.write(`${JSON.stringify({ error: fault }, null, 2)}\n`);
  else io.stderr.write(`${fault.message}\n`);
  return EXIT.failed;
}

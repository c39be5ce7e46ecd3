import { searchVariables } from './common/find-program.ts';
import { callerOf } from './configuration/caller.ts';
import { RUNNER_ARGUMENT } from './engine/ipc.ts';
import { runNativeHost } from './native-host.ts';
import { KEYCHAIN_ARGUMENT } from './secrets/keychain-argument.ts';

/** How this process was started, and functions that load the parts of the program in separate files. */
export interface Started {
  /**
   * The file with which runners are started and which is registered with browsers: the main module, or the packaged
   * executable.
   */
  readonly entry: URL;
  /** The command-line arguments, without the program. */
  readonly args: readonly string[];
  /** Loads the runner. Its location differs in the packaged host. */
  loadRunner(): Promise<{ runRunner(): Promise<void> }>;
  /** Loads the program that accesses the system keychain. */
  loadKeychain(): Promise<{ runKeychain(): Promise<void> }>;
}

/**
 * Runs one of the four programs of the executable, depending on its arguments. The host itself starts the runner and
 * the keychain program. A browser starts the native host, and passes the extension's origin, or the manifest's path and
 * the extension's ID. Everything else is the command line.
 */
export async function start({ entry, args, loadRunner, loadKeychain }: Started): Promise<void> {
  // Libraries start programs by name, too. These must not be found in the current folder.
  Object.assign(process.env, searchVariables(process.env));
  if (args[0] === RUNNER_ARGUMENT) {
    const { runRunner } = await loadRunner();
    await runRunner();
  } else if (args[0] === KEYCHAIN_ARGUMENT) {
    const { runKeychain } = await loadKeychain();
    await runKeychain();
  } else if (callerOf(args) !== undefined || (args.length === 0 && !process.stdin.isTTY)) {
    // Without arguments, the native host runs if stdin is not a terminal. In a terminal, the help is printed.
    process.exitCode = await runNativeHost(entry, callerOf(args));
  } else {
    const { runCommand } = await import('./cli/command.ts');
    process.exitCode = await runCommand(args, entry);
  }
}

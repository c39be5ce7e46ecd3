import { searchVariables } from './common/find-program.ts';
import { callerOf } from './configuration/caller.ts';
import { RUNNER_ARGUMENT } from './engine/ipc.ts';
import { runNativeHost } from './native-host.ts';
import { KEYCHAIN_ARGUMENT } from './secrets/keychain-argument.ts';

/** How this process was started, and how to load the parts of the program that are separate files. */
export interface Started {
  /** The file that starts the host again, as a runner or from a browser: the main module, or the packaged executable. */
  readonly entry: URL;
  /** The command-line arguments, without the program. */
  readonly args: readonly string[];
  /** Loads the runner, whose location differs in the packaged host. */
  loadRunner(): Promise<{ runRunner(): Promise<void> }>;
  /** Loads the program that accesses the system keychain. */
  loadKeychain(): Promise<{ runKeychain(): Promise<void> }>;
}

/**
 * Runs one of the four programs of the executable, chosen by its arguments. The host starts the runner and the keychain
 * program. A browser starts the native host, with the extension's origin, or with the manifest's path and the extension's
 * ID. Everything else is the command line.
 */
export async function start({ entry, args, loadRunner, loadKeychain }: Started): Promise<void> {
  // Libraries also start programs, by name: they must not find any in the current folder.
  Object.assign(process.env, searchVariables(process.env));
  if (args[0] === RUNNER_ARGUMENT) {
    const { runRunner } = await loadRunner();
    await runRunner();
  } else if (args[0] === KEYCHAIN_ARGUMENT) {
    const { runKeychain } = await loadKeychain();
    await runKeychain();
  } else if (callerOf(args) !== undefined || (args.length === 0 && !process.stdin.isTTY)) {
    // Without arguments: a program that sends frames gets the native host, a terminal gets the help.
    process.exitCode = await runNativeHost(entry, callerOf(args));
  } else {
    const { runCommand } = await import('./cli/command.ts');
    process.exitCode = await runCommand(args, entry);
  }
}

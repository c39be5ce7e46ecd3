import { searchVariables } from './common/find-program.ts';
import { callerOf } from './configuration/caller.ts';
import { RUNNER_ARGUMENT } from './engine/ipc.ts';
import { runNativeHost } from './native-host.ts';
import { KEYCHAIN_ARGUMENT } from './secrets/keychain-argument.ts';

/** How this process was started, and what it cannot know by itself. */
export interface Started {
  /** The file that runners, and browsers' launchers, are started with: the main module, or the packaged executable. */
  readonly entry: URL;
  /** What stands behind the program on the command line. */
  readonly args: readonly string[];
  /** The runner is a file of its own, which lies elsewhere in the packaged host. */
  loadRunner(): Promise<{ runRunner(): Promise<void> }>;
  /** So is the program that asks the system's keychain. */
  loadKeychain(): Promise<{ runKeychain(): Promise<void> }>;
}

/**
 * The host's executable is four programs; how it was started says which. A runner is started by its host, as is what
 * asks the system's keychain; a native host by a browser (which passes the extension's origin, or its manifest and the extension's id), anything else is
 * a person at a terminal.
 */
export async function start({ entry, args, loadRunner, loadKeychain }: Started): Promise<void> {
  // Libraries start programs too, by their bare names.
  Object.assign(process.env, searchVariables(process.env));
  if (args[0] === RUNNER_ARGUMENT) {
    const { runRunner } = await loadRunner();
    await runRunner();
  } else if (args[0] === KEYCHAIN_ARGUMENT) {
    const { runKeychain } = await loadKeychain();
    await runKeychain();
  } else if (callerOf(args) !== undefined || (args.length === 0 && !process.stdin.isTTY)) {
    // A program that speaks frames itself passes nothing; a terminal that passes nothing gets an explanation.
    process.exitCode = await runNativeHost(entry, callerOf(args));
  } else {
    const { runCommand } = await import('./cli/command.ts');
    process.exitCode = await runCommand(args, entry);
  }
}

import { callerOf } from './configuration/caller.ts';
import { RUNNER_ARGUMENT } from './engine/runner-argument.ts';
import { runNativeHost } from './native-host.ts';

/** How this process was started, and what it cannot know by itself. */
export interface Started {
  /** The file that runners, and browsers' launchers, are started with: the main module, or the packaged executable. */
  readonly entry: URL;
  /** What stands behind the program on the command line. */
  readonly args: readonly string[];
  /** The runner is a file of its own, which lies elsewhere in the packaged host. */
  loadRunner(): Promise<{ runRunner(): Promise<void> }>;
}

/**
 * The host's executable is three programs; how it was started says which. A runner is started by its host, a native
 * host by a browser (which passes the extension's origin, or its manifest and the extension's id), anything else is
 * a person at a terminal.
 */
export async function start({ entry, args, loadRunner }: Started): Promise<void> {
  if (args[0] === RUNNER_ARGUMENT) {
    const { runRunner } = await loadRunner();
    await runRunner();
  } else if (callerOf(args) !== undefined || (args.length === 0 && !process.stdin.isTTY)) {
    // A program that speaks frames itself passes nothing; a terminal that passes nothing gets an explanation.
    process.exitCode = await runNativeHost(entry, callerOf(args));
  } else {
    const { runCommand } = await import('./cli/command.ts');
    process.exitCode = await runCommand(args, entry);
  }
}

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
  } else if (isBrowserStart(args)) {
    process.exitCode = await runNativeHost(entry);
  } else {
    const { runCommand } = await import('./cli/command.ts');
    process.exitCode = await runCommand(args, entry);
  }
}

/**
 * Chrome passes `chrome-extension://<id>/` (and on Windows a window handle), Firefox the manifest's path and the
 * add-on's id. A program that speaks frames itself may pass nothing, as long as it is no terminal.
 */
function isBrowserStart([first]: readonly string[]): boolean {
  if (first === undefined) return !process.stdin.isTTY;
  return /^(chrome|moz|safari-web)-extension:\/\//.test(first) || first.endsWith('.json');
}

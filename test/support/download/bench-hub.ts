import { startHub } from '../hub/hub.ts';

/** Options for the benchmark's hub. */
export interface BenchHubOptions {
  readonly repo: string;
  readonly name: string;
  readonly path: string;
  /**
   * Speed limits of the connections, in bytes per second. They repeat if there are more connections; an empty list
   * means no limit.
   */
  readonly speeds: readonly number[];
}

/**
 * Runs a hub in a separate process, where it shares no thread with the downloading program. It sends from memory, to
 * leave as much CPU time as possible to the compared programs.
 */
process.once('message', async (message) => {
  const { repo, name, path, speeds } = message as BenchHubOptions;
  const hub = await startHub({
    repos: { [repo]: { files: { [name]: { path, inMemory: true } } } },
    ...(speeds.length === 0
      ? {}
      : { bytesPerSecond: (connection: number) => speeds[connection % speeds.length] ?? Number.POSITIVE_INFINITY }),
  });
  process.send?.(hub.url);
});

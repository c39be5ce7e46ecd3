import { startHub } from '../hub/hub.ts';

/** What the benchmark's hub serves, and at which speed. */
export interface BenchHubOrder {
  readonly repo: string;
  readonly name: string;
  readonly path: string;
  /** Bytes per second of each connection, in turn; empty: unlimited. */
  readonly speeds: readonly number[];
}

/**
 * A hub in its own process, so that it shares no thread with the downloading program. It sends from memory, because on two
 * cores the hub's processor time is taken from the compared programs.
 */
process.once('message', async (message) => {
  const { repo, name, path, speeds } = message as BenchHubOrder;
  const hub = await startHub({
    repos: { [repo]: { files: { [name]: { path, inMemory: true } } } },
    ...(speeds.length === 0
      ? {}
      : { bytesPerSecond: (connection: number) => speeds[connection % speeds.length] ?? Number.POSITIVE_INFINITY }),
  });
  process.send?.(hub.url);
});

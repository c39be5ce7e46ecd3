import { startHub } from '../hub/hub.ts';

/** What the benchmark's hub serves, and how quickly. */
export interface BenchHubOrder {
  readonly repo: string;
  readonly name: string;
  readonly path: string;
  /** Bytes a second of each connection, in turn; none: as quick as it goes. */
  readonly speeds: readonly number[];
}

/**
 * A hub in a process of its own, so that it shares no thread with whoever downloads from it. It sends from memory: on two
 * cores, what the hub takes is taken from the downloads that are compared.
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

/** A request to a peer of the generation benchmark. */
export interface PeerRequest {
  readonly prompt: string;
  readonly maxTokens: number;
}

/** The model that a peer loads, and the settings. */
export interface PeerModel {
  readonly file: string;
  readonly contextSize: number;
  readonly batchSize: number;
  readonly threads: number;
  /** URL of the package to import, if it is not a dependency of this project. */
  readonly url?: string;
}

/** The number of tokens of a generation, and the times from the request to the first and last token. */
export interface PeerResult {
  readonly tokens: number;
  readonly firstMs: number;
  readonly totalMs: number;
}

/**
 * Runs a peer in a child process. The first message is a {@link PeerModel}; each further one is a {@link PeerRequest}.
 *
 * @param make Loads the model. Returns a function that generates text and returns the number of tokens.
 */
export function servePeer(
  make: (model: PeerModel) => Promise<(request: PeerRequest, onFirst: () => void) => Promise<number>>,
): void {
  let generate: ((request: PeerRequest, onFirst: () => void) => Promise<number>) | undefined;
  process.on('message', async (message) => {
    if (generate === undefined) {
      generate = await make(message as PeerModel);
      process.send?.('ready');
      return;
    }
    const start = performance.now();
    let first: number | undefined;
    const tokens = await generate(message as PeerRequest, () => {
      first ??= performance.now();
    });
    const end = performance.now();
    process.send?.({ tokens, firstMs: (first ?? end) - start, totalMs: end - start } satisfies PeerResult);
  });
}

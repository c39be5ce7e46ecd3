/** What a peer of the generation benchmark is asked once it stands. */
export interface PeerOrder {
  readonly prompt: string;
  readonly maxTokens: number;
}

/** What a peer is started with. */
export interface PeerModel {
  readonly file: string;
  readonly contextSize: number;
  readonly batchSize: number;
  readonly threads: number;
  /** Address of the package to import, where it is not installed with this project. */
  readonly url?: string;
}

/** What one generation took, from the question to its last token. */
export interface PeerAnswer {
  readonly tokens: number;
  readonly firstMs: number;
  readonly totalMs: number;
}

/**
 * The child's side of a peer in a separate process: the first message makes it, each further one is a generation.
 */
export function servePeer(
  make: (model: PeerModel) => Promise<(order: PeerOrder, onFirst: () => void) => Promise<number>>,
): void {
  let generate: ((order: PeerOrder, onFirst: () => void) => Promise<number>) | undefined;
  process.on('message', async (message) => {
    if (generate === undefined) {
      generate = await make(message as PeerModel);
      process.send?.('ready');
      return;
    }
    const begin = performance.now();
    let first: number | undefined;
    const tokens = await generate(message as PeerOrder, () => {
      first ??= performance.now();
    });
    const end = performance.now();
    process.send?.({ tokens, firstMs: (first ?? end) - begin, totalMs: end - begin } satisfies PeerAnswer);
  });
}

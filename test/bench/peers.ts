import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { PeerAnswer, PeerModel, PeerOrder } from '../support/engine/peer-run.ts';

export const IN_PROCESS = 'node-llama-cpp in process';

export type Generate = (order: PeerOrder) => Promise<PeerAnswer>;

/** A program that generates text for a benchmark. */
export interface Peer {
  readonly name: string;
  readonly generate: Generate;
  close(): Promise<void>;
}

/** Starts the library that the runner uses, in a process with nothing else. */
export function startInProcess(model: PeerModel): Promise<Peer> {
  return startPeer(IN_PROCESS, new URL('../support/engine/generate-in-process.ts', import.meta.url), model);
}

/** Starts a peer in a process of its own. */
export async function startPeer(name: string, script: URL, model: PeerModel): Promise<Peer> {
  // Discards what llama.cpp prints.
  const child = fork(script, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`The peer ${name} ended with code ${code}`);
  });
  const ask = async (message: PeerModel | PeerOrder) => {
    const answered = new Promise((resolve) => child.once('message', resolve));
    child.send(message);
    return Promise.race([answered, gone]);
  };
  await ask(model);
  return {
    name,
    generate: async (order) => (await ask(order)) as PeerAnswer,
    async close() {
      child.kill('SIGKILL');
      // It was asked to exit.
      await gone.catch(() => undefined);
    },
  };
}

export function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

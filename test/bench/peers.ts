import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { PeerModel, PeerRequest, PeerResult } from '../support/engine/peer-run.ts';

export const IN_PROCESS = 'node-llama-cpp in process';

export type Generate = (request: PeerRequest) => Promise<PeerResult>;

/** A program that generates text for a benchmark. */
export interface Peer {
  readonly name: string;
  readonly generate: Generate;
  close(): Promise<void>;
}

/** Starts the library that the runner uses in a separate process. */
export function startInProcess(model: PeerModel): Promise<Peer> {
  return startPeer(IN_PROCESS, new URL('../support/engine/generate-in-process.ts', import.meta.url), model);
}

/** Starts a peer in a separate process. */
export async function startPeer(name: string, script: URL, model: PeerModel): Promise<Peer> {
  // Discards what llama.cpp prints.
  const child = fork(script, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`The peer ${name} exited with code ${code}`);
  });
  const send = async (message: PeerModel | PeerRequest) => {
    const replied = new Promise((resolve) => child.once('message', resolve));
    child.send(message);
    return Promise.race([replied, exited]);
  };
  await send(model);
  return {
    name,
    generate: async (request) => (await send(request)) as PeerResult,
    async close() {
      child.kill('SIGKILL');
      // This exit is expected.
      await exited.catch(() => undefined);
    },
  };
}

export function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

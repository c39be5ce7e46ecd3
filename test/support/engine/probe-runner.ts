import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { FromRunner, ToRunner } from '../../../host/engine/ipc.ts';

/** Targets of the attempts. A test sends them as JSON in the prompt of a `render` command. */
export interface Probe {
  /** A port on loopback with a listener. */
  readonly port: number;
  readonly secret: string;
  readonly model: string;
}

/** What the runner could access. */
export interface ProbeResult {
  readonly connects: boolean;
  readonly readsSecret: boolean;
  readonly model: string | undefined;
  readonly writesModel: boolean;
  readonly writesHome: boolean;
  readonly writesSystem: boolean;
  readonly processes: number;
  readonly noNewPrivileges: boolean;
  readonly capabilities: string | undefined;
}

const OTHER_FACTS = {
  devices: [],
  gpuMemory: { total: 0, free: 0, isShared: false },
  release: 'none',
  importMs: 0,
  startMs: 0,
};

/** A runner that attempts what the sandbox must prevent. */
process.on('message', async (message) => {
  const received = message as ToRunner;
  if (received.type === 'start') {
    if (process.env.GGML_TEST_SANDBOX === 'gpu') {
      // Simulates a driver that does not work in the sandbox.
      const gpu = existsSync('/home') ? 'cuda' : null;
      send({ type: 'ready', facts: { cpuVariant: null, gpu, ...OTHER_FACTS } });
    } else send({ type: 'ready', facts: { cpuVariant: null, gpu: 'cuda', ...OTHER_FACTS } });
  } else if (received.name === 'render' && 'prompt' in received.request) {
    const result = await tryAll(JSON.parse(received.request.prompt));
    send({ type: 'result', id: received.id, result: { prompt: JSON.stringify(result), tokens: 0, stop: [] } });
  } else if (received.name === 'memory') send({ type: 'result', id: received.id, result: { ram: 0, vram: 0 } });
});

async function tryAll({ port, secret, model }: Probe): Promise<ProbeResult> {
  const status = readFileSync('/proc/self/status', 'latin1');
  return {
    connects: await connects(port),
    readsSecret: existsSync(secret),
    model: existsSync(model) ? readFileSync(model, 'utf8') : undefined,
    writesModel: writes(`${model}.new`) || writes(model),
    writesHome: writes(join(process.env.HOME ?? '', 'new')),
    writesSystem: writes('/usr/new') || writes('/etc/new'),
    processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length,
    noNewPrivileges: /^NoNewPrivs:\s+1$/m.test(status),
    capabilities: /^CapEff:\s+(\w+)$/m.exec(status)?.[1],
  };
}

function connects(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  connect(port, '127.0.0.1')
    .on('connect', () => resolve(true))
    .on('error', () => resolve(false));
  return promise;
}

function writes(path: string): boolean {
  try {
    writeFileSync(path, '');
    return true;
  } catch {
    return false;
  }
}

function send(message: FromRunner): void {
  process.send?.(message);
}

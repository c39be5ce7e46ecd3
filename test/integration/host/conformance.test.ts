import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { conformanceTable } from '../../../installers/docs/conformance.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess, Message } from '../../support/host/host-process.ts';
import { startHub } from '../../support/hub/hub.ts';
import { putStandIn } from '../../support/lmstudio/put-stand-in.ts';
import { FILE, ORIGINAL_ACTIONS, REPO } from '../../support/original/conformance.ts';

let workshop: HostFixture;
let host: HostProcess;

beforeAll(async () => {
  workshop = await HostFixture.open();
  const hub = workshop.use(await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel() } } } }));
  workshop.use(putStandIn(join(workshop.home, '.lmstudio')));
  host = workshop.host({ env: { HF_ENDPOINT: hub.url } });
});
afterAll(() => workshop.close());

/** Sends a message without a request ID, as the original's clients did. Returns the next reply. */
async function ask(message: Message): Promise<Message> {
  const reply = host.next((received) => 'status' in received);
  host.send(message);
  return reply;
}

function at(reply: Message, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Message | undefined)?.[key], reply);
}

describe('a client of the original host', () => {
  it.each(ORIGINAL_ACTIONS.map((row) => [row.action, row] as const))(
    '%s receives the fields that it reads',
    async (action, row) => {
      const reply = await ask({ action, ...row.example });
      expect(reply).toMatchObject(row.code === undefined ? { status: 'success' } : { status: 'error', code: row.code });
      for (const path of row.replyFields) expect([path, at(reply, path)]).not.toEqual([path, undefined]);
    },
  );

  it('receives the same message for an unknown action', async () => {
    expect(await ask({ action: 'no_such_action' })).toMatchObject({
      status: 'error',
      message: 'Unknown action: no_such_action',
    });
  });
});

describe('the conformance table', () => {
  it('is up to date (run npm run docs if not)', () => {
    const written = readFileSync(new URL('../../../host/protocol/CONFORMANCE.md', import.meta.url), 'utf8');
    expect(written).toBe(conformanceTable());
  });
});

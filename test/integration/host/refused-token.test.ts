import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const TOKEN = 'hf_expired-long-ago';

/** A hub that refuses every request with a token, as the Hugging Face Hub does if the token has expired. */
describe('an access token that the hub refuses', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(await startHub({ repos: { 'a/b': { files: { 'm.gguf': Buffer.alloc(1000, 1) } } } }));
    hub.fault({
      kind: 'status',
      status: 401,
      headers: { 'x-error-message': `Invalid credentials: ${TOKEN}` },
      match: ({ authorization }) => authorization !== undefined,
    });
  });
  afterEach(() => fixture.close());

  it('is reported in the replies to requests for public models, until it is replaced', async () => {
    const host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
    await host.request('SET_HF_TOKEN', { token: TOKEN });
    const warning = {
      code: 'TOKEN_REJECTED',
      source: 'SET_HF_TOKEN',
      message: expect.stringMatching(/^(?!.*expired-long-ago).*Save a new access token/),
    };
    for (const [action, fields] of [
      ['DOWNLOAD_MODEL', { modelId: 'a/b/m.gguf' }],
      ['LIST_REPO_FILES', { repoId: 'a/b' }],
      ['SEARCH_MODELS', { query: 'b' }],
      ['GET_HF_TOKEN_STATUS', {}],
    ] as const) {
      expect(await host.request(action, fields)).toMatchObject({ status: 'success', payload: { warning } });
    }
    expect((await host.request('CLEAR_HF_TOKEN')).payload).not.toHaveProperty('warning');
    expect((await host.request('LIST_REPO_FILES', { repoId: 'a/b' })).payload).not.toHaveProperty('warning');
  });

  it('is reported by the command line', async () => {
    const env = { HF_ENDPOINT: hub.url, HF_TOKEN: TOKEN };
    expect(await runCommand(['pull', 'a/b/m.gguf'], { home: fixture.home, env })).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/Warning: The access token in the environment variable HF_TOKEN was rejected/),
    });
  });
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'maker/many-GGUF';
const HUGE = { rfilename: 'm-F32.gguf', size: 4e12 };
const SETTINGS = { n_gpu_layers: 0, n_ctx: 64, n_threads: 1 };

describe('models that are named without a file', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    const files = {
      'm-Q4_K_M.gguf': markovModel(),
      'm-Q8_0.gguf': markovModel(),
      'mmproj-m-F16.gguf': Buffer.from('eyes'),
    };
    const found = { downloads: 7, gguf: { architecture: 'llama', total: 1000, context_length: 512 } };
    hub = fixture.use(await startHub({ repos: { [REPO]: { files, listed: [HUGE], found } } }));
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
  });
  afterEach(() => fixture.close());

  it('are found, listed, downloaded and loaded by their quantization, and recognized by it afterwards', async () => {
    const { models } = payloadOf('SEARCH_MODELS', await host.request('SEARCH_MODELS', { query: 'many' }));
    expect(models).toMatchObject([{ repoId: REPO, downloads: 7, gguf: { architecture: 'llama', parameters: 1000 } }]);

    const { files, choice } = payloadOf('LIST_REPO_FILES', await host.request('LIST_REPO_FILES', { repoId: REPO }));
    expect(files.map(({ fileName, kind, quantization, fits }) => [fileName, kind, quantization, fits])).toEqual([
      ['m-F32.gguf', 'model', 'F32', false],
      ['m-Q4_K_M.gguf', 'model', 'Q4_K_M', true],
      ['m-Q8_0.gguf', 'model', 'Q8_0', true],
      ['mmproj-m-F16.gguf', 'projector', 'F16', true],
    ]);
    expect(choice).toBe(`${REPO}/m-Q4_K_M.gguf`);

    const pulled = payloadOf('PULL_MODEL', await host.request('PULL_MODEL', { model_name: `${REPO}:q8_0` }));
    expect(pulled).toMatchObject({ repoId: REPO, fileName: 'm-Q8_0.gguf' });
    const quantized = { modelPath: REPO, quantization: 'Q8_0' };
    const requests = hub.requests.length;
    const loaded = payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { ...quantized, settings: SETTINGS }));
    expect(loaded.modelPath).toBe(`${REPO}/m-Q8_0.gguf`);
    expect(hub.requests).toHaveLength(requests);
    payloadOf('UNLOAD_ALL_MODELS', await host.request('UNLOAD_ALL_MODELS'));
    expect(payloadOf('GET_DOWNLOAD_STATUS', await host.request('GET_DOWNLOAD_STATUS', quantized))).toMatchObject({
      status: 'completed',
    });
    payloadOf('DELETE_MODEL', await host.request('DELETE_MODEL', quantized));
    expect(await host.request('DELETE_MODEL', quantized)).toMatchObject({ code: 'MODEL_NOT_DOWNLOADED' });
  });

  it('without a quantization are resolved to the recommended model in the listing', async () => {
    const fetched = payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', { modelPath: REPO }));
    expect(fetched).toMatchObject({ fileName: 'm-Q4_K_M.gguf' });
    payloadOf('RECOMMEND_SPLIT', await host.request('RECOMMEND_SPLIT', { modelPath: REPO, quantization: 'Q8_0' }));
    const { files } = payloadOf('LIST_REPO_FILES', await host.request('LIST_REPO_FILES', { repoId: REPO }));
    expect(files.filter(({ downloaded }) => downloaded).map(({ fileName }) => fileName)).toEqual(['m-Q4_K_M.gguf']);
  });

  it('are rejected with the alternatives if they are ambiguous', async () => {
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: `${REPO}:Q5_K_M` })).toMatchObject({
      code: 'FILE_NOT_FOUND',
      details: { available: ['F32', 'Q4_K_M', 'Q8_0'] },
    });
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: `${REPO}:../x` })).toMatchObject({
      code: 'INVALID_REQUEST',
    });
    expect(await host.request('LIST_REPO_FILES', { repoId: 'maker/none' })).toMatchObject({ code: 'REPO_NOT_FOUND' });
    expect(await host.request('SEARCH_MODELS', { query: 'x', limit: 1000 })).toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('are listed in pages that fit in a message, even thousands of them', async () => {
    const listed = Array.from({ length: 9000 }, (_, n) => ({
      rfilename: `folder-${n}/${'name'.repeat(30)}-Q4_0.gguf`,
      size: n,
    }));
    const large = fixture.use(await startHub({ repos: { [REPO]: { files: {}, listed } } }));
    const other = fixture.host({ env: { HF_ENDPOINT: large.url } });
    let seen = 0;
    let cursor: string | undefined;
    do {
      const page = payloadOf('LIST_REPO_FILES', await other.request('LIST_REPO_FILES', { repoId: REPO, cursor }));
      seen += page.files.length;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toBe(9000);
  });
});

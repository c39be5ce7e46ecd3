import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from '@jest/globals';
import { scan } from '../../../host/external/scan.ts';
import { describeOnPosix } from '../../support/describe-on-posix.ts';
import { put, putHubCache, putOllama, sha256 } from '../../support/external/programs.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { tinyGguf } from '../../support/gguf/tiny-gguf.ts';
import { string } from '../../support/gguf/write-gguf.ts';

const folder = tempFolder('layouts');
afterAll(() => folder.remove());

const MODEL = tinyGguf();
const OTHER = tinyGguf({ keys: { 'general.name': string('another') } });

let home: string;
let made = 0;
beforeEach(() => {
  home = join(folder.path, `home-${made++}`);
  mkdirSync(home);
});

async function look(env: Record<string, string> = {}) {
  const { models } = await scan({
    platform: 'linux',
    env: { HOME: home, OLLAMA_MODELS: join(home, '.ollama/models'), ...env },
    configFile: join(home, 'config.json'),
    signal: new AbortController().signal,
  });
  return models.map(({ name, claimed, title, files }) => ({
    id: name.id,
    ...(claimed === undefined ? {} : { claimed: claimed.id }),
    title,
    files: files.map(({ path, sha256 }) => [path.slice(home.length + 1), sha256]),
  }));
}

describeOnPosix("huggingface_hub's cache", () => {
  it('is read through its snapshots, with checksums from blob names', async () => {
    const cache = join(home, '.cache/huggingface/hub');
    putHubCache(cache, { repo: 'maker/model-GGUF', file: 'Q4/model.gguf', content: MODEL });
    put('text', cache, 'models--maker--model-GGUF', 'snapshots', 'a'.repeat(40), 'README.md');
    put('{}', cache, 'datasets--maker--data', 'snapshots', 'a'.repeat(40), 'model.gguf');
    put('1', cache, 'version.txt');
    expect(await look()).toEqual([
      {
        id: 'local/huggingface/maker/model-GGUF/Q4/model.gguf',
        claimed: 'maker/model-GGUF/Q4/model.gguf',
        title: 'maker/model-GGUF/Q4/model.gguf',
        files: [
          [`.cache/huggingface/hub/models--maker--model-GGUF/snapshots/${'a'.repeat(40)}/Q4/model.gguf`, sha256(MODEL)],
        ],
      },
    ]);
  });

  it('has no checksum if the snapshot contains the file itself', async () => {
    const cache = join(home, 'hub');
    putHubCache(cache, { repo: 'maker/model', file: 'model.gguf', content: MODEL, withoutLinks: true });
    const [found] = await look({ HF_HUB_CACHE: cache });
    expect(found?.files[0]?.[1]).toBeUndefined();
    expect(found?.claimed).toBe('maker/model/model.gguf');
  });

  it('names other revisions by branch or commit, and lists the same bytes once', async () => {
    const cache = join(home, '.cache/huggingface/hub');
    const repo = 'maker/model';
    putHubCache(cache, { repo, file: 'm.gguf', content: MODEL, commit: 'b'.repeat(40), ref: 'refs/pr/1' });
    putHubCache(cache, { repo, file: 'm.gguf', content: OTHER, commit: 'c'.repeat(40), ref: null });
    expect((await look()).map(({ claimed }) => claimed)).toEqual([
      'maker/model@refs%2Fpr%2F1/m.gguf',
      `maker/model@${'c'.repeat(40)}/m.gguf`,
    ]);
    putHubCache(cache, { repo, file: 'm.gguf', content: MODEL, commit: 'd'.repeat(40) });
    expect((await look()).map(({ claimed }) => claimed)).toEqual([
      'maker/model/m.gguf',
      `maker/model@${'c'.repeat(40)}/m.gguf`,
    ]);
  });

  it('lists a split model if all its parts exist', async () => {
    const cache = join(home, '.cache/huggingface/hub');
    for (const part of ['00001', '00002']) {
      putHubCache(cache, { repo: 'maker/big', file: `big-${part}-of-00002.gguf`, content: Buffer.from(part) });
    }
    putHubCache(cache, { repo: 'maker/big', file: 'half-00001-of-00002.gguf', content: MODEL });
    const found = await look();
    expect(found.map(({ id }) => id)).toEqual(['local/huggingface/maker/big/big-00001-of-00002.gguf']);
    expect(found[0]?.files.map(([, sum]) => sum)).toEqual([sha256('00001'), sha256('00002')]);
  });
});

describeOnPosix("llama.cpp's cache", () => {
  it('is read with the origins in manifests and URL files', async () => {
    const cache = join(home, '.cache/llama.cpp');
    put(MODEL, cache, 'maker_model-GGUF_Q4_model.gguf');
    put(
      JSON.stringify({ ggufFile: { rfilename: 'Q4/model.gguf', lfs: { sha256: sha256(MODEL), size: MODEL.length } } }),
      cache,
      'manifest=maker=model-GGUF=latest.json',
    );
    put(OTHER, cache, 'old.gguf');
    put(
      JSON.stringify({ url: 'https://huggingface.co/maker/old/resolve/main/old.gguf', etag: '"x"' }),
      cache,
      'old.gguf.json',
    );
    put(MODEL, cache, 'unknown.gguf');
    expect(await look()).toEqual([
      {
        id: 'local/llama.cpp/maker_model-GGUF_Q4_model.gguf',
        claimed: 'maker/model-GGUF/Q4/model.gguf',
        title: 'maker_model-GGUF_Q4_model.gguf',
        files: [['.cache/llama.cpp/maker_model-GGUF_Q4_model.gguf', sha256(MODEL)]],
      },
      {
        id: 'local/llama.cpp/old.gguf',
        claimed: 'maker/old/old.gguf',
        title: 'old.gguf',
        files: [['.cache/llama.cpp/old.gguf', undefined]],
      },
      {
        id: 'local/llama.cpp/unknown.gguf',
        title: 'unknown.gguf',
        files: [['.cache/llama.cpp/unknown.gguf', undefined]],
      },
    ]);
  });

  it("is also read in the hub's layout in LLAMA_CACHE", async () => {
    const cache = join(home, 'llama');
    putHubCache(cache, { repo: 'maker/model', file: 'model.gguf', content: MODEL });
    expect((await look({ LLAMA_CACHE: cache })).map(({ id }) => id)).toEqual([
      'local/llama.cpp/maker/model/model.gguf',
    ]);
  });
});

describeOnPosix('LM Studio', () => {
  it('names models by publisher and repository, without checksums', async () => {
    put(MODEL, home, '.lmstudio/models/maker/model-GGUF/model-Q4_K_M.gguf');
    put(OTHER, home, '.cache/lm-studio/models/maker/older/older.gguf');
    put(MODEL, home, '.lmstudio/models/loose.gguf');
    expect(await look()).toEqual([
      {
        id: 'local/lmstudio/loose.gguf',
        title: 'loose.gguf',
        files: [['.lmstudio/models/loose.gguf', undefined]],
      },
      {
        id: 'local/lmstudio/maker/model-GGUF/model-Q4_K_M.gguf',
        claimed: 'maker/model-GGUF/model-Q4_K_M.gguf',
        title: 'maker/model-GGUF/model-Q4_K_M.gguf',
        files: [['.lmstudio/models/maker/model-GGUF/model-Q4_K_M.gguf', undefined]],
      },
      {
        id: 'local/lmstudio/maker/older/older.gguf',
        claimed: 'maker/older/older.gguf',
        title: 'maker/older/older.gguf',
        files: [['.cache/lm-studio/models/maker/older/older.gguf', undefined]],
      },
    ]);
  });

  it('is read in the folder from its settings', async () => {
    put(JSON.stringify({ downloadsFolder: join(home, 'elsewhere') }), home, '.lmstudio/settings.json');
    put(MODEL, home, 'elsewhere/maker/model/m.gguf');
    expect((await look()).map(({ id }) => id)).toEqual(['local/lmstudio/maker/model/m.gguf']);
  });
});

describeOnPosix("Ollama's store", () => {
  it('is read through manifests, including projectors and namespaces', async () => {
    const store = join(home, '.ollama/models');
    putOllama(store, 'qwen3', '8b', [
      { content: MODEL },
      { content: Buffer.from('{{ .Prompt }}'), mediaType: 'application/vnd.ollama.image.template' },
    ]);
    putOllama(store, 'someone/llava', 'latest', [
      { content: MODEL },
      { content: OTHER, mediaType: 'application/vnd.ollama.image.projector' },
    ]);
    expect(await look()).toEqual([
      {
        id: 'local/ollama/qwen3/8b',
        title: 'qwen3:8b',
        files: [[`.ollama/models/blobs/sha256-${sha256(MODEL)}`, sha256(MODEL)]],
      },
      {
        id: 'local/ollama/someone/llava/latest',
        title: 'someone/llava:latest',
        files: [[`.ollama/models/blobs/sha256-${sha256(MODEL)}`, sha256(MODEL)]],
      },
      {
        id: `local/ollama/someone/llava/latest/projector-${sha256(OTHER).slice(0, 8)}`,
        title: 'someone/llava:latest (projector)',
        files: [[`.ollama/models/blobs/sha256-${sha256(OTHER)}`, sha256(OTHER)]],
      },
    ]);
  });

  it('names models of other registries in full', async () => {
    const store = join(home, '.ollama/models');
    const manifest = {
      layers: [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${sha256(MODEL)}`, size: 1 }],
    };
    put(MODEL, store, 'blobs', `sha256-${sha256(MODEL)}`);
    put(JSON.stringify(manifest), store, 'manifests/hf.co/maker/model-GGUF/Q4_K_M');
    expect((await look()).map(({ id, title }) => [id, title])).toEqual([
      ['local/ollama/hf.co/maker/model-GGUF/Q4_K_M', 'hf.co/maker/model-GGUF:Q4_K_M'],
    ]);
  });
});

describeOnPosix('Jan', () => {
  it('is read in its current and older layouts, with checksums from model.yml', async () => {
    const data = join(home, '.local/share/Jan/data');
    put(MODEL, data, 'llamacpp/models/janhq/Jan-v1-4B/model.gguf');
    put(OTHER, data, 'llamacpp/models/janhq/Jan-v1-4B/mmproj.gguf');
    put(
      [
        'embedding: false',
        'mmproj_path: llamacpp/models/janhq/Jan-v1-4B/mmproj.gguf',
        'model_path: "llamacpp/models/janhq/Jan-v1-4B/model.gguf"',
        `model_sha256: ${sha256(MODEL)}`,
        'name: Jan v1',
        `size_bytes: ${MODEL.length}`,
        '',
      ].join('\n'),
      data,
      'llamacpp/models/janhq/Jan-v1-4B/model.yml',
    );
    put(OTHER, data, 'models/huggingface.co/maker/model/model-Q4.gguf');
    put(OTHER, home, 'jan/models/tinyllama-1.1b/tinyllama.gguf');
    expect(await look()).toEqual([
      {
        id: 'local/jan/janhq/Jan-v1-4B/mmproj.gguf',
        title: 'janhq/Jan-v1-4B/mmproj.gguf',
        files: [['.local/share/Jan/data/llamacpp/models/janhq/Jan-v1-4B/mmproj.gguf', undefined]],
      },
      {
        id: 'local/jan/janhq/Jan-v1-4B',
        title: 'janhq/Jan-v1-4B',
        files: [['.local/share/Jan/data/llamacpp/models/janhq/Jan-v1-4B/model.gguf', sha256(MODEL)]],
      },
      {
        id: 'local/jan/huggingface.co/maker/model/model-Q4.gguf',
        claimed: 'maker/model/model-Q4.gguf',
        title: 'huggingface.co/maker/model/model-Q4.gguf',
        files: [['.local/share/Jan/data/models/huggingface.co/maker/model/model-Q4.gguf', undefined]],
      },
      {
        id: 'local/jan/tinyllama-1.1b/tinyllama.gguf',
        title: 'tinyllama-1.1b/tinyllama.gguf',
        files: [['jan/models/tinyllama-1.1b/tinyllama.gguf', undefined]],
      },
    ]);
  });

  it('is read in the data folder from its settings', async () => {
    put(JSON.stringify({ data_folder: join(home, 'big') }), home, '.local/share/jan.ai.app/settings.json');
    put(MODEL, home, 'big/llamacpp/models/one/model.gguf');
    expect((await look()).map(({ id }) => id)).toEqual(['local/jan/one']);
  });
});

describeOnPosix('plain folders', () => {
  it('include that of GPT4All and those that the user configured', async () => {
    put(MODEL, home, '.local/share/nomic.ai/GPT4All/Llama-3.2-1B-Instruct-Q4_0.gguf');
    put('{}', home, '.local/share/nomic.ai/GPT4All/test.json');
    put(JSON.stringify({ modelFolders: [join(home, 'mine')] }), home, 'config.json');
    put(MODEL, home, 'mine/deep/er/own.gguf');
    expect((await look()).map(({ id }) => id)).toEqual([
      'local/gpt4all/Llama-3.2-1B-Instruct-Q4_0.gguf',
      'local/folder/deep/er/own.gguf',
    ]);
  });

  it.each(['{', '{"modelFolders": "x"}', '{"modelFolders": [7]}', '{"modelFolders": ["relative"]}'])(
    'say what is wrong with a list that is %s',
    async (text) => {
      put(text, home, 'config.json');
      const { problems, models } = await scan({
        platform: 'linux',
        env: {},
        configFile: join(home, 'config.json'),
        signal: new AbortController().signal,
      });
      expect(models).toEqual([]);
      expect(problems).toEqual([expect.stringContaining(join(home, 'config.json'))]);
    },
  );
});

import { describe, expect, it } from '@jest/globals';
import { nameOf, withPlainNames } from '../../../host/protocol/model-address.ts';

const MIRROR = 'http://mirror.example:8080/hub';

describe('nameOf', () => {
  it.each([
    // Names that are no addresses are not changed, except for characters around them.
    ['owner/name', 'owner/name'],
    [' owner/name/ ', 'owner/name'],
    ['"owner/name"', 'owner/name'],
    ['owner\\name\\m.gguf', 'owner/name/m.gguf'],
    ['owner/name:Q4_K_M', 'owner/name:Q4_K_M'],
    ['owner/name@dev/a b/m.gguf', 'owner/name@dev/a b/m.gguf'],
    ['remote/engine/model:7b', 'remote/engine/model:7b'],
    ['local/ollama/qwen3/8b', 'local/ollama/qwen3/8b'],
    ['owner/name:m-Q4_K_M.gguf', 'owner/name/m-Q4_K_M.gguf'],
    // The hub's pages.
    ['https://huggingface.co/owner/name', 'owner/name'],
    ['http://www.huggingface.co/owner/name/', 'owner/name'],
    ['HTTPS://HuggingFace.co/owner/name', 'owner/name'],
    ['huggingface.co/owner/name', 'owner/name'],
    ['hf.co/owner/name:Q4_K_M', 'owner/name:Q4_K_M'],
    ['https://hf.co/owner/name:m.gguf', 'owner/name/m.gguf'],
    ['https://huggingface.co/owner/name?library=transformers#usage', 'owner/name'],
    ['https://huggingface.co/owner/name?show_file_info=m-Q8_0.gguf', 'owner/name/m-Q8_0.gguf'],
    ['https://huggingface.co/owner/name/tree/main', 'owner/name'],
    ['https://huggingface.co/owner/name/tree/main/UD-Q4_K_XL', 'owner/name:UD-Q4_K_XL'],
    ['https://huggingface.co/owner/name/tree/v1.0', 'owner/name@v1.0'],
    ['https://huggingface.co/owner/name/blob/main/a/m.gguf', 'owner/name/a/m.gguf'],
    ['https://huggingface.co/owner/name/resolve/main/m.gguf?download=true', 'owner/name/m.gguf'],
    ['https://huggingface.co/owner/name/raw/dev/a%20b/m.gguf', 'owner/name@dev/a b/m.gguf'],
    ['https://huggingface.co/owner/name/blob/refs%2Fpr%2F3/m.gguf', 'owner/name@refs%2Fpr%2F3/m.gguf'],
    ['https://huggingface.co/owner/name/blob/refs/pr/3/m.gguf', 'owner/name@refs%2Fpr%2F3/m.gguf'],
    ['https://huggingface.co/owner/name/discussions/7', 'owner/name'],
    ['https://huggingface.co/api/models/owner/name', 'owner/name'],
    ['https://hf-mirror.com/owner/name', 'owner/name'],
    ['hf://owner/name@dev/m.gguf', 'owner/name@dev/m.gguf'],
    ['hf:owner/name:Q8_0', 'owner/name:Q8_0'],
    // The configured hub.
    ['http://mirror.example:8080/hub/owner/name/resolve/main/m.gguf', 'owner/name/m.gguf'],
    ['mirror.example:8080/owner/name:Q8_0', 'owner/name:Q8_0'],
    // Commands that model pages offer to copy.
    ['ollama run hf.co/owner/name:Q4_K_M', 'owner/name:Q4_K_M'],
    ['llama-server -hf owner/name:Q4_K_M', 'owner/name:Q4_K_M'],
    ['$ docker model run hf.co/owner/name:Q4_K_M', 'owner/name:Q4_K_M'],
    ['lms get owner/name', 'owner/name'],
    ['git clone https://huggingface.co/owner/name', 'owner/name'],
    ['git clone git@hf.co:owner/name', 'owner/name'],
    ['https://huggingface.co/owner/name.git', 'owner/name'],
    ['hf download owner/name m-Q8_0.gguf', 'owner/name/m-Q8_0.gguf'],
    ['`ollama run hf.co/owner/name`', 'owner/name'],
    // As text is copied from web pages.
    ['`owner/name:Q4_K_M`', 'owner/name:Q4_K_M'],
    ['“owner/name”', 'owner/name'],
    ['\u200bowner/name\ufeff', 'owner/name'],
    ['https:/huggingface.co/owner/name', 'owner/name'],
    ['//huggingface.co/owner/name', 'owner/name'],
    // Ollama's own models have ids here that follow from their names.
    ['qwen3:8b', 'local/ollama/qwen3/8b'],
    ['ollama run qwen3:8b', 'local/ollama/qwen3/8b'],
    ['https://ollama.com/library/qwen3', 'local/ollama/qwen3/latest'],
    ['registry.ollama.ai/someone/tiny:1b', 'local/ollama/someone/tiny/1b'],
  ])('of %j is %s', (typed, name) => expect(nameOf(typed, MIRROR)).toBe(name));

  it('does not interpret text that is longer than an address', () => {
    const long = `https://huggingface.co/owner/name?${'x'.repeat(4096)}`;
    expect(nameOf(long)).toBe(long);
  });

  it.each([
    'https://example.org/owner/name',
    'http://mirror.example/owner/name',
    'https://huggingface.co/datasets/owner/name',
    'https://huggingface.co/models?search=x',
    'https://huggingface.co.example.org/owner/name',
    'https://huggingface.co@example.org/owner/name',
  ])('does not interpret %j as a model on the hub', (typed) => expect(nameOf(typed, MIRROR)).toBeUndefined());
});

describe('withPlainNames', () => {
  it('replaces URLs in fields that name models, and in no others', () => {
    const address = 'https://hf.co/owner/name';
    const fields = { modelPath: address, model_path: address, prompt: address, id: 'a:b', model: { repo_id: address } };
    expect(withPlainNames(fields, MIRROR)).toEqual({
      modelPath: 'owner/name',
      model_path: 'owner/name',
      prompt: address,
      id: 'a:b',
      model: { repo_id: 'owner/name' },
    });
  });

  it('rejects the URL of another hub, with the field and the configured hub', () => {
    expect(() => withPlainNames({ repoId: 'https://example.org/owner/name' }, MIRROR)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringMatching(/repoId.*mirror\.example/) }),
    );
  });
});

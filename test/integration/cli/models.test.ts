import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { collectOutput, type RunOptions, runCommand, startCommand } from '../../support/cli/run-command.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const FILE = 'markov-f16.gguf';
const ID = `${REPO}/${FILE}`;

describe('models on the command line', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel() } } } }));
  });
  afterEach(() => fixture.close());

  const tabagent = (typed: string[], options: Partial<RunOptions> = {}) =>
    runCommand(typed, { home: fixture.home, env: { HF_ENDPOINT: hub.url }, ...options });

  it('are pulled, listed, shown and removed', async () => {
    const pulled = await tabagent(['pull', REPO, FILE]);
    expect(pulled).toMatchObject({ code: 0, stdout: expect.stringContaining(`Model downloaded successfully: ${ID}`) });
    expect(pulled.stderr).toMatch(/markov-f16\.gguf 100\.0 %, .+ of .+\n/);

    expect(await tabagent(['pull', REPO, FILE, '--max-speed', 'fast'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Invalid value for --max-speed: "fast". Expected a size such as 50GB.'),
    });
    const again = JSON.parse((await tabagent(['pull', ID, '--json', '--max-speed', '5MB'])).stdout);
    expect(again).toEqual({ modelId: ID, repoId: REPO, fileName: FILE, size: markovModel().length, cached: true });

    expect((await tabagent(['ls'])).stdout).toMatch(new RegExp(`^MODEL +SIZE\n${ID} +\\S+ MB\n$`));
    const { models } = JSON.parse((await tabagent(['ls', '--json'])).stdout);
    expect(models.map((model: { id: string }) => model.id)).toEqual([ID]);
    expect((await tabagent(['ls', '--all'])).stdout).toMatch(/ no\n/);

    const shown = JSON.parse((await tabagent(['show', 'markov-f16', '--json', '--context', '128'])).stdout);
    expect(shown).toMatchObject({ model: { id: ID }, download: { status: 'completed' }, split: { cpu_layers: 2 } });
    expect((await tabagent(['fit', ID])).stdout).toMatch(/^Model: +tabagent\/markov.+\nFits: +yes\n/);

    const removed = await tabagent(['rm', 'markov-f16']);
    expect(removed).toMatchObject({ code: 0, stdout: expect.stringMatching(`^Deleted ${ID} \\(.+ MB\\)\n$`) });
    const empty = await tabagent(['ls']);
    expect(empty).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('No models are downloaded') });
  });

  it('are pulled in another quantization than the one on the disk', async () => {
    const files = { 'markov-F16.gguf': markovModel(), 'markov-Q8_0.gguf': markovModel() };
    const other = fixture.use(await startHub({ repos: { [REPO]: { files } } }));
    const pull = async (...options: string[]) =>
      (await tabagent(['pull', REPO, ...options], { env: { HF_ENDPOINT: other.url } })).stdout;
    expect(await pull('--quantization', 'F16')).toContain(`${REPO}/markov-F16.gguf`);
    expect(await pull('--quantization', 'q8_0')).toContain(`${REPO}/markov-Q8_0.gguf`);
    expect(await pull('--quantization', 'F16')).toContain(`Model already downloaded: ${REPO}/markov-F16.gguf`);
  });

  it('are shown with every setting of a load, saved or default', async () => {
    await tabagent(['pull', ID]);
    await tabagent(['set', 'markov-f16', 'context', '256']);
    await tabagent(['set', 'markov-f16', 'chat-template', '{{ messages }}']);
    const { stdout } = await tabagent(['show', 'markov-f16']);
    const shown = new Map(stdout.split('\n').map((line) => line.split(/: +/) as [string, string]));
    expect(shown.get('context')).toBe('256 (saved; otherwise 512)');
    expect(shown.get('chat-template')).toBe('{{ messages }} (saved; otherwise none)');
    const others = ['gpu-layers', 'n-parallel', 'threads', 'n-batch', 'flash-attn', 'use-mmap', 'use-mlock'];
    for (const name of others) expect(shown.get(name)).toMatch(/^(\d+|true|false)$/);
    expect(shown.get('cache-type-k')).toBe('f16');
    expect([shown.get('devices'), shown.get('lora')]).toEqual([expect.any(String), 'none']);
    const { split } = JSON.parse((await tabagent(['show', 'markov-f16', '--json'])).stdout);
    expect(split.settings).toMatchObject({ n_ctx: 512, use_mmap: true, lora: [] });
    // A size alone says nothing about a load.
    const size = await tabagent(['call', 'RECOMMEND_SPLIT', '{"modelSize": 1000000}']);
    expect(JSON.parse(size.stdout).payload).not.toHaveProperty('settings');
  });

  it('are listed while they are incomplete, and can be removed', async () => {
    const slow = fixture.use(
      await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel() } } }, bytesPerSecond: 200_000 }),
    );
    const env = { HF_ENDPOINT: slow.url };
    const pulling = startCommand(['call', 'download_model', JSON.stringify({ modelId: ID }), '--events'], {
      home: fixture.home,
      env,
    });
    await new Promise<void>((resolve) => {
      pulling.stdout?.on('data', (text) => {
        if (/"loaded":[1-9]/.test(String(text))) resolve();
      });
    });
    pulling.kill('SIGINT');
    await collectOutput(pulling);

    expect((await tabagent(['ls'])).stdout).toMatch(new RegExp(`STATE\n${ID} .* paused, [\\d.]+ %\n$`));
    expect((await tabagent(['ls', '--ids'])).stdout).toBe('');
    const dry = await tabagent(['prune', '--dry-run', '--days', '0']);
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining(`${ID} (unfinished download)`) });
    expect(await tabagent(['prune', '--dry-run', '--yes'])).toMatchObject({ code: 2 });
    const removed = await tabagent(['rm', FILE]);
    expect(removed).toMatchObject({ code: 0, stdout: expect.stringMatching(`^Deleted ${ID} \\(.+\\)\n$`) });
    expect((await tabagent(['ls'])).stdout).toBe('');
  });

  it('are suggested for a mistyped name', async () => {
    await tabagent(['pull', ID]);
    const removed = await tabagent(['rm', 'markov-f61']);
    expect(removed).toMatchObject({ code: 3, stdout: '' });
    expect(removed.stderr).toContain('"markov-f61" is not downloaded. Did you mean "markov-f16"?');

    const pulled = await tabagent(['pull', REPO, 'markov-f61.gguf']);
    expect(pulled).toMatchObject({ code: 3, stderr: expect.stringContaining(`Did you mean "${ID}"?`) });

    const json = await tabagent(['fit', 'tabagent/markow-gguf/markov-f16.gguf', '--json']);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout).error).toMatchObject({ code: 'REPO_NOT_FOUND' });
  });

  it('keep downloaded data when they are interrupted, and the next pull resumes', async () => {
    hub.fault({ kind: 'stall', after: markovModel().length / 2, match: ({ server }) => server === 'cdn' });
    const child = startCommand(['pull', ID], { home: fixture.home, env: { HF_ENDPOINT: hub.url } });
    const end = collectOutput(child);
    // Waits for more than the first line, which may precede the first byte.
    child.stderr.on('data', (text: Buffer | string) => {
      if (!child.killed && / [1-9]\d\.\d %/.test(String(text))) child.kill('SIGINT');
    });
    expect(await end).toMatchObject({ code: 130, stdout: '', stderr: expect.stringContaining('Interrupted.') });
    hub.clearFaults();
    expect((await tabagent(['ls', '--downloads'])).stdout).toMatch(new RegExp(`${ID} +\\w+ +\\S+ %`));
    expect((await tabagent(['pull', ID])).code).toBe(0);
  });

  it('exit with a separate exit code if the hub is not reachable', async () => {
    const env = { HF_ENDPOINT: 'http://127.0.0.1:9', HF_HUB_OFFLINE: '1' };
    expect(await tabagent(['pull', ID], { env })).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringMatching(/\nError: .+ \(OFFLINE\)\n$/),
    });
  });
});

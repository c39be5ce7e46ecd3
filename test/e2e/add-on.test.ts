import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { describeUnless } from '../support/describe-unless.ts';
import { markovModel } from '../support/gguf/markov-model.ts';
import { HostFixture } from '../support/host/host-fixture.ts';
import type { Message } from '../support/host/host-process.ts';
import { payloadOf } from '../support/host/payload-of.ts';
import { startHub } from '../support/hub/hub.ts';
import { ARCHIVE, PACKAGE_NAME } from './support/packaged-host.ts';

const ADD_ON = ARCHIVE.replace('.tar.xz', '-vulkan.tar.xz');
const MODEL = { modelPath: 'tabagent/markov-gguf', modelFile: 'markov-f16.gguf' };

describeUnless('a GPU add-on that is unpacked over the packaged host', whatIsMissing(), () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    execFileSync('tar', ['-xJf', ARCHIVE, '-C', fixture.home]);
  });
  afterEach(() => fixture.close());

  async function loadWithVulkan(): Promise<Message> {
    const files = { [MODEL.modelFile]: markovModel() };
    const hub = fixture.use(await startHub({ repos: { [MODEL.modelPath]: { files } } }));
    const command = [join(fixture.home, PACKAGE_NAME, 'tabagent-host')] as const;
    const host = fixture.host({ command, env: { HF_ENDPOINT: hub.url, TABAGENT_GPU: 'vulkan' } });
    payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', MODEL));
    return host.request('LOAD_MODEL', { ...MODEL, settings: { n_gpu_layers: 0, n_ctx: 256, n_threads: 1 } });
  }

  it('is reported as missing before it is unpacked', async () => {
    const { warnings } = payloadOf('LOAD_MODEL', await loadWithVulkan());
    expect(warnings).toEqual([expect.stringContaining('The GPU could not be used')]);
  });

  it('is found after it is unpacked', async () => {
    execFileSync('tar', ['-xJf', ADD_ON, '-C', fixture.home]);
    const payload = payloadOf('LOAD_MODEL', await loadWithVulkan());
    expect(payload).toMatchObject({ isReady: true });
    expect(JSON.stringify(payload)).not.toContain('The GPU could not be used');
  });

  it('contains its licences', () => {
    const list = execFileSync('tar', ['-tJf', ADD_ON], { encoding: 'utf8' });
    expect(list).toContain(`${PACKAGE_NAME}/LICENSES-linux-x64-vulkan.txt`);
  });
});

/** Vulkan's loader is part of the system. The backend can be loaded without a GPU. */
function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'there is an add-on for Linux x64 alone';
  const loader = '/usr/lib/x86_64-linux-gnu/libvulkan.so.1';
  const elsewhere = '/usr/lib64/libvulkan.so.1';
  return existsSync(loader) || existsSync(elsewhere) ? undefined : 'libvulkan.so.1 is not installed';
}

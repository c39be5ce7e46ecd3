import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../host/config.ts';
import { readModelName } from '../../host/protocol/model-name.ts';
import { largeModel } from '../support/gguf/large-model.ts';
import { CHROME_ORIGIN, HOST_MAIN, HostProcess } from '../support/host/host-process.ts';
import { startHub } from '../support/hub/hub.ts';
import { fact, line, title } from './print.ts';
import { runSteps, STEPS } from './steps.ts';

/**
 * `npm start`: demonstrates the host's main workflow. Without an argument, it uses a generated model and a local test
 * hub; with a model ID, the configured hub and the user's cache.
 */

/** Size of the generated model: large enough for visible progress, small enough to generate quickly. */
const MODEL_MEGABYTES = 48;
/** Speed of the test hub. Without a limit, the download would finish before its progress is visible. */
const HUB_BYTES_PER_SECOND = 24 * 1024 * 1024;

const [argument] = process.argv.slice(2);
const closers: (() => Promise<unknown>)[] = [];
try {
  title('TabAgent host: the main workflow, in nine steps');
  line();
  const { repo, file, env, home } = argument === undefined ? await embedded() : configured(argument);
  const host = new HostProcess({ home, env });
  closers.push(() => host.close());
  fact(`host   ${HOST_MAIN} ${CHROME_ORIGIN}, process ${host.pid}, over native messaging`);
  fact(`home   ${home}`);
  const passed = await runSteps({ host, repo, file });
  line();
  line(
    passed === STEPS.length ? 'All nine steps passed.' : `${STEPS.length - passed} of ${STEPS.length} steps failed.`,
  );
  process.exitCode = passed === STEPS.length ? 0 : 1;
} catch (error) {
  line(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  for (const close of closers.reverse()) await close();
}

/** Starts a test hub on loopback with one model, and creates a data folder that is removed afterwards. */
async function embedded() {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-start-'));
  closers.push(() => rm(home, { recursive: true, force: true }));
  const [repo, file] = ['tabagent/demo-GGUF', 'demo-F16.gguf'];
  const path = join(home, 'demo.gguf');
  await largeModel(path, { megabytes: MODEL_MEGABYTES, seed: 1 });
  const hub = await startHub({
    repos: { [repo]: { files: { [file]: { path } } } },
    bytesPerSecond: HUB_BYTES_PER_SECOND,
  });
  closers.push(() => hub.close());
  fact(`hub    ${hub.url}, a local test hub with ${repo}/${file} (generated; its text is random)`);
  return { repo, file, home, env: { HF_ENDPOINT: hub.url } };
}

/** Uses the user's hub and cache. */
function configured(id: string) {
  const name = readModelName({ modelPath: id });
  const { paths, hubEndpoint } = readConfig({ runnerEntry: new URL('file:///') });
  fact(`hub    ${hubEndpoint}`);
  return { repo: name.repoId, file: name.file, home: paths.home, env: { ...process.env } };
}

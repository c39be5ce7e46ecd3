import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../host/config.ts';
import { readModelName } from '../../host/protocol/model-name.ts';
import { largeModel } from '../support/gguf/large-model.ts';
import { CHROME_ORIGIN, HOST_MAIN, HostProcess } from '../support/host/host-process.ts';
import { startHub } from '../support/hub/hub.ts';
import { fact, line, title } from './print.ts';
import { goThrough, STEPS } from './steps.ts';

/**
 * `npm start`: the host's main job, before one's eyes. Without an argument everything happens on this machine, with a
 * model made on the spot and a hub of our own; with a model id, against the configured hub and in the user's cache.
 */

/** Size of the made model: large enough to see it come, small enough to make at once. */
const MODEL_MEGABYTES = 48;
/** What the embedded hub gives, so that the progress bar is one: loopback alone would be done at once. */
const HUB_BYTES_PER_SECOND = 24 * 1024 * 1024;

const [argument] = process.argv.slice(2);
const closers: (() => Promise<unknown>)[] = [];
try {
  title('TabAgent host: the main job, in nine steps');
  line();
  const { repo, file, env, home } = argument === undefined ? await embedded() : configured(argument);
  const host = new HostProcess({ home, env });
  closers.push(() => host.close());
  fact(`host   ${HOST_MAIN} ${CHROME_ORIGIN}, process ${host.pid}, over real frames`);
  fact(`home   ${home}`);
  const holding = await goThrough({ host, repo, file });
  line();
  line(
    holding === STEPS.length
      ? 'All nine steps hold.'
      : `${STEPS.length - holding} of ${STEPS.length} steps do not hold.`,
  );
  process.exitCode = holding === STEPS.length ? 0 : 1;
} catch (error) {
  line(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  for (const close of closers.reverse()) await close();
}

/** A hub on loopback with one model in it, and a home that is removed afterwards. */
async function embedded() {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-start-'));
  closers.push(() => rm(home, { recursive: true, force: true }));
  const [repo, file] = ['tabagent/made-here-GGUF', 'made-here-F16.gguf'];
  const path = join(home, 'made-here.gguf');
  await largeModel(path, { megabytes: MODEL_MEGABYTES, seed: 1 });
  const hub = await startHub({
    repos: { [repo]: { files: { [file]: { path } } } },
    bytesPerSecond: HUB_BYTES_PER_SECOND,
  });
  closers.push(() => hub.close());
  fact(`hub    ${hub.url}, embedded, with ${repo}/${file} (made just now, its words are random)`);
  return { repo, file, home, env: { HF_ENDPOINT: hub.url } };
}

/** The user's own hub and cache. */
function configured(id: string) {
  const name = readModelName({ modelPath: id });
  const { paths, hubEndpoint } = readConfig({ runnerEntry: new URL('file:///') });
  fact(`hub    ${hubEndpoint}`);
  return { repo: name.repoId, file: name.file, home: paths.home, env: { ...process.env } };
}

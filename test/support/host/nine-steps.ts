import { jest } from '@jest/globals';
import { runSteps, STEPS } from '../../demo/steps.ts';
import { markovModel } from '../gguf/markov-model.ts';
import { startHub, type TestHub } from '../hub/hub.ts';
import type { HostProcess } from './host-process.ts';
import type { Workshop } from './workshop.ts';

const REPO = 'tabagent/markov-gguf';
const FILE = 'markov-f16.gguf';

/** Starts a hub with the model of the steps. */
export async function stepsHub(shop: Workshop): Promise<TestHub> {
  return shop.use(await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel() } } } }));
}

/** Runs the nine steps of `npm start`. Throws, with what they printed, unless all pass. */
export async function expectNineSteps(host: HostProcess): Promise<void> {
  let printed = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  try {
    const passed = await runSteps({ host, repo: REPO, file: FILE });
    if (passed !== STEPS.length) throw new Error(`${passed} of ${STEPS.length} steps passed:\n${printed}`);
  } finally {
    write.mockRestore();
  }
}

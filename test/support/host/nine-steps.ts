import { jest } from '@jest/globals';
import { runSteps, STEPS } from '../../demo/steps.ts';
import { markovModel } from '../gguf/markov-model.ts';
import { startHub, type TestHub } from '../hub/hub.ts';
import type { HostFixture } from './host-fixture.ts';
import type { HostProcess } from './host-process.ts';

const REPO = 'tabagent/markov-gguf';
const FILE = 'markov-f16.gguf';

/** Starts a hub with the model that the steps use. */
export async function startStepsHub(fixture: HostFixture): Promise<TestHub> {
  return fixture.use(await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel() } } } }));
}

/**
 * Runs the nine steps of `npm start`.
 *
 * @throws Error with their output if one of them fails.
 */
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

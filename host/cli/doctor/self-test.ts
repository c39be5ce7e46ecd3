import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defined } from '../../common/defined.ts';
import { readConfig } from '../../config.ts';
import { markovModel, STORY_GREEDY } from '../../gguf/writing/markov-model.ts';
import { Host } from '../../host.ts';
import { Client } from '../client.ts';
import type { CommandContext } from '../context.ts';
import type { Finding } from './finding.ts';

const MODEL = { owner: 'tabagent', repo: 'self-test', file: 'story.gguf' };
const MODEL_ID = `${MODEL.owner}/${MODEL.repo}/${MODEL.file}`;

/** The prompt, and the expected output. */
const [PROMPT = '', ...CONTINUATION] = STORY_GREEDY.split(' ');

/** One thread: a model this small gains nothing from more. */
const SETTINGS = { n_ctx: 256, n_threads: 1 };

/**
 * Loads a small generated model and compares its output, through the same actions as for any other model, in
 * a temporary data folder. If there is a GPU, once on the CPU and once on the GPU.
 */
export async function examineEngine(context: CommandContext): Promise<readonly Finding[]> {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-doctor-'));
  const env = { ...context.terminal.env, TABAGENT_HOME: home, HF_HUB_OFFLINE: '1' };
  const openHost = () => new Host(readConfig({ runnerEntry: context.entry, env }));
  const client = new Client(openHost, context.interrupts.signal);
  try {
    const folder = join(home, 'models', MODEL.owner, MODEL.repo);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, MODEL.file), markovModel({ name: 'Self-test' }));
    const { gpus } = (await client.request('GET_SYSTEM_RESOURCES')).payload;
    const cpu = await generate(client, 0);
    const findings: Finding[] = [
      {
        check: 'llama.cpp',
        status: 'ok',
        message: `Starts successfully${cpu.variant === null ? '' : ` (build: ${cpu.variant})`}.`,
        details: { cpuVariant: cpu.variant },
      },
      outputFinding('self-test on the CPU', cpu.text),
      await containment(client),
    ];
    if (gpus.length === 0)
      return [...findings, { check: 'GPU', status: 'ok', message: 'No supported GPU found. Models run on the CPU.' }];
    const names = gpus.map(({ name }) => name).join(', ');
    const gpu = await generate(client, -1);
    if (gpu.loadedTo === 'CPU') {
      const fix = 'Install a GPU driver with CUDA or Vulkan support, and the TabAgent package for that backend.';
      return [...findings, { check: 'GPU', status: 'warning', message: `${names} was found, but is not used.`, fix }];
    }
    return [
      ...findings,
      { check: 'GPU', status: 'ok', message: `Using ${names}.` },
      outputFinding('self-test on the GPU', gpu.text),
    ];
  } finally {
    await client.close();
    await rm(home, { recursive: true, force: true });
  }
}

/** Generates with a number of layers on the GPU. */
async function generate(client: Client, gpuLayers: number) {
  const settings = { ...SETTINGS, n_gpu_layers: gpuLayers };
  const { payload: loaded } = await client.request('LOAD_MODEL', { modelId: MODEL_ID, settings });
  const { payload } = await client.request('GENERATE', {
    modelId: MODEL_ID,
    prompt: PROMPT,
    settings: { temperature: 0, do_sample: false, max_new_tokens: 32, repetition_penalty: 1 },
  });
  await client.request('UNLOAD_MODEL', { modelId: MODEL_ID });
  return { text: payload.output.trim(), variant: loaded.cpuVariant, loadedTo: loaded.loadedTo };
}

/** Returns whether models run in a sandbox, which is known after the first load. */
async function containment(client: Client): Promise<Finding> {
  const check = 'sandbox';
  const { kind = null, reason = null } = (await client.request('GET_SYSTEM_INFO')).payload.sandbox ?? {};
  if (kind !== null) return { check, status: 'ok', message: `Models are contained by ${kind}.`, details: { kind } };
  const message = `Models are not contained, because ${reason}.`;
  // There is nothing to install on Windows.
  if (process.platform === 'win32') return { check, status: 'ok', message };
  const fix = reason?.includes('not installed') === true ? 'Install the package "bubblewrap".' : undefined;
  return { check, status: 'warning', message, ...defined({ fix }) };
}

function outputFinding(check: string, text: string): Finding {
  const expected = CONTINUATION.join(' ');
  if (text === expected) return { check, status: 'ok', message: 'A small model produces the expected output.' };
  const message = `A small model produced unexpected output. Expected "${expected}", got "${text.slice(0, 200)}".`;
  const fix = 'Set TABAGENT_GPU=off to run without the GPU. If the check still fails, please report a bug.';
  return { check, status: 'failed', message, fix };
}

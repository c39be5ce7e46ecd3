import { formatBytes } from '../../host/common/format.ts';
import type { HostProcess, Message } from '../support/host/host-process.ts';
import { fact, ProgressBar, printReply, printRequest, printResult, step } from './print.ts';

/** The host and the model that the steps use. */
export interface Subject {
  readonly host: HostProcess;
  /** `owner/name`. */
  readonly repo: string;
  readonly file: string;
}

/** A step: sends requests, prints the replies, and checks an expectation. */
interface Step {
  readonly title: string;
  run(subject: Subject): Promise<{ expectation: string; passed: boolean }>;
}

async function send({ host }: Subject, action: string, fields: Message = {}): Promise<Message> {
  printRequest({ action, ...fields });
  const reply = await host.request(action, fields);
  printReply(reply);
  if (reply.status === 'error') fact(`${reply.code}: ${reply.message}`);
  return reply;
}

/** Sends a request, and draws a progress bar for its progress events. */
async function sendWithProgress(subject: Subject, action: string, fields: Message): Promise<Message> {
  const bar = new ProgressBar();
  const stop = subject.host.onMessage(({ type, payload }) => {
    if (type === 'MODEL_DOWNLOAD_PROGRESS') {
      // The speed is zero until it has been measured.
      const speed = payload.bytesPerSecond === 0 ? '' : `, ${formatBytes(payload.bytesPerSecond)}/s`;
      const left = payload.etaSeconds === null ? '' : `, ${payload.etaSeconds} s left`;
      bar.draw(payload.progress, `${formatBytes(payload.loaded)} of ${formatBytes(payload.total)}${speed}${left}`);
    } else if (type === 'modelWorkerLoadingProgress') {
      bar.draw(payload.progress, payload.message ?? payload.status);
    }
  });
  try {
    printRequest({ action, ...fields });
    const reply = await subject.host.request(action, fields);
    bar.end();
    printReply(reply);
    if (reply.status === 'error') fact(`${reply.code}: ${reply.message}`);
    return reply;
  } finally {
    stop();
  }
}

const modelId = ({ repo, file }: Subject) => `${repo}/${file}`;
const succeeded = (reply: Message) => reply.status === 'success';

/** The nine steps of the original host's pipeline test, in its order. */
export const STEPS: readonly Step[] = [
  {
    title: 'Inspect the computer',
    async run(subject) {
      const reply = await send(subject, 'GET_SYSTEM_RESOURCES');
      const { cpu, gpus, total_ram, available_ram, disk } = reply.payload ?? {};
      if (succeeded(reply)) {
        const variant = cpu.variant === null ? '' : `, llama.cpp binary "${cpu.variant}"`;
        fact(
          `CPU   ${cpu.model_name}, ${cpu.cores} cores${cpu.microarchitecture ? `, ${cpu.microarchitecture}` : ''}${variant}`,
        );
        fact(
          `GPU   ${gpus.length === 0 ? 'none' : gpus.map((gpu: Message) => `${gpu.name} (${formatBytes(gpu.available_vram)} free)`).join(', ')}`,
        );
        fact(`RAM   ${formatBytes(available_ram)} available of ${formatBytes(total_ram)}`);
        if (disk) fact(`Disk  ${formatBytes(disk.available)} available of ${formatBytes(disk.total)}`);
      }
      return {
        expectation: 'CPU and memory are detected',
        passed: succeeded(reply) && cpu.cores > 0 && available_ram > 0 && available_ram <= total_ram,
      };
    },
  },
  {
    title: 'List the available models',
    async run(subject) {
      const reply = await send(subject, 'GET_AVAILABLE_MODELS');
      const models: Message[] = reply.payload?.models ?? [];
      for (const model of models.slice(0, 5)) fact(`${model.name}  ${model.size_gb} GB`);
      if (models.length > 5) fact(`… and ${models.length - 5} more`);
      return { expectation: 'models are available', passed: succeeded(reply) && models.length > 0 };
    },
  },
  {
    title: 'Download a model',
    async run(subject) {
      const reply = await sendWithProgress(subject, 'DOWNLOAD_MODEL', {
        modelPath: subject.repo,
        modelFile: subject.file,
      });
      if (succeeded(reply))
        fact(`${reply.message}: ${formatBytes(reply.payload.size)}, its SHA-256 matches the published one`);
      return {
        expectation: 'the model is downloaded and verified',
        passed: succeeded(reply) && reply.payload.cached === true,
      };
    },
  },
  {
    title: 'Load it into memory',
    async run(subject) {
      const settings = { n_gpu_layers: 0, n_ctx: 512 };
      const reply = await sendWithProgress(subject, 'LOAD_MODEL', {
        modelPath: subject.repo,
        modelFile: subject.file,
        settings,
      });
      if (succeeded(reply)) {
        const model = reply.payload;
        fact(
          `${model.architecture} ${model.quantization}, vocabulary ${model.vocabSize}, context ${model.contextSize}, embedding ${model.embeddingDim}`,
        );
        fact(
          `${model.loadedTo} with llama.cpp's "${model.cpuVariant}", ${formatBytes(model.ramUsed)} of RAM, in ${model.loadTimeMs} ms`,
        );
      }
      return { expectation: 'the model is loaded', passed: succeeded(reply) && reply.payload.isReady === true };
    },
  },
  {
    title: 'List the loaded models',
    async run(subject) {
      const reply = await send(subject, 'GET_LOADED_MODELS');
      const ids: string[] = (reply.payload?.models ?? []).map((model: Message) => model.model_id);
      for (const id of ids) fact(id);
      return { expectation: 'the model is listed', passed: ids.includes(modelId(subject)) };
    },
  },
  {
    title: 'Get its state',
    async run(subject) {
      const reply = await send(subject, 'GET_MODEL_STATE', { modelId: modelId(subject) });
      const entry = reply.payload ?? {};
      if (succeeded(reply))
        fact(
          `loaded to ${entry.loaded_to} at ${new Date(entry.loaded_at * 1000).toISOString()}, ${formatBytes(entry.ram_used)} of RAM`,
        );
      return {
        expectation: 'the state is that of the loaded model',
        passed: succeeded(reply) && entry.model_id === modelId(subject),
      };
    },
  },
  {
    title: 'Unload it',
    async run(subject) {
      const reply = await send(subject, 'UNLOAD_MODEL', { modelId: modelId(subject) });
      if (succeeded(reply)) fact(`${formatBytes(reply.payload.ramFreed)} of RAM freed`);
      return {
        expectation: 'the model is unloaded',
        passed: succeeded(reply) && reply.payload.wasLoaded === true,
      };
    },
  },
  {
    title: 'Check that it is unloaded',
    async run(subject) {
      const list = await send(subject, 'GET_LOADED_MODELS');
      const state = await send(subject, 'GET_MODEL_STATE', { modelId: modelId(subject) });
      const empty = !(list.payload?.models ?? []).some((model: Message) => model.model_id === modelId(subject));
      return {
        expectation: 'the model is no longer listed, and its state is an error',
        passed: empty && state.code === 'MODEL_NOT_LOADED',
      };
    },
  },
  {
    title: 'Recommend how to split a 7B model between GPU and CPU',
    async run(subject) {
      const reply = await send(subject, 'RECOMMEND_SPLIT', { modelSize: 4_000_000_000, totalLayers: 32 });
      const split = reply.payload ?? {};
      if (succeeded(reply)) {
        fact(`${split.gpu_layers} layers on the GPU, ${split.cpu_layers} on the CPU (${split.performance_tier})`);
        fact(split.reason);
      }
      return {
        expectation: 'every layer is assigned',
        passed: succeeded(reply) && split.gpu_layers + split.cpu_layers === 32,
      };
    },
  },
];

/** Runs all steps, even after a failure. Returns the number of steps that passed. */
export async function runSteps(subject: Subject): Promise<number> {
  let count = 0;
  for (const [index, { title, run }] of STEPS.entries()) {
    step(index + 1, title);
    const { expectation, passed } = await run(subject);
    printResult(passed, expectation);
    if (passed) count += 1;
  }
  return count;
}

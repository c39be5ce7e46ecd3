import type { HostProcess, Message } from '../support/host/host-process.ts';
import { answered, asked, bytes, fact, ProgressBar, step, verdict } from './print.ts';

/** What the nine steps are gone through with. */
export interface Subject {
  readonly host: HostProcess;
  /** `owner/name`. */
  readonly repo: string;
  readonly file: string;
}

/** One step of the seed's pipeline: asks, shows what came, and says whether it holds. */
interface Step {
  readonly question: string;
  run(subject: Subject): Promise<{ promise: string; holds: boolean }>;
}

async function ask({ host }: Subject, action: string, fields: Message = {}): Promise<Message> {
  asked({ action, ...fields });
  const reply = await host.request(action, fields);
  answered(reply);
  if (reply.status === 'error') fact(`${reply.code}: ${reply.message}`);
  return reply;
}

/** Asks, and draws every progress event of the request as a bar. */
async function askWithProgress(subject: Subject, action: string, fields: Message): Promise<Message> {
  const bar = new ProgressBar();
  const stop = subject.host.onMessage(({ type, payload }) => {
    if (type === 'MODEL_DOWNLOAD_PROGRESS') {
      const left = payload.etaSeconds === null ? '' : `, ${payload.etaSeconds} s left`;
      bar.draw(
        payload.progress,
        `${bytes(payload.loaded)} of ${bytes(payload.total)}, ${bytes(payload.bytesPerSecond)}/s${left}`,
      );
    } else if (type === 'modelWorkerLoadingProgress') {
      bar.draw(payload.progress, payload.message ?? payload.status);
    }
  });
  try {
    asked({ action, ...fields });
    const reply = await subject.host.request(action, fields);
    bar.end();
    answered(reply);
    if (reply.status === 'error') fact(`${reply.code}: ${reply.message}`);
    return reply;
  } finally {
    stop();
  }
}

const modelId = ({ repo, file }: Subject) => `${repo}/${file}`;
const succeeded = (reply: Message) => reply.status === 'success';

/** The seed's nine test cases, in its order. */
export const STEPS: readonly Step[] = [
  {
    question: 'What does this machine have?',
    async run(subject) {
      const reply = await ask(subject, 'GET_SYSTEM_RESOURCES');
      const { cpu, gpus, total_ram, available_ram, disk } = reply.payload ?? {};
      if (succeeded(reply)) {
        const variant = cpu.variant === null ? '' : `, llama.cpp binary "${cpu.variant}"`;
        fact(
          `CPU   ${cpu.model_name}, ${cpu.cores} cores${cpu.microarchitecture ? `, ${cpu.microarchitecture}` : ''}${variant}`,
        );
        fact(
          `GPU   ${gpus.length === 0 ? 'none' : gpus.map((gpu: Message) => `${gpu.name} (${bytes(gpu.available_vram)} free)`).join(', ')}`,
        );
        fact(`RAM   ${bytes(available_ram)} available of ${bytes(total_ram)}`);
        if (disk) fact(`Disk  ${bytes(disk.available)} available of ${bytes(disk.total)}`);
      }
      return {
        promise: 'CPU and memory are known',
        holds: succeeded(reply) && cpu.cores > 0 && available_ram > 0 && available_ram <= total_ram,
      };
    },
  },
  {
    question: 'Which models are offered?',
    async run(subject) {
      const reply = await ask(subject, 'GET_AVAILABLE_MODELS');
      const models: Message[] = reply.payload?.models ?? [];
      for (const model of models.slice(0, 5)) fact(`${model.name}  ${model.size_gb} GB`);
      if (models.length > 5) fact(`… and ${models.length - 5} more`);
      return { promise: 'there are models to choose from', holds: succeeded(reply) && models.length > 0 };
    },
  },
  {
    question: 'Download one.',
    async run(subject) {
      const reply = await askWithProgress(subject, 'DOWNLOAD_MODEL', {
        modelPath: subject.repo,
        modelFile: subject.file,
      });
      if (succeeded(reply)) fact(`${reply.message}: ${bytes(reply.payload.size)}, its SHA-256 as the hub announced`);
      return {
        promise: 'the model is on the disk, verified',
        holds: succeeded(reply) && reply.payload.cached === true,
      };
    },
  },
  {
    question: 'Load it into memory.',
    async run(subject) {
      const settings = { n_gpu_layers: 0, n_ctx: 512 };
      const reply = await askWithProgress(subject, 'LOAD_MODEL', {
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
          `${model.loadedTo} with llama.cpp's "${model.cpuVariant}", ${bytes(model.ramUsed)} of RAM, in ${model.loadTimeMs} ms`,
        );
      }
      return { promise: 'llama.cpp has loaded it', holds: succeeded(reply) && reply.payload.isReady === true };
    },
  },
  {
    question: 'Which models are loaded?',
    async run(subject) {
      const reply = await ask(subject, 'GET_LOADED_MODELS');
      const ids: string[] = (reply.payload?.models ?? []).map((model: Message) => model.model_id);
      for (const id of ids) fact(id);
      return { promise: 'the list holds this one', holds: ids.includes(modelId(subject)) };
    },
  },
  {
    question: 'What is its state?',
    async run(subject) {
      const reply = await ask(subject, 'GET_MODEL_STATE', { modelId: modelId(subject) });
      const entry = reply.payload ?? {};
      if (succeeded(reply))
        fact(
          `loaded to ${entry.loaded_to} at ${new Date(entry.loaded_at * 1000).toISOString()}, ${bytes(entry.ram_used)} of RAM`,
        );
      return { promise: 'its state is the loaded one', holds: succeeded(reply) && entry.model_id === modelId(subject) };
    },
  },
  {
    question: 'Unload it.',
    async run(subject) {
      const reply = await ask(subject, 'UNLOAD_MODEL', { modelId: modelId(subject) });
      if (succeeded(reply)) fact(`${bytes(reply.payload.ramFreed)} of RAM given back`);
      return {
        promise: 'it was loaded, and is no more',
        holds: succeeded(reply) && reply.payload.wasLoaded === true,
      };
    },
  },
  {
    question: 'Is it really gone?',
    async run(subject) {
      const list = await ask(subject, 'GET_LOADED_MODELS');
      const state = await ask(subject, 'GET_MODEL_STATE', { modelId: modelId(subject) });
      const empty = !(list.payload?.models ?? []).some((model: Message) => model.model_id === modelId(subject));
      return {
        promise: 'no list holds it, and asking for its state says so',
        holds: empty && state.code === 'MODEL_NOT_LOADED',
      };
    },
  },
  {
    question: 'How should a 7B model be split between GPU and CPU here?',
    async run(subject) {
      const reply = await ask(subject, 'RECOMMEND_SPLIT', { modelSize: 4_000_000_000, totalLayers: 32 });
      const split = reply.payload ?? {};
      if (succeeded(reply)) {
        fact(`${split.gpu_layers} layers on the GPU, ${split.cpu_layers} on the CPU (${split.performance_tier})`);
        fact(split.reason);
      }
      return {
        promise: 'every layer has its place',
        holds: succeeded(reply) && split.gpu_layers + split.cpu_layers === 32,
      };
    },
  },
];

/** Goes through all nine, whatever comes of each. Returns how many hold. */
export async function goThrough(subject: Subject): Promise<number> {
  let holding = 0;
  for (const [index, { question, run }] of STEPS.entries()) {
    step(index + 1, question);
    const { promise, holds } = await run(subject);
    verdict(holds, promise);
    if (holds) holding += 1;
  }
  return holding;
}

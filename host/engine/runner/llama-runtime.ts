import { defined } from '../../common/defined.ts';
import { HostError, isHostError, messageOf } from '../../common/errors.ts';
import { engineUnavailable, requestAborted } from '../../common/host-errors.ts';
import { longPath } from '../../common/long-path.ts';
import { throttle } from '../../common/progress.ts';
import { sum } from '../../common/sum.ts';
import type { CacheType } from '../../hardware/cache-types.ts';
import type { GpuMemory } from '../../hardware/types.ts';
import type { Embedded, EmbedRequest, Ranked, RankRequest } from '../../models/embedding.ts';
import type {
  GenerateRequest,
  GenerationProgress,
  GenerationResult,
  PromptInput,
  RenderedPrompt,
} from '../../models/generation.ts';
import type {
  GpuMode,
  LoadedAdapter,
  LoadedDraft,
  LoadedFigures,
  LoadSettings,
  MemoryUse,
  RunnerFacts,
  RunnerLoad,
  RunnerStep,
  RunnerWork,
  SpeedTest,
  StateFolder,
} from '../ipc.ts';
import type { Binding, Context, Llama, Model } from './binding-types.ts';
import { cpuVariant } from './cpu-variant.ts';
import { Embedder } from './embedding/embedder.ts';
import { Ranker } from './embedding/ranker.ts';
import { BatchOrder } from './generation/batch-order.ts';
import { commonVocabulary, DraftModel } from './generation/draft-model.ts';
import { Generator } from './generation/generator.ts';
import { charactersOf, PromptTokens } from './generation/prompt-tokens.ts';
import { SavedStates } from './generation/saved-states.ts';
import { LlamaLog } from './llama-log.ts';
import { ThreadLimit } from './thread-limit.ts';

/** Shortest time between two progress messages, milliseconds: too short to be noticed, long enough to cost little. */
const PROGRESS_MS = 30;

/** Tokens before a measurement of speed, most tokens of it, and the time after which it ends, milliseconds. */
const MEASURE_AFTER = 3;
const MEASURED_TOKENS = 24;
const MEASURE_MS = 200;

/** The binding's names for the types of keys and values. */
const GGML_TYPES = {
  f32: 'F32',
  f16: 'F16',
  bf16: 'BF16',
  q8_0: 'Q8_0',
  q5_1: 'Q5_1',
  q5_0: 'Q5_0',
  q4_1: 'Q4_1',
  q4_0: 'Q4_0',
} as const satisfies Record<CacheType, string>;

/** Reports what is done next. */
type Steps = (step: RunnerStep) => void;

/** A loaded model and what serves its requests. */
interface Loaded {
  readonly generator: Generator;
  readonly prompts: PromptTokens;
  readonly contextSize: number;
  readonly embedder: Embedder;
  readonly ranker: Ranker;
  /** Undefined where the user set the number of threads. */
  readonly limit: ThreadLimit | undefined;
  readonly vramBefore: number;
}

/** llama.cpp in this process, with at most one model. */
export class LlamaRuntime {
  readonly facts: RunnerFacts;
  readonly #binding: Binding;
  readonly #llama: Llama;
  readonly #log: LlamaLog;
  readonly #onStates: () => void;
  /** By the number of the request. */
  readonly #running = new Map<number, AbortController>();
  #loaded: Loaded | undefined;

  private constructor(
    { binding, llama, log }: { binding: Binding; llama: Llama; log: LlamaLog },
    facts: RunnerFacts,
    onStates: () => void,
  ) {
    this.#onStates = onStates;
    this.#binding = binding;
    this.#llama = llama;
    this.#log = log;
    this.facts = facts;
  }

  /**
   * Imports the binding and starts llama.cpp with the binaries that came with the package: nothing is ever downloaded
   * or compiled here.
   *
   * @throws HostError `ENGINE_UNAVAILABLE` where there is no binary for this machine.
   */
  static async start(gpu: GpuMode, onStates: () => void = () => undefined): Promise<LlamaRuntime> {
    const begin = performance.now();
    const log = new LlamaLog();
    try {
      const binding = await import('./binding.ts');
      const imported = performance.now();
      const llama = await binding.getLlama({
        gpu: gpu === 'off' ? false : gpu,
        build: 'never',
        skipDownload: true,
        progressLogs: false,
        logLevel: binding.LlamaLogLevel.warn,
        logger: (level, message) => log.add(level, message),
        // Set by the load; zero lifts the binding's own limit.
        maxThreads: 0,
      });
      // A GPU's backend also starts where there is no device for it.
      const devices = llama.gpu === false ? [] : await llama.getGpuDeviceNames();
      const facts = {
        cpuVariant: cpuVariant(),
        gpu: llama.gpu === false || devices.length === 0 ? null : llama.gpu,
        devices,
        gpuMemory: await gpuMemoryOf(llama),
        release: llama.llamaCppRelease.release,
        importMs: Math.round(imported - begin),
        startMs: Math.round(performance.now() - imported),
      };
      return new LlamaRuntime({ binding, llama, log }, facts, onStates);
    } catch (error) {
      throw engineUnavailable(messageOf(error), {
        platform: process.platform,
        architecture: process.arch,
        gpu,
        log: log.errors(),
      });
    }
  }

  /** Loads the model and makes its context. */
  async load({ file, settings, states }: RunnerLoad, onProgress: (fraction: number) => void): Promise<LoadedFigures> {
    if (this.#loaded !== undefined) throw new Error('A runner holds one model');
    // llama.cpp reports every tensor; sending each report would cost more than loading a small model.
    const progress = throttle(onProgress, PROGRESS_MS);
    const vramBefore = await this.#vramUsed();
    this.#log.clear();
    const range = typeof settings.threads === 'number' ? undefined : settings.threads;
    const limit = range && new ThreadLimit(this.#llama, range);
    await limit?.start();
    // Several contexts at work, such as one that embeds texts beside a generation, share these threads.
    if (typeof settings.threads === 'number') this.#llama.maxThreads = settings.threads;
    try {
      const model = await this.#llama.loadModel({
        modelPath: longPath(file),
        gpuLayers: this.facts.gpu === null ? 0 : settings.gpuLayers,
        ...defined({ useMmap: settings.useMmap, useMlock: settings.useMlock, useDirectIo: settings.useDirectIo }),
        ...(settings.force === true ? { ignoreMemorySafetyChecks: true } : {}),
        onLoadProgress: progress,
      });
      const threads = typeof settings.threads === 'number' ? settings.threads : settings.threads.most;
      const order = new BatchOrder();
      const context = await model.createContext({
        contextSize: settings.contextSize,
        sequences: settings.sequences ?? 1,
        threads,
        batching: { itemPrioritizationStrategy: ({ items }) => order.plan(items) },
        ...defined({ batchSize: settings.batchSize, flashAttention: settings.flashAttention }),
        ...defined({ experimentalKvCacheKeyType: settings.cacheTypeK && GGML_TYPES[settings.cacheTypeK] }),
        ...defined({ experimentalKvCacheValueType: settings.cacheTypeV && GGML_TYPES[settings.cacheTypeV] }),
        ...defined({ lora: settings.adapters && { adapters: settings.adapters.map(adapterOptions) } }),
        ...(settings.force === true ? { ignoreMemorySafetyChecks: true } : {}),
        failedCreationRemedy: false,
      });
      const draft = settings.draft && (await this.#loadDraft(settings.draft, { settings, threads, model, context }));
      progress.flush();
      const prompts = new PromptTokens({ binding: this.#binding, model, template: settings.chatTemplate });
      const generator = new Generator({
        states: states && this.#savedStates(model, states),
        binding: this.#binding,
        llama: this.#llama,
        model,
        context,
        prompts,
        log: this.#log,
        order,
        draft: draft?.drafts,
      });
      const texts = {
        binding: this.#binding,
        model,
        log: this.#log,
        threads,
        limit,
        contextSize: context.contextSize,
      };
      const { contextSize } = context;
      const [embedder, ranker] = [new Embedder(texts), new Ranker(texts)];
      this.#loaded = { generator, prompts, contextSize, embedder, ranker, limit, vramBefore };
      return {
        vocabSize: vocabSize(model),
        embeddingDim: model.embeddingVectorSize,
        contextSize,
        chatFormat: prompts.format,
        trainContextSize: model.trainContextSize,
        gpuLayers: model.gpuLayers,
        ramUsed: model.memoryUsage.ram + context.memoryUsage.ram + (draft?.memory.ram ?? 0),
        vramUsed: model.memoryUsage.vram + context.memoryUsage.vram + (draft?.memory.vram ?? 0),
      };
    } catch (error) {
      throw isHostError(error) ? error : await this.#explain(error);
    }
  }

  /**
   * Loads the draft model of another one, with the same settings.
   *
   * @throws HostError `MODEL_REJECTED` if it cannot draft for the model.
   */
  async #loadDraft(
    { file, gpuLayers }: LoadedDraft,
    { settings, threads, model, context }: { settings: LoadSettings; threads: number; model: Model; context: Context },
  ): Promise<{ readonly drafts: DraftModel; readonly memory: MemoryUse }> {
    const draft = await this.#llama.loadModel({
      modelPath: longPath(file),
      gpuLayers: this.facts.gpu === null ? 0 : gpuLayers,
      ...defined({ useMmap: settings.useMmap, useMlock: settings.useMlock, useDirectIo: settings.useDirectIo }),
      ...(settings.force === true ? { ignoreMemorySafetyChecks: true } : {}),
    });
    const vocabulary = commonVocabulary(model, draft, file);
    const draftContext = await draft.createContext({
      contextSize: context.contextSize,
      sequences: 1,
      threads,
      ...defined({ batchSize: settings.batchSize }),
      ...(settings.force === true ? { ignoreMemorySafetyChecks: true } : {}),
      failedCreationRemedy: false,
    });
    const memory = {
      ram: draft.memoryUsage.ram + draftContext.memoryUsage.ram,
      vram: draft.memoryUsage.vram + draftContext.memoryUsage.vram,
    };
    return { drafts: new DraftModel(draftContext, vocabulary), memory };
  }

  /** See {@link Generator.generate}. */
  generate(
    { work, request }: RunnerWork<GenerateRequest>,
    step: Steps,
    onProgress: (progress: GenerationProgress) => void,
  ): Promise<GenerationResult> {
    return this.#run(work, ({ generator }, signal) => generator.generate(request, { signal, step, onProgress }));
  }

  /** Renders a prompt as a generation would get it. */
  render(input: PromptInput, step: Steps): RenderedPrompt {
    const { prompts, contextSize } = this.#require();
    step({ kind: 'tokenize', size: charactersOf(input) });
    return prompts.render(input, contextSize);
  }

  /** Counts the tokens of texts. */
  countTokens(texts: readonly string[], step: Steps): number {
    const { prompts, contextSize } = this.#require();
    step({ kind: 'tokenize', size: sum(texts.map((text) => text.length)) });
    return prompts.count(texts, contextSize);
  }

  /** See {@link Embedder.embed}. */
  embed({ work, request }: RunnerWork<EmbedRequest>, step: Steps): Promise<readonly Embedded[]> {
    return this.#run(work, ({ embedder }, signal) => embedder.embed(request, signal, step));
  }

  /** See {@link Ranker.rank}. */
  rank({ work, request }: RunnerWork<RankRequest>, step: Steps): Promise<readonly Ranked[]> {
    return this.#run(work, ({ ranker }, signal) => ranker.rank(request, signal, step));
  }

  /** Ends the request of this number, of whatever kind. Does nothing when it has ended. */
  stop(work: number): void {
    this.#running.get(work)?.abort(requestAborted());
  }

  /** Saves what idle sequences have evaluated. */
  async save(): Promise<void> {
    await this.#loaded?.generator.save();
  }

  /** Forgets what was evaluated of a conversation, and of prompts that belong to no known one. */
  async forget(conversation: string): Promise<void> {
    await this.#loaded?.generator.forget(conversation);
  }

  #savedStates(model: Model, { folder, key, maxTokens }: StateFolder): SavedStates {
    const { release, gpu, cpuVariant } = this.facts;
    const wholeKey = [key, release, gpu, cpuVariant].join(' ');
    return new SavedStates({ model, folder, key: wholeKey, maxTokens, onChange: this.#onStates });
  }

  /** Memory that this process uses now. */
  async memory(): Promise<MemoryUse> {
    const vramBefore = this.#loaded?.vramBefore ?? 0;
    return { ram: process.memoryUsage.rss(), vram: Math.max(0, (await this.#vramUsed()) - vramBefore) };
  }

  /** The host sends no request to a model before its load. */
  #require(): Loaded {
    if (this.#loaded === undefined) throw new Error('No model is loaded');
    return this.#loaded;
  }

  /** Runs a request that {@link stop} finds from now on. */
  async #run<T>(work: number, run: (loaded: Loaded, signal: AbortSignal) => Promise<T>): Promise<T> {
    const loaded = this.#require();
    const controller = new AbortController();
    this.#running.set(work, controller);
    const start = () => run(loaded, controller.signal);
    try {
      return await (loaded.limit === undefined ? start() : loaded.limit.during(start));
    } finally {
      this.#running.delete(work);
    }
  }

  /** Returns the tokens per second of a model that is loaded only for this. */
  async measure({ file, threads, onGpu }: SpeedTest): Promise<number> {
    const model = await this.#llama.loadModel({ modelPath: longPath(file), gpuLayers: onGpu ? 'max' : 0 });
    try {
      const context = await model.createContext({ contextSize: 256, sequences: 1, threads });
      const durations: number[] = [];
      let last = performance.now();
      for await (const _ of context
        .getSequence()
        .evaluate(model.tokenize('a'), { temperature: 0, yieldEogToken: true })) {
        const now = performance.now();
        durations.push(now - last);
        last = now;
        const measured = durations.length - MEASURE_AFTER;
        if (measured >= MEASURED_TOKENS || sum(durations.slice(MEASURE_AFTER)) > MEASURE_MS) break;
      }
      // The first tokens read the file into memory and compile what a GPU needs. Other processes interrupt some of the rest.
      const measured = durations.slice(MEASURE_AFTER).toSorted((a, b) => a - b);
      return 1000 / (measured[Math.floor(measured.length / 2)] ?? Number.NaN);
    } finally {
      await model.dispose();
    }
  }

  /** Memory of the GPUs now. */
  gpuMemory(): Promise<GpuMemory> {
    return gpuMemoryOf(this.#llama);
  }

  async #vramUsed(): Promise<number> {
    return this.#llama.gpu === false ? 0 : (await this.#llama.getVramState()).used;
  }

  /** Returns the error with the reason from llama.cpp's log. */
  async #explain(error: unknown): Promise<HostError> {
    const { reason: found, details } = await this.#log.explain(error);
    const reason = found.replace(/^llama_model_load: error loading model: /, '');
    if (error instanceof this.#binding.InsufficientMemoryError || this.#log.saysOutOfMemory()) {
      return new HostError(
        'INSUFFICIENT_MEMORY',
        `Not enough memory for this model and context length: ${reason}. Use fewer GPU layers or a shorter context.`,
        { details },
      );
    }
    return new HostError('MODEL_REJECTED', `llama.cpp cannot load this model: ${reason}`, { details });
  }
}

function adapterOptions({ file, scale }: LoadedAdapter): { filePath: string; scale: number } {
  return { filePath: longPath(file), scale };
}

async function gpuMemoryOf(llama: Llama): Promise<GpuMemory> {
  if (llama.gpu === false) return { total: 0, free: 0, isShared: false };
  const { total, free, unifiedSize } = await llama.getVramState();
  return { total, free, isShared: total > 0 && unifiedSize >= total };
}

function vocabSize(model: Model): number {
  let count = 0;
  for (const _ of model.iterateAllTokens()) count += 1;
  return count;
}

import { defined } from '../common/defined.ts';
import { errorInfo } from '../common/errors.ts';
import { invalidField, modelNotCapable } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import { throttle } from '../common/progress.ts';
import type { ModelAbilities } from '../gguf/abilities.ts';
import { capabilitiesOf, companionsOf, hostOf } from '../models/describe-loaded.ts';
import type { EngineModel, LoadedModel } from '../models/model-engine.ts';
import type { LoadPlan, LoadProgress } from '../models/model-registry.ts';
import type { LoadLock } from '../peers/load-lock.ts';
import * as declared from '../protocol/actions/load.ts';
import type { EventPayloads, RequestOf } from '../protocol/messages.ts';
import { type ModelName, readModelQuery } from '../protocol/model-name.ts';
import type { RemoteId } from '../protocol/remote-id.ts';
import { referenceText } from '../requests/reference.ts';
import { type Call, handle } from './action.ts';
import { type OpenCompanions, openCompanions, withCompanionIds } from './companions.ts';
import { findHere, type ObtainOptions, obtainModel } from './find-model.ts';
import type { WaitListener } from './hub-patience.ts';
import { changedSettings, chosenSettings, requestedSettings, type SettingDifferences } from './load-settings.ts';
import { withLoadDefaults } from './model-defaults.ts';
import { namedRemoteModel } from './model-reference.ts';
import { planLoad } from './plan-load.ts';
import { CONTACTING_HUB, percent, stepMessage } from './progress.ts';
import { type ReloadPlan, reload } from './reload.ts';
import { resolveName } from './resolve-name.ts';

type LoadEvent = Omit<EventPayloads['modelWorkerLoadingProgress'], 'modelId' | 'file' | 'loadId'>;

function eventOf(progress: LoadProgress): LoadEvent {
  switch (progress.step) {
    case 'obtain': {
      const { message, done, total, isComplete } = progress;
      return { status: 'progress', progress: percent(done, total, isComplete), loaded: done, total, message };
    }
    case 'found':
      return { status: 'cached', progress: 0, total: progress.size, message: 'Already downloaded' };
    case 'load':
      return { status: 'progress', progress: Math.floor(progress.fraction * 1000) / 10, message: 'Loading' };
  }
}

function loadedPayload(model: LoadedModel) {
  return {
    modelId: model.id,
    modelPath: model.id,
    isReady: true as const,
    backend: model.backend,
    vocabSize: model.vocabSize,
    contextSize: model.contextSize,
    ...defined({ parallel: model.sequences }),
    embeddingDim: model.embeddingDim,
    loadedTo: model.loadedTo,
    fileSize: model.fileSize,
    trainContextSize: model.trainContextSize,
    gpuLayers: model.gpuLayers,
    cpuLayers: model.cpuLayers,
    architecture: model.architecture,
    quantization: model.quantization,
    cpuVariant: model.cpuVariant,
    ...defined({ devices: model.devices && [...model.devices] }),
    loadTimeMs: model.loadTimeMs,
    ramUsed: model.ramUsed,
    vramUsed: model.vramUsed,
    ...capabilitiesOf(model),
    ...hostOf(model),
    ...chatTemplateOf(model),
    ...companionsOf(model),
  };
}

/** What the conversations of a model that generates text are written with. */
function chatTemplateOf({ chatFormat, abilities }: LoadedModel) {
  if (chatFormat === undefined || abilities?.generate !== null) return {};
  const { used, error } = chatFormat;
  return { chatTemplate: error === null ? { used } : { used, error } };
}

/** Most loads for one request, while other requests load the model with other settings. */
const MAX_RELOADS = 10;

/** A load whose model is to be downloaded where needed. */
interface Start {
  /** Its signal is aborted when the download is stopped. */
  readonly call: Call;
  readonly onDownloaded: () => void;
}

/**
 * Downloads a model where needed, makes sure that it fits into memory, and has llama.cpp load it.
 *
 * @param request The request with the settings that are saved for the model.
 */
function localPlan(name: ModelName, request: RequestOf<'LOAD_MODEL'>, start: Start): ReloadPlan {
  const { call, onDownloaded } = start;
  const { services } = call;
  const { id } = name;
  let loadLock: LoadLock | undefined;
  return {
    id,
    settings: requestedSettings(request),
    end: () => loadLock?.release(),
    check: (loaded) => checkReload(name, request, { loaded, call }),
    // The settings were those of a request.
    before: (settings) => localPlan(name, { modelId: id, settings } as RequestOf<'LOAD_MODEL'>, start),
    lease: async (signal) => (await services.cache()).lease(name, signal),
    async start(signal, onProgress) {
      const [engine, cache, hardware] = await Promise.all([services.engine(), services.cache(), services.hardware()]);
      const peers = await services.peers();
      const isAsked = (model: EngineModel) => isWhatWasAsked(request, model);
      const present = await peers.find(id, isAsked);
      if (present !== undefined) {
        onDownloaded();
        return present;
      }
      engine.warm();
      // Stopping the download, unlike stopping the load, ends only this part.
      const stoppable = { ...call, signal: AbortSignal.any([signal, call.signal]) };
      const options: ObtainOptions = {
        trustNames: true,
        onProgress: ({ downloaded: done, total, status, activity }, step) => {
          const message = stepMessage(step, activity);
          onProgress({ step: 'obtain', message, done, total, isComplete: status === 'completed' });
        },
      };
      const companions = await openCompanions(request, stoppable, options);
      try {
        const { model, alreadyDownloaded, external } = await obtainModel(name, stoppable, options);
        onDownloaded();
        if (alreadyDownloaded) onProgress({ step: 'found', size: model.size });
        const { inspected, draft, planned } = await inspect(id, model.files, { companions, signal });
        loadLock = await peers.acquireLoadLock(id, signal);
        const meanwhile = await peers.find(id, isAsked);
        if (meanwhile !== undefined) return meanwhile;
        const settings = await planLoad({ id, request, ...planned }, services);
        const loaded = await engine.load(
          { id, model: inspected, settings, draft },
          { signal, onProgress: (fraction) => onProgress({ step: 'load', fraction }) },
        );
        hardware.invalidateVram();
        if (external === undefined) await cache.eviction.recordUse(name);
        // The next load finds a runner ready, as this one did.
        engine.warm();
        return loaded;
      } finally {
        companions.release();
      }
    },
  };
}

/** Reads the headers of a model and of what is loaded with it. @throws HostError `MODEL_REJECTED`, `MODEL_NOT_CAPABLE`. */
async function inspect(
  id: string,
  files: readonly string[],
  { companions: { adapters, draft: draftFiles }, signal }: { companions: OpenCompanions; signal: AbortSignal },
) {
  const { inspectModel } = await import('../gguf/inspect.ts');
  const inspected = await inspectModel(files, { signal, adapters: adapters.map(({ file }) => file) });
  if (adapters.length > 0) assertGenerates(id, inspected.abilities, 'Load it without LoRA adapters.');
  const draft = draftFiles && (await inspectModel(draftFiles.files, { signal }));
  if (draft !== undefined) {
    assertGenerates(id, inspected.abilities, 'Load it without a draft model.');
    assertGenerates(draftFiles?.id ?? '', draft.abilities, 'Choose another draft model.');
  }
  const planned = { shape: inspected.shape, adapters, draft: draftFiles && draft && { ...draftFiles, ...draft } };
  return { inspected, draft, planned };
}

/**
 * Makes sure that the headers of the files and the memory allow to load a loaded model with other settings.
 *
 * @throws HostError as a load.
 */
async function checkReload(
  name: ModelName,
  request: RequestOf<'LOAD_MODEL'>,
  { loaded, call }: { loaded: LoadedModel; call: Call },
): Promise<void> {
  // The copy of another host stays loaded there.
  if (loaded.host !== undefined) return;
  const options: ObtainOptions = { trustNames: true, onProgress: () => undefined };
  const companions = await openCompanions(request, call, options);
  try {
    const { files } = await findHere(name, call, options);
    const { planned } = await inspect(name.id, files, { companions, signal: call.signal });
    await planLoad({ id: name.id, request, ...planned, replaces: loaded }, call.services);
  } finally {
    companions.release();
  }
}

/** Throws `MODEL_NOT_CAPABLE` for a model on which adapters or a draft model would have no effect, or that cannot draft. */
function assertGenerates(id: string, { generate: reason }: ModelAbilities, hint: string): void {
  if (reason !== null) throw modelNotCapable(id, 'generate', reason, { hint });
}

/** Returns whether the copy of another host has the settings that a request chooses, or does not have to. */
function isWhatWasAsked(request: RequestOf<'LOAD_MODEL'>, { info, loadedWith }: EngineModel): boolean {
  return request.reload === false || Object.keys(changedSettings(request, info, loadedWith)).length === 0;
}

/** Checks that a remote engine answers and has the model; one that is loaded is checked again. */
function remotePlan(name: RemoteId, { services }: Call): LoadPlan {
  return {
    id: name.id,
    refresh: true,
    start: async (signal) => (await services.remote()).engines.load(name, { signal }),
  };
}

function keepAliveMs({ keepAlive }: RequestOf<'LOAD_MODEL'>): number | null | undefined {
  if (keepAlive === undefined) return undefined;
  return keepAlive === -1 ? null : keepAlive * 1000;
}

/** What the user should know about a load. */
function warningsFor(
  { notice, contextSize, trainContextSize }: LoadedModel,
  differences: SettingDifferences,
): string[] {
  const warnings: string[] = notice === undefined ? [] : [notice.replace(/\.$/, '')];
  const names = Object.keys(differences);
  if (names.length > 0) warnings.push(`It was loaded with other settings (${names.join(', ')})`);
  if (trainContextSize > 0 && contextSize > trainContextSize) {
    warnings.push(
      `The context length of ${contextSize} tokens exceeds the ${trainContextSize} tokens that the model was trained with, so answers may be poor beyond them`,
    );
  }
  return warnings;
}

/** Loads a model as planned, again where the request has other settings, and reports the progress. */
async function load(plan: ReloadPlan, request: RequestOf<'LOAD_MODEL'>, call: Call<'modelWorkerLoadingProgress'>) {
  const { loadId } = request;
  const emit = (event: LoadEvent) =>
    call.emit('modelWorkerLoadingProgress', {
      ...event,
      modelId: plan.id,
      file: plan.id,
      ...defined({ loadId }),
    });
  const throttled = throttle(emit);

  const models = await call.services.models();
  if (plan.refresh === true || models.get(plan.id) === undefined) emit({ status: 'initiate', progress: 0 });
  try {
    const options = {
      signal: call.signal,
      keepAliveMs: keepAliveMs(request),
      onProgress(progress: LoadProgress) {
        if (progress.step === 'found') {
          throttled.flush();
          emit(eventOf(progress));
        } else throttled(eventOf(progress));
      },
    };
    let { model, alreadyLoaded } = await models.load(plan, options);
    let differences = changedSettings(request, model, models.settingsOf(model.id));
    for (let reloads = 0; reloads < MAX_RELOADS; reloads += 1) {
      // Another request may have unloaded it, or loaded it with its own settings.
      const isReplaced = models.get(model.id) !== model;
      if (!isReplaced && (Object.keys(differences).length === 0 || request.reload === false)) break;
      if (!isReplaced) await plan.check?.(model);
      ({ model, alreadyLoaded } =
        models.get(model.id) === model ? await reload(models, model, plan, options) : await models.load(plan, options));
      const loadedWith = models.settingsOf(model.id);
      differences = loadedWith === plan.settings ? {} : changedSettings(request, model, loadedWith);
    }
    throttled.flush();
    alreadyLoaded ||= model.host !== undefined;
    const text = alreadyLoaded ? 'Model already loaded' : 'Model loaded successfully';
    if (alreadyLoaded) emit({ status: 'cached', progress: 100, message: text });
    else emit({ status: 'done', progress: 100 });
    const warnings = warningsFor(model, differences);
    return {
      message: [text, ...warnings].join('. '),
      payload: {
        ...loadedPayload(model),
        alreadyLoaded,
        ...(warnings.length === 0 ? {} : { warnings }),
        ...(Object.keys(differences).length === 0 ? {} : { differences }),
      },
    };
  } catch (error) {
    throttled.flush();
    emit({ status: 'error', progress: 0, message: errorInfo(error).message });
    throw error;
  }
}

/** Has `tabagent serve` load a model. */
async function loadInServer(
  { inServer: _, ...request }: RequestOf<'LOAD_MODEL'>,
  call: Call<'modelWorkerLoadingProgress'>,
) {
  const peers = await call.services.peers();
  const payload = await peers.loadInServer(request as JsonObject, {
    signal: call.signal,
    // The other host has the same version.
    onEvent: (event) => call.emit('modelWorkerLoadingProgress', event as EventPayloads['modelWorkerLoadingProgress']),
  });
  return { payload, message: payload.alreadyLoaded ? 'Model already loaded' : 'Model loaded successfully' };
}

export const loadModel = handle(declared.loadModel, async (received, call) => {
  const remote = namedRemoteModel(received);
  for (const name of ['lora', 'draft_model'] as const) {
    const value = chosenSettings(received)[name];
    if (remote !== undefined && value != null) {
      throw invalidField(name, 'omitted for a model of a remote engine', value);
    }
  }
  const request = await withCompanionIds(received, call);
  if (request.inServer === true) return loadInServer(request, call);
  const { loadRequests, downloadRequests } = call.services;
  if (remote !== undefined) {
    return loadRequests.run(remote, call, (cancellable) => load(remotePlan(remote, cancellable), request, cancellable));
  }
  const reference = readModelQuery(request);
  const id = referenceText(reference);
  const onWait: WaitListener = (activity) =>
    call.emit('modelWorkerLoadingProgress', {
      status: 'progress',
      progress: 0,
      message: stepMessage(CONTACTING_HUB, activity),
      modelId: id,
      file: id,
      ...defined({ loadId: request.loadId }),
    });
  return loadRequests.run(reference, call, (cancellable, onNamed) =>
    downloadRequests.start(
      reference,
      cancellable,
      (stoppable) => resolveName(request, stoppable, onWait),
      async (name, stoppable, onDownloaded) => {
        onNamed(name);
        const saved = await (await call.services.modelSettings()).get(name.id);
        const plan = localPlan(name, withLoadDefaults(request, saved), { call: stoppable, onDownloaded });
        return load(plan, request, cancellable);
      },
    ),
  );
});

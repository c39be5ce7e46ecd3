import { defined } from '../common/defined.ts';
import { sum } from '../common/sum.ts';
import type { ModelAbilities } from '../gguf/abilities.ts';
import type { InspectedModel, ModelShape } from '../gguf/model.ts';
import { bytesPerToken } from '../hardware/token-speed.ts';
import type { ChatFormat } from '../models/generation.ts';
import type { LoadedModel } from '../models/model-engine.ts';
import type { LoadSettings } from './ipc.ts';
import type { LoadedRunner } from './load-on-runner.ts';

/** A load on this machine. */
export interface LoadRequest {
  /** The model id. */
  readonly id: string;
  readonly model: InspectedModel;
  readonly settings: LoadSettings;
  /** Its draft model, which is the one of the settings. */
  readonly draft?: InspectedModel | undefined;
}

/** What a runner reports about a load, and what the user should know about it. */
export interface NotedLoad extends LoadedRunner {
  readonly notice?: string;
}

/** Combines what the file's header says about a model with what the runner measured. */
export function describeModel(
  { id, model, settings, draft }: LoadRequest,
  { facts, figures, notice }: NotedLoad,
  loadTimeMs: number,
): LoadedModel {
  const { shape } = model;
  const { adapters = [] } = settings;
  const abilities = adapters.length === 0 ? model.abilities : withAdapters(model.abilities);
  // llama.cpp moves the output layer to the GPU first, and counts it.
  const gpuLayers = Math.min(Math.max(0, figures.gpuLayers - 1), shape.layerBytes.length);
  const cpuLayers = shape.layerBytes.length - gpuLayers;
  const splitOrGpu = cpuLayers === 0 ? 'GPU' : 'SPLIT';
  const inAdapters = adapterMemory(shape, gpuLayers);
  return {
    id,
    backend: shape.modelType === 'bitnet' ? 'Node-BitNet' : 'Node-GGUF',
    modelType: shape.modelType,
    architecture: shape.architecture,
    abilities,
    quantization: shape.quantization,
    vocabSize: figures.vocabSize,
    embeddingDim: figures.embeddingDim,
    contextSize: figures.contextSize,
    sequences: settings.sequences ?? 1,
    trainContextSize: figures.trainContextSize,
    chatFormat: figures.chatFormat,
    fileSize: shape.fileBytes,
    bytesPerToken: bytesPerToken(shape),
    flashAttention: settings.flashAttention ?? shape.flashAttention,
    gpuLayers,
    cpuLayers,
    loadedTo: gpuLayers === 0 ? 'CPU' : splitOrGpu,
    cpuVariant: facts.cpuVariant,
    devices: facts.gpu === null ? [] : facts.devices,
    loadTimeMs,
    ramUsed: figures.ramUsed + inAdapters.ram,
    mappedBytes:
      mappedBytes(shape, settings, gpuLayers) +
      (draft === undefined ? 0 : mappedBytes(draft.shape, settings, settings.draft?.gpuLayers ?? 0)),
    vramUsed: figures.vramUsed + inAdapters.vram,
    loadedAt: Math.floor(Date.now() / 1000),
    ...(adapters.length > 0 && { lora: adapters.map(({ id, scale }) => ({ id, scale })) }),
    ...defined({ draftModel: settings.draft?.id }),
    ...defined({ notice: noticeFor(notice, abilities.generate === null ? figures.chatFormat : undefined) }),
  };
}

/** Returns the abilities of a model with adapters, which the binding uses only for generating. */
function withAdapters({ generate }: ModelAbilities): ModelAbilities {
  const reason = 'it is loaded with LoRA adapters, which are used for generating text only';
  return { generate, embed: reason, rank: reason };
}

/** Returns the memory of adapters, bytes. llama.cpp does not report it: each matrix is where the model's own one is. */
function adapterMemory({ adapters }: ModelShape, gpuLayers: number): { readonly ram: number; readonly vram: number } {
  if (adapters === undefined) return { ram: 0, vram: 0 };
  const { layerBytes, inputBytes, outputBytes } = adapters;
  const firstOnGpu = layerBytes.length - gpuLayers;
  const vram = gpuLayers === 0 ? 0 : sum(layerBytes.slice(firstOnGpu)) + outputBytes;
  return { ram: inputBytes + sum(layerBytes) + outputBytes - vram, vram };
}

/** Returns the notice for the user; undefined if there is nothing to say. */
function noticeFor(notice: string | undefined, chatFormat: ChatFormat | undefined): string | undefined {
  if (chatFormat === undefined || chatFormat.error === null) return notice;
  const instead = chatFormat.used === 'chatml' ? 'ChatML' : 'a plain transcript';
  const template = `The model's chat template cannot be used (${chatFormat.error}), so conversations are written as ${instead}.`;
  return notice === undefined ? template : `${notice} ${template}`;
}

/** Returns the size of the weights on the CPU that are read from the mapped file, bytes; 0 if they were copied. */
function mappedBytes(shape: ModelShape, settings: LoadSettings, gpuLayers: number): number {
  // Linux does not count locked pages as available.
  if (settings.useMmap === false || settings.useMlock === true || settings.useDirectIo === true) return 0;
  const { layerBytes, inputBytes, outputBytes } = shape;
  const onCpu = sum(layerBytes.slice(0, Math.max(0, layerBytes.length - gpuLayers)));
  return inputBytes + onCpu + (gpuLayers > 0 ? 0 : outputBytes);
}

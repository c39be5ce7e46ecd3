import type { EventPayloads, EventType } from './messages.ts';

/**
 * What happens to an event while the client reads slower than events come. With a list of payload fields: events of one
 * request that agree in those fields replace each other, and the client gets the newest. With `null`: every one is
 * delivered, however long it takes.
 */
export const COALESCED_EVENTS: { readonly [T in EventType]: readonly (keyof EventPayloads[T] & string)[] | null } = {
  MODEL_DOWNLOAD_PROGRESS: ['repoId', 'fileName'],
  MODEL_VERIFY_PROGRESS: ['repoId', 'fileName'],
  CACHE_MOVE_PROGRESS: [],
  modelWorkerLoadingProgress: ['file'],
  generationPromptProgress: ['modelId'],
  generationUpdate: null,
  generationComplete: null,
  generationStopped: null,
  generationError: null,
  embeddingProgress: ['modelId'],
  MODEL_UNLOADED: null,
};

import { matchQuantization } from '../catalog/choose-model.ts';
import { quantizationOf } from '../catalog/quantization-name.ts';
import type { RequestId } from '../protocol/messages.ts';
import { DEFAULT_REVISION, isSameRepository, type ModelName, type ModelQuery } from '../protocol/model-name.ts';
import type { RemoteId } from '../protocol/remote-id.ts';

/** The model named in a request: by its file, by a quantization, or only by its repository. */
export type ModelReference = ModelName | ModelQuery;

/** A {@link ModelReference}, or a remote model. */
export type AnyModelReference = ModelReference | RemoteId;

/** The part of a handler's call that the registries of running requests use. */
export interface PendingCall {
  readonly requestId?: RequestId | undefined;
  readonly signal: AbortSignal;
}

/** Returns a reference in the form that users type. */
export function referenceText(reference: AnyModelReference): string {
  if ('id' in reference) return reference.id;
  const { repoId, quantization, revision } = reference;
  return `${repoId}${revision === DEFAULT_REVISION ? '' : `@${revision}`}${quantization === undefined ? '' : `:${quantization}`}`;
}

/** Returns whether two references are the same. File names are case-sensitive; quantizations are not. */
export function isSameReference(a: ModelReference, b: ModelReference): boolean {
  if (!isSameRepository(a, b)) return false;
  if ('file' in a || 'file' in b) return 'file' in a && 'file' in b && a.id === b.id;
  return a.quantization?.toUpperCase() === b.quantization?.toUpperCase();
}

/** Returns whether a reference names a model. */
export function isMatch(name: ModelName, reference: ModelReference): boolean {
  if (!isSameRepository(name, reference)) return false;
  if ('file' in reference) return name.id === reference.id;
  const { quantization } = reference;
  if (quantization === undefined) return true;
  return matchQuantization([{ name, quantization: quantizationOf(name.file) }], quantization).length > 0;
}
